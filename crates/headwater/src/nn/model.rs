//! Models: graphs of layers with their weights.

mod functional;
mod keras;
mod network;
mod parts;
mod policy;
mod read;
mod sequential;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use headwater_core::ops::hash_key;
use headwater_core::{AllOk, Device, Error, Result, Tensor};

use super::definition::{Definition, Kind};
use super::initializers::initialize;
use super::layer::{Call, Dims, Layer, WeightSpec};
use super::topology::format_error;

pub use functional::{Functional, LayerId, Symbol};
pub use network::Network;
pub use parts::Part;
pub use policy::Policy;
pub use sequential::Sequential;

/// A weight: its description and its current value. Clones share the value.
#[derive(Clone)]
pub struct Weight {
    /// The layer's name and the weight's: `dense/kernel`.
    pub name: String,
    /// What it is.
    pub spec: WeightSpec,
    value: Arc<Mutex<Tensor>>,
    /// What each layer that the weight is in says about training.
    trainable: Vec<Arc<AtomicBool>>,
}

impl Weight {
    /// The current value.
    pub fn value(&self) -> Tensor {
        self.value.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the shape is another.
    pub fn set(&self, value: Tensor) -> Result<()> {
        if value.shape() != &self.spec.shape {
            return Err(Error::shape(&self.name, format_args!("a value of shape {}", self.spec.shape), value.shape()));
        }
        *self.value.lock().unwrap_or_else(PoisonError::into_inner) = value;
        Ok(())
    }

    /// Whether both are the same weight, with one value.
    pub fn same(&self, other: &Weight) -> bool {
        Arc::ptr_eq(&self.value, &other.value)
    }

    /// Whether training changes it: it is of such a kind, and no layer that it is in is frozen.
    pub fn trainable(&self) -> bool {
        self.spec.trainable && self.trainable.iter().all(|flag| flag.load(Ordering::Relaxed))
    }
}

/// What a node computes.
#[derive(Clone)]
enum Op {
    Input,
    Layer(Arc<dyn Layer>),
    Model(Arc<Model>),
}

/// A layer, applied to the outputs of nodes.
#[derive(Clone)]
struct Node {
    name: String,
    op: Op,
    /// Which call of the layer this is: all share the weights of the first that was made.
    call: usize,
    shared: bool,
    /// Whether it is always called in training or in inference, whatever the model is called in.
    training: Option<bool>,
    /// Whether it computes with its inputs' masks, which are handed on in any case.
    masked: bool,
    trainable: Arc<AtomicBool>,
    policy: Arc<policy::Shared>,
    weights: Vec<Weight>,
    inputs: Vec<Place>,
    shapes: Vec<Dims>,
}

impl Node {
    /// Whether the layer is frozen: batch normalization then normalizes as in inference, as in Keras.
    fn frozen(&self) -> bool {
        !self.trainable.load(Ordering::Relaxed)
    }
}

/// The weights of a model that becomes a layer.
fn nested(model: &Model, flag: &Arc<AtomicBool>) -> Vec<Weight> {
    let mut own = model.every_weight();
    own.iter_mut().for_each(|weight| weight.trainable.push(flag.clone()));
    own
}

/// An output of a node: the node and which of its outputs.
type Place = (usize, usize);

/// What a call of a model gives.
#[derive(Default)]
pub struct Called {
    /// The outputs.
    pub outputs: Vec<Tensor>,
    /// Which steps of each output count, as bool tensors.
    pub masks: Vec<Option<Tensor>>,
    /// Losses of layers, to be added to the outputs'.
    pub losses: Vec<Tensor>,
}

/// A graph of layers from inputs to outputs. Clones share weights.
///
/// Made by [`Sequential`], [`Functional`] or [`Model::from_keras`].
#[derive(Clone)]
pub struct Model {
    device: Device,
    nodes: Vec<Node>,
    inputs: Vec<usize>,
    outputs: Vec<Place>,
}

impl Model {
    fn empty(device: &Device) -> Model {
        Model { device: device.clone(), nodes: Vec::new(), inputs: Vec::new(), outputs: Vec::new() }
    }

    fn add_input(&mut self, name: &str, shape: Dims) -> usize {
        self.nodes.push(Node {
            name: name.into(),
            op: Op::Input,
            call: 0,
            shared: false,
            training: None,
            masked: true,
            trainable: Arc::new(AtomicBool::new(true)),
            policy: Arc::default(),
            weights: Vec::new(),
            inputs: Vec::new(),
            shapes: vec![shape],
        });
        self.inputs.push(self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// The shapes of outputs that a layer is to read.
    fn shapes_of(&self, places: &[Place]) -> Result<Vec<Dims>> {
        let shape = |&(node, output): &Place| {
            let node = self.nodes.get(node).ok_or_else(|| format_error("an output of another model is read"))?;
            let missing = || format_error(format!("'{}' has no output {output}", node.name));
            node.shapes.get(output).cloned().ok_or_else(missing)
        };
        places.iter().map(shape).collect()
    }

    fn add(&mut self, name: &str, definition: Definition, inputs: Vec<Place>, seed: u32) -> Result<usize> {
        let shapes = self.shapes_of(&inputs)?;
        let flag = Arc::new(AtomicBool::new(definition.trainable));
        let (op, weights, shapes) = match definition.kind {
            Kind::Model(model) => (Op::Model(model.clone()), nested(&model, &flag), model.check(&shapes)?),
            Kind::Class(class, config) => {
                self.built(name, super::create(&class, &config.into())?.into(), &shapes, &flag, seed)?
            }
            Kind::Layer(layer) => self.built(name, layer, &shapes, &flag, seed)?,
        };
        self.nodes.push(Node {
            name: name.into(),
            op,
            call: 0,
            shared: false,
            training: None,
            masked: true,
            trainable: flag,
            policy: Arc::new(policy::Shared::new(definition.policy)),
            weights,
            inputs,
            shapes,
        });
        self.tell_weights_apart();
        Ok(self.nodes.len() - 1)
    }

    /// Puts the names of models before those of their weights where other weights have the same.
    fn tell_weights_apart(&mut self) {
        if !self.nodes.iter().any(|node| matches!(node.op, Op::Model(_))) {
            return;
        }
        let mut owners: HashMap<String, usize> = HashMap::new();
        for weight in self.nodes.iter().filter(|node| !node.shared).flat_map(|node| &node.weights) {
            *owners.entry(weight.name.clone()).or_default() += 1;
        }
        // Every call of a model has the same weights, and renames them alike.
        for node in self.nodes.iter_mut().filter(|node| matches!(node.op, Op::Model(_))) {
            if node.weights.iter().any(|w| owners.get(&w.name).is_some_and(|&n| n > 1)) {
                node.weights.iter_mut().for_each(|w| w.name = format!("{}/{}", node.name, w.name));
            }
        }
    }

    /// Checks that no layer has a name.
    fn unnamed(&self, name: &str) -> Result<()> {
        match self.nodes.iter().any(|node| node.name == name) {
            true => Err(format_error(format!("two layers are named '{name}'"))),
            false => Ok(()),
        }
    }

    /// As [`Model::add`], under the layer's own name or one of its class.
    fn append(&mut self, definition: Definition, inputs: Vec<Place>, seed: u32) -> Result<usize> {
        let class = match &definition.kind {
            Kind::Class(class, _) => class.to_ascii_lowercase(),
            Kind::Layer(layer) => layer.class_name().to_ascii_lowercase(),
            Kind::Model(_) => "model".into(),
        };
        let name = definition.name.clone().unwrap_or_else(|| format!("{class}_{}", self.nodes.len()));
        self.unnamed(&name)?;
        self.add(&name, definition, inputs, seed)
    }

    /// Drops layers that no output is computed from.
    fn prune(&mut self) {
        let mut needed = vec![false; self.nodes.len()];
        self.inputs.iter().for_each(|&i| needed[i] = true);
        self.outputs.iter().for_each(|&(i, _)| needed[i] = true);
        for i in (0..self.nodes.len()).rev() {
            if needed[i] {
                self.nodes[i].inputs.iter().for_each(|&(j, _)| needed[j] = true);
            }
        }
        let mut to = vec![0; self.nodes.len()];
        let mut kept: Vec<Node> = Vec::new();
        for (i, mut node) in std::mem::take(&mut self.nodes).into_iter().enumerate().filter(|(i, _)| needed[*i]) {
            to[i] = kept.len();
            node.inputs.iter_mut().for_each(|place| place.0 = to[place.0]);
            node.call = kept.iter().filter(|other| other.name == node.name).count();
            node.shared = node.call > 0;
            kept.push(node);
        }
        self.nodes = kept;
        self.inputs.iter_mut().for_each(|i| *i = to[*i]);
        self.outputs.iter_mut().for_each(|place| place.0 = to[place.0]);
    }

    /// A layer with its first weights and the shapes of its outputs.
    fn built(
        &self,
        name: &str,
        layer: Arc<dyn Layer>,
        inputs: &[Dims],
        flag: &Arc<AtomicBool>,
        seed: u32,
    ) -> Result<(Op, Vec<Weight>, Vec<Dims>)> {
        let weight = |(i, spec): (usize, WeightSpec)| -> Result<Weight> {
            let value = initialize(&self.device, &spec.initializer, &spec.shape, spec.dtype, hash_key(seed, i as u32))?;
            let (name, value) = (format!("{name}/{}", spec.name), Arc::new(Mutex::new(value)));
            Ok(Weight { name, spec, value, trainable: vec![flag.clone()] })
        };
        let weights = layer.weights(inputs)?.into_iter().enumerate().map(weight).all_ok()?;
        let shapes = layer.output_shape(inputs)?;
        Ok((Op::Layer(layer), weights, shapes))
    }

    /// The shapes of the outputs as a layer that reads such inputs.
    fn check(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let fits = |(own, given): (&Dims, &Dims)| {
            own.len() == given.len() && own.iter().zip(given).all(|(a, b)| a.is_none() || b.is_none() || a == b)
        };
        let own = self.input_shapes();
        if own.len() != inputs.len() || !own.iter().zip(inputs).all(fits) {
            let text = |shapes: &[Dims]| shapes.iter().map(super::layer::show).collect::<Vec<_>>().join(", ");
            return Err(Error::shape("model", format_args!("inputs of shapes {}", text(&own)), text(inputs)));
        }
        // What is known of the inputs here may be more than the model knows of them.
        let mut shapes: Vec<Vec<Dims>> = self.nodes.iter().map(|node| node.shapes.clone()).collect();
        for ((&node, own), given) in self.inputs.iter().zip(own).zip(inputs) {
            let Some(shape) = shapes.get_mut(node) else { continue };
            *shape = vec![own.iter().zip(given).map(|(a, b)| a.or(*b)).collect()];
        }
        for (i, node) in self.nodes.iter().enumerate() {
            let given: Vec<Dims> = node.inputs.iter().map(|&(from, output)| shapes[from][output].clone()).collect();
            match &node.op {
                Op::Input => {}
                Op::Model(model) => shapes[i] = model.check(&given)?,
                Op::Layer(layer) => shapes[i] = layer.output_shape(&given)?,
            }
        }
        Ok(self.outputs.iter().map(|&(node, output)| shapes[node][output].clone()).collect())
    }

    /// Calls a layer that was added before, once more.
    fn share(&mut self, first: usize, inputs: Vec<Place>) -> Result<usize> {
        let mut node = self.nodes[first].clone();
        let shapes = self.shapes_of(&inputs)?;
        match &node.op {
            Op::Input => {}
            Op::Model(model) => node.shapes = model.check(&shapes)?,
            Op::Layer(layer) => {
                let same = |(spec, weight): (&WeightSpec, &Weight)| spec.shape == weight.spec.shape;
                if !layer.weights(&shapes)?.iter().zip(&node.weights).all(same) {
                    let message = format!("the calls of '{}' need weights of different shapes", node.name);
                    return Err(format_error(message));
                }
                node.shapes = layer.output_shape(&shapes)?;
            }
        }
        self.nodes.push(Node { shared: true, training: None, masked: true, inputs, ..node });
        Ok(self.nodes.len() - 1)
    }

    /// The device of the weights.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// All weights, in the order of the layers, states included.
    pub(crate) fn every_weight(&self) -> Vec<Weight> {
        self.nodes.iter().filter(|n| !n.shared).flat_map(|n| n.weights.iter().cloned()).collect()
    }

    /// All weights, in the order of the layers, without the states of recurrent ones.
    pub fn weights(&self) -> Vec<Weight> {
        self.every_weight().into_iter().filter(|w| !w.spec.state).collect()
    }

    /// Sets what recurrent layers carry from call to call to zero.
    ///
    /// # Errors
    /// What making zeros gives.
    pub fn reset_states(&self) -> Result<()> {
        let states = self.every_weight().into_iter().filter(|w| w.spec.state);
        states.into_iter().try_for_each(|w| w.set(self.device.zeros(&w.spec.shape, w.spec.dtype)?))
    }

    /// Sets every weight from `find`, which is given its name.
    ///
    /// # Errors
    /// `ErrorKind::Format` naming a weight that is not found; `ErrorKind::Shape` for one of another shape.
    pub fn load_weights(&self, mut find: impl FnMut(&str) -> Option<Tensor>) -> Result<()> {
        for weight in self.weights() {
            let missing = || Error::format("weights", format_args!("'{}' is missing", weight.name));
            weight.set(find(&weight.name).ok_or_else(missing)?)?;
        }
        Ok(())
    }

    /// The same layers and weights, with the output of layer `name` as the only output.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` when there is no such layer.
    pub fn up_to(&self, name: &str) -> Result<Model> {
        let node = self.nodes.iter().position(|n| n.name == name);
        let node = node.ok_or_else(|| Error::unknown("layer in the model", name))?;
        Ok(Model { nodes: self.nodes[..=node].to_vec(), outputs: vec![(node, 0)], ..self.clone() })
    }

    /// The shapes of the inputs.
    pub fn input_shapes(&self) -> Vec<Dims> {
        self.inputs.iter().filter_map(|&i| self.nodes.get(i)).map(|node| node.shapes[0].clone()).collect()
    }

    /// The shapes of the outputs.
    pub fn output_shapes(&self) -> Vec<Dims> {
        self.outputs.iter().map(|&(node, output)| self.nodes[node].shapes[output].clone()).collect()
    }

    /// The layers that give the outputs, by name: what losses and metrics of several outputs are named by.
    pub fn output_names(&self) -> Vec<String> {
        self.outputs.iter().map(|&(node, _)| self.nodes[node].name.clone()).collect()
    }

    /// The outputs in inference.
    ///
    /// # Errors
    /// `ErrorKind::Argument` for a wrong number of inputs; what the layers give.
    pub fn predict(&self, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
        self.call(inputs, Call::default()).map(|called| called.outputs)
    }

    /// The outputs, their masks, and the losses of layers. In training, moving averages are updated.
    ///
    /// # Errors
    /// As [`Model::predict`].
    pub fn call(&self, inputs: &[&Tensor], call: Call<'_>) -> Result<Called> {
        self.run(inputs, call, false, &mut |_, _| {})
    }

    /// As [`Model::call`], as a layer that may be frozen. `watch` is told the outputs of each layer.
    fn run(
        &self,
        inputs: &[&Tensor],
        call: Call<'_>,
        frozen: bool,
        watch: &mut dyn FnMut(&str, &[Tensor]),
    ) -> Result<Called> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::argument("model", format_args!("{} inputs", self.inputs.len()), inputs.len()));
        }
        let mut values: Vec<Vec<Tensor>> = vec![Vec::new(); self.nodes.len()];
        let mut masks: Vec<Vec<Option<Tensor>>> = vec![Vec::new(); self.nodes.len()];
        let mut losses = Vec::new();
        for (i, (&node, &input)) in self.inputs.iter().zip(inputs).enumerate() {
            if node < values.len() {
                values[node] = vec![input.clone()];
                masks[node] = vec![call.mask(i).cloned()];
            }
        }
        for (i, node) in self.nodes.iter().enumerate() {
            if matches!(node.op, Op::Input) {
                continue;
            }
            let missing = || format_error(format!("'{}' has no input", node.name));
            let read = |&(j, output): &Place| values[j].get(output).cloned().ok_or_else(missing);
            let inputs: Vec<Tensor> = node.inputs.iter().map(read).all_ok()?;
            let given: Vec<Option<Tensor>> =
                node.inputs.iter().map(|&(j, output)| masks[j].get(output).cloned().flatten()).collect();
            let training = node.training.unwrap_or(call.training);
            let masks_of_call = if node.masked { &given[..] } else { &[] };
            let mut call = Call { seed: hash_key(call.seed, i as u32), masks: masks_of_call, training };
            let frozen = frozen || node.frozen();
            let called = match &node.op {
                Op::Input => continue,
                Op::Model(model) => model.run(&inputs.iter().collect::<Vec<_>>(), call, frozen, watch)?,
                Op::Layer(layer) => {
                    call.training &= !(frozen && layer.class_name() == "BatchNormalization");
                    let weights: Vec<Tensor> = node.weights.iter().map(Weight::value).collect();
                    let output = node.policy.get().call(&**layer, &inputs, &weights, &call)?;
                    for (index, update) in output.updates {
                        let weight = &node.weights[index];
                        weight.set(update.cast(weight.spec.dtype)?)?;
                    }
                    Called { outputs: output.tensors, masks: layer.masks(&inputs, &given)?, losses: output.losses }
                }
            };
            watch(&node.name, &called.outputs);
            losses.extend(called.losses);
            values[i] = called.outputs;
            masks[i] = called.masks;
        }
        let missing = || format_error("an output has no value");
        let output = |&(node, output): &Place| values[node].get(output).cloned().ok_or_else(missing);
        let outputs = self.outputs.iter().map(output).all_ok()?;
        let masks = self.outputs.iter().map(|&(node, output)| masks[node].get(output).cloned().flatten()).collect();
        Ok(Called { outputs, masks, losses })
    }
}
