//! Graphs of layers.

use headwater_core::ops::hash_key;
use headwater_core::{Device, Error, Result};

use super::super::definition::Definition;
use super::super::layer::Dims;
use super::{Model, Op, Place};

/// What a layer of a [`Functional`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbol {
    node: usize,
    output: usize,
}

/// A layer of a [`Functional`] that may be called several times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerId(usize);

/// A layer that was named, and the node of its first call.
struct Kept {
    definition: Definition,
    first: Option<usize>,
    calls: usize,
}

/// Builds a graph of layers: several inputs and outputs, shared layers, models as layers.
///
/// ```
/// use headwater::nn::layers::{Concatenate, Dense, Subtract};
/// use headwater::nn::{Functional, Sequential};
/// use headwater::{cpu, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let encoder = Sequential::new(&device, vec![None, Some(6)], 1).layer(Dense::new(4).activation("relu"))?.build();
///
/// let mut net = Functional::new(&device, 2);
/// let (left, right) = (net.input("left", vec![None, Some(6)])?, net.input("right", vec![None, Some(6)])?);
/// // The same weights read both.
/// let encoder = net.layer(encoder);
/// let (a, b) = (net.call(encoder, &[left])?, net.call(encoder, &[right])?);
/// let distance = net.apply(Subtract::new().name("distance"), &[a, b])?;
/// let both = net.apply(Concatenate::new(), &[a, b])?;
/// let class = net.apply(Dense::new(3).activation("softmax").name("class"), &[both])?;
/// let model = net.build(&[left, right], &[class, distance])?;
///
/// let x = device.ones([5, 6], DType::F32)?;
/// let outputs = model.predict(&[&x, &x])?;
/// assert_eq!((outputs[0].shape().to_vec(), outputs[1].to_vec()?), (vec![5, 3], vec![0.0; 20]));
/// // Kernel and bias of the encoder, and of the class.
/// assert_eq!(model.weights().len(), 4);
/// assert_eq!(model.output_names(), ["class", "distance"]);
/// # Ok(())
/// # }
/// ```
pub struct Functional {
    model: Model,
    layers: Vec<Kept>,
    seed: u32,
}

impl Functional {
    /// An empty graph, weights drawn from `seed`.
    pub fn new(device: &Device, seed: u32) -> Functional {
        Functional { model: Model::empty(device), layers: Vec::new(), seed }
    }

    /// An input of `shape`, the batch first.
    ///
    /// # Errors
    /// `ErrorKind::Format` when another layer has the name.
    pub fn input(&mut self, name: &str, shape: Dims) -> Result<Symbol> {
        self.model.unnamed(name)?;
        Ok(Symbol { node: self.model.add_input(name, shape), output: 0 })
    }

    /// A layer that is to be called several times with the same weights.
    pub fn layer(&mut self, layer: impl Into<Definition>) -> LayerId {
        self.layers.push(Kept { definition: layer.into(), first: None, calls: 0 });
        LayerId(self.layers.len() - 1)
    }

    /// The first output of a layer.
    ///
    /// # Errors
    /// As [`Functional::call_all`].
    pub fn call(&mut self, layer: LayerId, inputs: &[Symbol]) -> Result<Symbol> {
        self.call_node(layer, inputs).map(|node| Symbol { node, output: 0 })
    }

    /// All outputs of a layer, such as a recurrent one's with its states.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the layer does not accept such inputs; `ErrorKind::Argument` naming a wrong option;
    /// `ErrorKind::Format` when another layer has its name or a later call needs other weights.
    pub fn call_all(&mut self, layer: LayerId, inputs: &[Symbol]) -> Result<Vec<Symbol>> {
        let node = self.call_node(layer, inputs)?;
        Ok((0..self.model.nodes[node].shapes.len()).map(|output| Symbol { node, output }).collect())
    }

    /// Makes a layer and calls it, once: its first output.
    ///
    /// # Errors
    /// As [`Functional::call_all`].
    pub fn apply(&mut self, layer: impl Into<Definition>, inputs: &[Symbol]) -> Result<Symbol> {
        let layer = self.layer(layer);
        self.call(layer, inputs)
    }

    fn call_node(&mut self, layer: LayerId, inputs: &[Symbol]) -> Result<usize> {
        let seed = hash_key(self.seed, self.model.nodes.len() as u32);
        let inputs: Vec<Place> = inputs.iter().map(|s| (s.node, s.output)).collect();
        let of_another = || Error::argument("functional", "a layer of this graph", "one of another");
        let kept = self.layers.get_mut(layer.0).ok_or_else(of_another)?;
        let node = match kept.first {
            Some(first) => self.model.share(first, inputs)?,
            None => self.model.append(kept.definition.clone(), inputs, seed)?,
        };
        self.model.nodes[node].call = kept.calls;
        kept.first.get_or_insert(node);
        kept.calls += 1;
        Ok(node)
    }

    /// The model from `inputs` to `outputs`.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when there is no output, when an input is none of the graph's, or when one that is missing is
    /// needed.
    pub fn build(self, inputs: &[Symbol], outputs: &[Symbol]) -> Result<Model> {
        let mut model = self.model;
        let wrong = |expected: &str, received: String| Err(Error::argument("functional", expected, received));
        if outputs.is_empty() {
            return wrong("at least one output", "none".into());
        }
        model.shapes_of(&outputs.iter().map(|s| (s.node, s.output)).collect::<Vec<_>>())?;
        if let Some(other) = inputs.iter().find(|s| !model.nodes.get(s.node).is_some_and(|n| matches!(n.op, Op::Input)))
        {
            return wrong("inputs of this graph", format!("{other:?}"));
        }
        model.inputs = inputs.iter().map(|s| s.node).collect();
        model.outputs = outputs.iter().map(|s| (s.node, s.output)).collect();
        model.prune();
        let given = |node: usize| model.inputs.contains(&node);
        let lacks = model.nodes.iter().enumerate().find(|(i, n)| matches!(n.op, Op::Input) && !given(*i));
        match lacks {
            Some((_, node)) => wrong("every input that outputs are computed from", format!("none for '{}'", node.name)),
            None => Ok(model),
        }
    }
}
