//! Models from topologies as Keras stores them.

use std::collections::{HashMap, HashSet};

use headwater_core::{AllOk, Device, Error, Result};
use serde_json::Value;

use super::super::layer::Dims;
use super::super::layers::create;
use super::super::topology::{format_error, layers_of, needed, outputs_of, references, Description, Reference, Use};
use super::{Model, Place};

/// The shape of the inputs of a model that begins a chain: of its own first layer.
fn first_shape(layer: &Description<'_>) -> Option<Dims> {
    let first = layer.is_model().then(|| layers_of(layer.json).ok()?.first())??;
    let first = Description::read(first, 0, layer.seed);
    first.input.clone().or_else(|| first_shape(&first))
}

fn undefined((name, call, _): &Reference) -> Error {
    format_error(format!("call {call} of '{name}' is read and never made"))
}

/// The outputs of a call: of one node, or of the nodes of a model within the model.
enum Made {
    Layer(usize),
    Model(Vec<Place>),
}

/// The calls of a graph that have been made, by layer and which of its calls.
type Calls = HashMap<(String, usize), Made>;

/// Where what a reference names is, when its layer has been called.
fn place(at: &Calls, (name, call, output): &Reference) -> Option<Place> {
    match at.get(&(name.clone(), *call))? {
        Made::Layer(node) => Some((*node, *output)),
        Made::Model(outputs) => outputs.get(*output).copied(),
    }
}

/// What is known of a topology while it is read.
#[derive(Default)]
struct Known {
    /// The node of each layer's first call, by the layer's path.
    first: HashMap<String, usize>,
    /// The names of the layers that are in no model within.
    names: HashSet<String>,
}

/// What a model within the model is called on.
struct Outer<'a> {
    inputs: &'a [Place],
    /// The model's name and those of the models it is in: `outer/inner/`.
    path: &'a str,
    training: Option<bool>,
}

impl Model {
    /// A model from Keras JSON: Sequential or Functional, of Keras 2 or 3, wrapped in `model_config` or not. Weights are
    /// initialized from `seed`; see [`Model::load_weights`]. Layers may be called several times. The layers of models within
    /// the model become its own.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for a layer that is not known, `ErrorKind::Format` when the JSON is not of that form.
    pub fn from_keras(device: &Device, topology: &Value, seed: u32) -> Result<Model> {
        let topology = topology.get("modelTopology").unwrap_or(topology);
        let topology = topology.get("model_config").unwrap_or(topology);
        let class = topology.get("class_name").and_then(Value::as_str).unwrap_or("");
        let config = topology.get("config").ok_or_else(|| format_error("expected a 'config', found none"))?;
        let mut model = Model::empty(device);
        model.outputs = model.build(class, config, seed, None, &mut Known::default())?;
        Ok(model)
    }

    /// Adds the layers of a model's configuration, or calls them again; its outputs.
    fn build(
        &mut self,
        class: &str,
        config: &Value,
        seed: u32,
        outer: Option<&Outer<'_>>,
        known: &mut Known,
    ) -> Result<Vec<Place>> {
        let layers = layers_of(config)?.iter().enumerate().map(|(i, layer)| Description::read(layer, i, seed));
        let mut layers: Vec<Description<'_>> = layers.collect();
        if outer.is_none() {
            known.names = layers.iter().map(|layer| layer.name.clone()).collect();
        }
        if class == "Sequential" {
            return self.chain(&layers, outer, known);
        }
        let outputs = outputs_of(config, &layers);
        if !outputs.is_empty() {
            let needed = needed(&layers, &outputs);
            layers.retain(|layer| layer.class == "InputLayer" || needed.contains(&layer.name));
        }
        let inputs = config.get("input_layers").map(references).unwrap_or_default();
        let at = self.graph(&layers, [&inputs, &outputs], outer, known)?;
        let found = |reference: &Reference| place(&at, reference).ok_or_else(|| undefined(reference));
        let mut places: Vec<Place> = outputs.iter().map(found).all_ok()?;
        // Their order need not be that of the layers.
        if outer.is_none() && inputs.len() == self.inputs.len() {
            self.inputs = inputs.iter().map(|input| found(input).map(|(node, _)| node)).all_ok()?;
        }
        if places.is_empty() {
            places.extend(self.nodes.len().checked_sub(1).map(|last| (last, 0)));
        }
        self.shapes_of(&places)?;
        Ok(places)
    }

    /// Adds layers one after the other; the outputs of the last.
    fn chain(
        &mut self,
        layers: &[Description<'_>],
        outer: Option<&Outer<'_>>,
        known: &mut Known,
    ) -> Result<Vec<Place>> {
        let mut last = outer.map(|outer| outer.inputs.to_vec()).unwrap_or_default();
        for layer in layers {
            let is_input = layer.class == "InputLayer";
            if last.is_empty() {
                let shape = layer.input.clone().or_else(|| first_shape(layer));
                let shape = shape.ok_or_else(|| format_error("the first layer has no input shape"))?;
                last = vec![(self.add_input(if is_input { &layer.name } else { "input" }, shape), 0)];
            }
            if !is_input {
                let places = last;
                last = match self.called(layer, places, None, outer, known)? {
                    Made::Layer(node) => (0..self.nodes[node].shapes.len()).map(|output| (node, output)).collect(),
                    Made::Model(outputs) => outputs,
                };
            }
        }
        last.truncate(1);
        Ok(last)
    }

    /// Calls a layer or a model within the model, which is made when it is called first.
    fn called(
        &mut self,
        layer: &Description<'_>,
        inputs: Vec<Place>,
        training: Option<bool>,
        outer: Option<&Outer<'_>>,
        known: &mut Known,
    ) -> Result<Made> {
        let path = format!("{}{}", outer.map_or("", |outer| outer.path), layer.name);
        let training = training.or(outer.and_then(|outer| outer.training));
        if layer.is_model() {
            let inner = Outer { inputs: &inputs, path: &format!("{path}/"), training };
            return self.build(layer.class, layer.json, layer.seed, Some(&inner), known).map(Made::Model);
        }
        let node = match known.first.get(&path) {
            Some(&made) => self.share(made, inputs)?,
            None => {
                // A name within that others have too is told apart by its path.
                let taken = known.names.contains(&layer.name) || self.nodes.iter().any(|n| n.name == layer.name);
                let name = if outer.is_some() && taken { &path } else { &layer.name };
                let node = self.add(name, create(layer.class, &layer.config)?, inputs, layer.seed)?;
                known.first.insert(path, node);
                node
            }
        };
        self.nodes[node].training = training;
        Ok(Made::Layer(node))
    }

    /// Adds every call of layers as soon as what it reads is there: a later layer may feed an earlier one's second call.
    fn graph(
        &mut self,
        layers: &[Description<'_>],
        [inputs, outputs]: [&[Reference]; 2],
        outer: Option<&Outer<'_>>,
        known: &mut Known,
    ) -> Result<Calls> {
        let mut at = Calls::new();
        let mut waiting: Vec<(&Description<'_>, usize, &Use)> = Vec::new();
        for layer in layers {
            if layer.class == "InputLayer" {
                let order = inputs.iter().position(|(name, ..)| *name == layer.name);
                let made = match outer {
                    None => {
                        let missing = || format_error(format!("input '{}' has no shape", layer.name));
                        Made::Layer(self.add_input(&layer.name, layer.input.clone().ok_or_else(missing)?))
                    }
                    Some(outer) => {
                        let given = order.and_then(|i| outer.inputs.get(i));
                        let missing = || format_error(format!("'{}{}' is not given", outer.path, layer.name));
                        Made::Model(vec![*given.ok_or_else(missing)?])
                    }
                };
                at.insert((layer.name.clone(), 0), made);
            }
            // Keras 2 counts the calls of models within from 1: their own graph is the first.
            let calls = layer.calls.len();
            let beyond = |(name, call, _): &&Reference| *name == layer.name && *call == calls;
            let reads = layers.iter().flat_map(|layer| &layer.calls).flat_map(|call| &call.reads);
            let shift = usize::from(layer.is_model() && reads.chain(outputs).any(|r| beyond(&r)));
            waiting.extend(layer.calls.iter().enumerate().map(|(i, call)| (layer, i + shift, call)));
        }
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for (layer, index, call) in waiting {
                let inputs: Option<Vec<Place>> = call.reads.iter().map(|r| place(&at, r)).collect();
                let Some(inputs) = inputs else {
                    later.push((layer, index, call));
                    continue;
                };
                let made = self.called(layer, inputs, call.training, outer, known)?;
                at.insert((layer.name.clone(), index), made);
            }
            if later.len() == before {
                let missing = later.iter().flat_map(|(.., call)| &call.reads).find(|r| place(&at, r).is_none());
                return Err(missing.map_or_else(|| format_error("calls without an order"), undefined));
            }
            waiting = later;
        }
        Ok(at)
    }
}
