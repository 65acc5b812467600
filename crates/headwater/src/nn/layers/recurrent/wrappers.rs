//! Layers that contain a layer.

use headwater_core::calc::Calc;
use headwater_core::Listed;
use headwater_core::{ops, Error, Result, Shape, Tensor};

use super::super::super::config::Config;
use super::super::super::layer::{dims_of, known, show, single, Call, Dims, Layer, Output, WeightSpec};
use super::super::super::value::{Map, Value};
use super::super::wrapper::Inner;
use super::rnn::steps;

/// A layer applied to every step of a sequence: the steps are samples of it, unless it changes its weights, which it does step by step.
pub(super) struct TimeDistributed {
    inner: Inner,
}

impl TimeDistributed {
    pub fn new(c: &Config<'_>) -> Result<TimeDistributed> {
        Ok(TimeDistributed { inner: Inner::of(c)? })
    }

    fn step(inputs: &[Dims]) -> Result<Dims> {
        let input = single("TimeDistributed", inputs)?;
        match input.as_slice() {
            [batch, _, rest @ ..] => Ok([&[*batch], rest].concat()),
            _ => Err(Error::shape("TimeDistributed", "an input of rank at least 2", show(input))),
        }
    }
}

/// The first two axes as one.
fn flat(x: &Tensor) -> Result<Tensor> {
    let shape = Shape::joined(&[&[x.shape()[0] * x.shape()[1]], &x.shape()[2..]]);
    ops::reshape(x, shape)
}

impl TimeDistributed {
    /// The layer's outputs for one step after the other, each with the weights that the one before left.
    fn in_turn(&self, x: &Tensor, weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let (mut each, mut masks) = (Vec::new(), Vec::new());
        steps(x, &mut each)?;
        call.mask(0).map(|mask| steps(mask, &mut masks)).transpose()?;
        let mut weights = weights.to_vec();
        let (mut all, mut tensors) = (Output::default(), Vec::new());
        for (i, step) in each.into_iter().enumerate() {
            let seed = ops::hash_key(call.seed, i as u32);
            let call = Call { masks: &[masks.get(i).cloned()], seed, ..*call };
            let mut output = self.inner.layer.call(&[step], &weights, &call)?;
            output.updates.iter().for_each(|(at, update)| weights[*at] = update.clone());
            all.updates = output.updates;
            all.losses.append(&mut output.losses);
            tensors.append(&mut output.tensors);
        }
        all.tensors.push(ops::stack(&tensors.iter().listed(), 1)?);
        Ok(all)
    }
}

impl Layer for TimeDistributed {
    fn class_name(&self) -> &'static str {
        "TimeDistributed"
    }

    fn config(&self, to: &mut Map) {
        to.set("layer", self.inner.written());
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        self.inner.layer.weights(&[Self::step(inputs)?])
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shapes = self.inner.layer.output_shape(&[Self::step(inputs)?])?;
        shapes.iter_mut().for_each(|shape| shape.insert(1.min(shape.len()), inputs[0][1]));
        Ok(shapes)
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single("TimeDistributed", inputs)?;
        let step = Self::step(&[dims_of(x.shape())])?;
        let changes = |w: &WeightSpec| w.state || (call.training && !w.trainable);
        if x.shape()[1] > 1 && self.inner.layer.weights(&[step])?.iter().any(changes) {
            return self.in_turn(x, weights, call);
        }
        let mask = call.mask(0).filter(|mask| mask.rank() > 2).map(flat).transpose()?;
        let mut output = self.inner.layer.call(&[flat(x)?], weights, &Call { masks: &[mask], ..*call })?;
        for tensor in &mut output.tensors {
            let shape = Shape::joined(&[&x.shape()[..2], &tensor.shape()[1..]]);
            *tensor = ops::reshape(tensor, shape)?;
        }
        Ok(output)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        super::super::super::layer::pass(masks)
    }
}

/// A recurrent layer over a sequence in both directions (Schuster & Paliwal 1997).
pub(super) struct Bidirectional {
    forward: Inner,
    backward: Inner,
    /// `None` keeps the two outputs apart.
    merge: Option<String>,
    return_sequences: bool,
}

/// A configuration with other values of some keys.
fn with(config: &Value, changes: &[(&str, Value)]) -> Value {
    let mut map = Map::default();
    if let Value::Map(given) = config {
        let kept = given.iter().filter(|(key, _)| changes.iter().all(|(changed, _)| changed != key));
        kept.for_each(|(key, value)| map.set(key, value.clone()));
    }
    changes.iter().for_each(|(key, value)| map.set(key, value.clone()));
    map.into()
}

impl Bidirectional {
    pub fn new(c: &Config<'_>) -> Result<Bidirectional> {
        let mut forward = Inner::of(c)?;
        let name = forward.name.strip_prefix("forward_").unwrap_or(&forward.name).to_owned();
        let value = c.get("layer").unwrap_or(&Value::Null);
        let config = value.get("config").unwrap_or(&Value::Null);
        let flag = |key: &str| matches!(config.get(key), Some(Value::Bool(true)));
        let turned = with(config, &[("go_backwards", (!flag("go_backwards")).into())]);
        let derived = with(value, &[("config", turned)]);
        let mut backward = Inner::new(c.class, c.get("backward_layer").unwrap_or(&derived))?;
        (forward.name, backward.name) = (format!("forward_{name}"), format!("backward_{name}"));
        let merge = if c.is_null("merge_mode") { None } else { Some(c.text("merge_mode", "concat")?) };
        if merge.is_some_and(|mode| !["concat", "sum", "ave", "mul"].contains(&mode)) {
            let expected = "'concat', 'sum', 'ave', 'mul' or null as 'merge_mode'";
            return Err(Error::argument(c.class, expected, merge.unwrap_or_default()));
        }
        let merge = merge.map(String::from);
        Ok(Bidirectional { forward, backward, merge, return_sequences: flag("return_sequences") })
    }

    /// The inputs of each direction: states are given for the one and then for the other.
    fn halves<T: Clone>(inputs: &[T]) -> Result<(Vec<T>, Vec<T>)> {
        let Some((x, states)) = inputs.split_first() else {
            return Err(Error::argument("Bidirectional", "an input", "none"));
        };
        if states.len() % 2 != 0 {
            return Err(Error::argument("Bidirectional", "states of both directions", states.len()));
        }
        let (a, b) = states.split_at(states.len() / 2);
        let with = |states: &[T]| {
            let mut all = vec![x.clone()];
            all.extend_from_slice(states);
            all
        };
        Ok((with(a), with(b)))
    }

    fn combine(&self, a: Tensor, b: Tensor) -> Result<Vec<Tensor>> {
        let calc = Calc::default();
        let (a, b) = (calc.of(&a), calc.of(&b));
        let merged = match self.merge.as_deref() {
            None => return calc.results(&[a, b]),
            Some("sum") => a + b,
            Some("ave") => (a + b) * 0.5,
            Some("mul") => a * b,
            Some(_) => a.join(b, -1),
        };
        calc.results(&[merged])
    }
}

impl Layer for Bidirectional {
    fn class_name(&self) -> &'static str {
        "Bidirectional"
    }

    fn config(&self, to: &mut Map) {
        to.set("merge_mode", self.merge.as_deref());
        to.set("layer", self.forward.written());
        to.set("backward_layer", self.backward.written());
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let (a, b) = Self::halves(inputs)?;
        let mut specs = Vec::new();
        for (inner, inputs) in [(&self.forward, a), (&self.backward, b)] {
            let named = |spec: WeightSpec| WeightSpec { name: format!("{}/{}", inner.name, spec.name), ..spec };
            specs.extend(inner.layer.weights(&inputs)?.into_iter().map(named));
        }
        Ok(specs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let (a, b) = Self::halves(inputs)?;
        let (mut a, mut b) = (self.forward.layer.output_shape(&a)?, self.backward.layer.output_shape(&b)?);
        let (mut first, second) = (a.remove(0), b.remove(0));
        let mut outputs = match self.merge.as_deref() {
            None => vec![first, second],
            Some("concat") => {
                let axis = first.len().saturating_sub(1);
                let width = known("Bidirectional", &first, axis)? + known("Bidirectional", &second, axis)?;
                first[axis] = Some(width);
                vec![first]
            }
            Some(_) => vec![first],
        };
        outputs.extend(a);
        outputs.extend(b);
        Ok(outputs)
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let (a, b) = Self::halves(inputs)?;
        let shapes: Vec<Dims> = a.iter().map(|x| dims_of(x.shape())).listed();
        let count = self.forward.layer.weights(&shapes)?.len();
        let (own, others) = weights.split_at(count);
        let mut forward = self.forward.layer.call(&a, own, call)?;
        let turned = Call { seed: ops::hash_key(call.seed, 1), ..*call };
        let mut backward = self.backward.layer.call(&b, others, &turned)?;
        let (first, mut second) = (forward.tensors.remove(0), backward.tensors.remove(0));
        if self.return_sequences {
            second = ops::reverse(&second, Some(&[1]))?;
        }
        let mut tensors = self.combine(first, second)?;
        tensors.extend(forward.tensors.into_iter().chain(backward.tensors));
        let mut updates = forward.updates;
        updates.extend(backward.updates.into_iter().map(|(i, update)| (count + i, update)));
        let mut losses = forward.losses;
        losses.extend(backward.losses);
        Ok(Output { tensors, updates, losses })
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        let mask = masks.first().cloned().flatten().filter(|_| self.return_sequences);
        Ok(vec![mask; if self.merge.is_none() { 2 } else { 1 }])
    }
}
