//! Layers of models: their weights, whether they are trained, and a table of all.

use std::fmt::Write;
use std::sync::atomic::Ordering;

use headwater_core::{Error, Result, Tensor};
use serde_json::Value;

use super::super::layer::{show, Dims};
use super::{Model, Node, Op, Policy, Weight};

/// A layer of a model.
#[derive(Clone, Copy)]
pub struct Part<'a> {
    node: &'a Node,
}

impl<'a> Part<'a> {
    /// Its name.
    pub fn name(&self) -> &'a str {
        &self.node.name
    }

    /// Its class in Keras.
    pub fn class_name(&self) -> &'a str {
        self.node.class_name()
    }

    /// Its configuration in Keras.
    pub fn config(&self) -> Value {
        self.node.config()
    }

    /// The shapes of its outputs.
    pub fn output_shapes(&self) -> &'a [Dims] {
        &self.node.shapes
    }

    /// The model that is this layer, if it is one.
    pub fn model(&self) -> Option<&'a Model> {
        match &self.node.op {
            Op::Model(model) => Some(model),
            _ => None,
        }
    }

    /// Its weights, without the states of recurrent layers.
    pub fn weights(&self) -> Vec<Weight> {
        self.node.weights.iter().filter(|w| !w.spec.state).cloned().collect()
    }

    /// The values of its weights.
    pub fn get_weights(&self) -> Vec<Tensor> {
        self.weights().iter().map(Weight::value).collect()
    }

    /// Sets its weights, in the order of [`Part::get_weights`].
    ///
    /// # Errors
    /// `ErrorKind::Argument` for another number of weights; `ErrorKind::Shape` for one of another shape.
    pub fn set_weights(&self, values: &[Tensor]) -> Result<()> {
        set_all(self.name(), &self.weights(), values)
    }

    /// Whether training changes its weights.
    pub fn trainable(&self) -> bool {
        !self.node.frozen()
    }

    /// Sets whether training changes its weights. All clones of the model and models that contain it follow. A frozen
    /// batch normalization normalizes as in inference, as in Keras.
    pub fn set_trainable(&self, yes: bool) {
        self.node.trainable.store(yes, Ordering::Relaxed);
    }

    /// What it computes in.
    pub fn policy(&self) -> Policy {
        self.node.policy.get()
    }

    /// Sets what it computes in, for a model all its layers. All clones of the model and models that contain it follow.
    pub fn set_policy(&self, policy: Policy) {
        self.node.policy.set(policy);
        if let Some(model) = self.model() {
            model.set_policy(policy);
        }
    }
}

fn set_all(of: &str, weights: &[Weight], values: &[Tensor]) -> Result<()> {
    if weights.len() != values.len() {
        return Err(Error::argument(of, format_args!("{} weights", weights.len()), values.len()));
    }
    weights.iter().zip(values).try_for_each(|(weight, value)| weight.set(value.clone()))
}

/// A whole number with commas, as Keras prints it.
fn commas(n: usize) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn count<'a>(weights: impl IntoIterator<Item = &'a Weight>) -> usize {
    weights.into_iter().map(|w| w.spec.shape.size()).sum()
}

impl Model {
    /// The layers in the order of their first calls, inputs included.
    ///
    /// ```
    /// use headwater::nn::layers::{BatchNormalization, Dense};
    /// use headwater::nn::Sequential;
    ///
    /// # fn main() -> headwater::Result<()> {
    /// let model = Sequential::new(&headwater::cpu(1), vec![None, Some(3)], 1)
    ///     .layer(Dense::new(8).name("hidden"))?
    ///     .layer(BatchNormalization::new())?
    ///     .layer(Dense::new(2))?
    ///     .build();
    /// // Only the last layer is trained.
    /// model.layers().iter().rev().skip(1).for_each(|layer| layer.set_trainable(false));
    /// assert_eq!(model.weights().iter().filter(|w| w.trainable()).count(), 2);
    /// let hidden = model.layer("hidden")?;
    /// assert_eq!((hidden.class_name(), hidden.trainable()), ("Dense", false));
    /// let zeros: Vec<_> = hidden.get_weights().iter().map(|w| w.zeros_like()).collect::<Result<_, _>>()?;
    /// hidden.set_weights(&zeros)?;
    /// assert_eq!(model.weight("hidden/bias")?.value().to_vec()?, [0.0; 8]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn layers(&self) -> Vec<Part<'_>> {
        self.nodes.iter().filter(|node| !node.shared).map(|node| Part { node }).collect()
    }

    /// The layer of a name.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is none.
    pub fn layer(&self, name: &str) -> Result<Part<'_>> {
        let node = self.nodes.iter().find(|node| node.name == name);
        node.map(|node| Part { node }).ok_or_else(|| Error::unknown("layer in the model", name))
    }

    /// The weight of a name: the layer's name, `/`, and the weight's in Keras.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is none.
    pub fn weight(&self, name: &str) -> Result<Weight> {
        let found = self.weights().into_iter().find(|weight| weight.name == name);
        found.ok_or_else(|| Error::unknown("weight in the model", name))
    }

    /// The values of all weights.
    pub fn get_weights(&self) -> Vec<Tensor> {
        self.weights().iter().map(Weight::value).collect()
    }

    /// Sets all weights, in the order of [`Model::get_weights`].
    ///
    /// # Errors
    /// `ErrorKind::Argument` for another number of weights; `ErrorKind::Shape` for one of another shape.
    pub fn set_weights(&self, values: &[Tensor]) -> Result<()> {
        set_all("model", &self.weights(), values)
    }

    /// A table of layers, as Keras prints it: what they give, how many parameters they have and what they read.
    ///
    /// ```
    /// use headwater::nn::layers::Dense;
    /// use headwater::nn::Sequential;
    ///
    /// # fn main() -> headwater::Result<()> {
    /// let model = Sequential::new(&headwater::cpu(1), vec![None, Some(784)], 1)
    ///     .layer(Dense::new(32).name("hidden"))?
    ///     .layer(Dense::new(10).name("digit"))?
    ///     .build();
    /// assert_eq!(
    ///     model.summary(),
    ///     "\
    /// Layer (type)        Output shape  Params  Reads
    /// input (InputLayer)  [null,784]    0       -
    /// hidden (Dense)      [null,32]     25,120  input
    /// digit (Dense)       [null,10]     330     hidden
    /// Parameters: 25,450. Trainable: 25,450. Not trainable: 0.
    /// "
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn summary(&self) -> String {
        let mut rows = vec![["Layer (type)", "Output shape", "Params", "Reads"].map(String::from)];
        for node in self.nodes.iter().filter(|node| !node.shared) {
            let calls = self.nodes.iter().filter(|other| other.name == node.name);
            let reads: Vec<&str> =
                calls.flat_map(|n| &n.inputs).map(|&(from, _)| self.nodes[from].name.as_str()).collect();
            rows.push([
                format!("{} ({})", node.name, node.class_name()),
                node.shapes.iter().map(show).collect::<Vec<_>>().join(", "),
                commas(count(&node.weights)),
                if reads.is_empty() { "-".into() } else { reads.join(", ") },
            ]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [a, b, c] = [width(0), width(1), width(2)];
        let mut text = String::new();
        for [name, shape, params, reads] in &rows {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{name:a$}  {shape:b$}  {params:c$}  {reads}");
        }
        let weights = self.every_weight();
        let (all, trainable) = (count(&weights), count(weights.iter().filter(|w| w.trainable())));
        let _ = writeln!(
            text,
            "Parameters: {}. Trainable: {}. Not trainable: {}.",
            commas(all),
            commas(trainable),
            commas(all - trainable)
        );
        text
    }
}
