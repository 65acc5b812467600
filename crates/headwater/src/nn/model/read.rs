//! Models from topologies as Keras stores them.

use std::collections::HashMap;

use headwater_core::{AllOk, Device, Error, Result};
use serde_json::Value;

use super::super::definition::{Definition, Kind};
use super::super::layer::Dims;
use super::super::topology::{
    dims, format_error, layers_of, needed, outputs_of, references, Description, Reference, Use,
};
use super::{Model, Place};

fn undefined((name, call, _): &Reference) -> Error {
    format_error(format!("call {call} of '{name}' is read and never made"))
}

/// The nodes of the calls that have been made, by layer and which of its calls.
type Calls = HashMap<(String, usize), usize>;

/// Where what a reference names is, when its layer has been called.
fn place(at: &Calls, (name, call, output): &Reference) -> Option<Place> {
    at.get(&(name.clone(), *call)).map(|&node| (node, *output))
}

impl Model {
    /// A model from Keras JSON: Sequential or Functional, of Keras 2 or 3, wrapped in `model_config` or not. Weights are
    /// initialized from `seed`; see [`Model::load_weights`]. A layer may be called several times, and a model be a layer.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for a layer that is not known, `ErrorKind::Format` when the JSON is not of that form.
    pub fn from_keras(device: &Device, topology: &Value, seed: u32) -> Result<Model> {
        let topology = topology.get("modelTopology").unwrap_or(topology);
        let topology = topology.get("model_config").unwrap_or(topology);
        let class = topology.get("class_name").and_then(Value::as_str).unwrap_or("");
        let config = topology.get("config").ok_or_else(|| format_error("expected a 'config', found none"))?;
        Model::read(device, class, config, seed, None)
    }

    /// A model from its configuration; `given` is the shape of what it is called on, where it is a layer.
    fn read(device: &Device, class: &str, config: &Value, seed: u32, given: Option<&Dims>) -> Result<Model> {
        let layers = layers_of(config)?.iter().enumerate().map(|(i, layer)| Description::read(layer, i, seed));
        let mut layers: Vec<Description<'_>> = layers.collect();
        let mut model = Model::empty(device);
        if class == "Sequential" {
            let built = config.get("build_input_shape").and_then(dims);
            model.outputs = model.chain(&layers, built.or_else(|| given.cloned()))?;
            return Ok(model);
        }
        let outputs = outputs_of(config, &layers);
        if !outputs.is_empty() {
            let needed = needed(&layers, &outputs);
            layers.retain(|layer| layer.class == "InputLayer" || needed.contains(&layer.name));
        }
        let at = model.graph(&layers, &outputs)?;
        let found = |reference: &Reference| place(&at, reference).ok_or_else(|| undefined(reference));
        model.outputs = outputs.iter().map(found).all_ok()?;
        // Their order need not be that of the layers.
        let inputs = config.get("input_layers").map(references).unwrap_or_default();
        if inputs.len() == model.inputs.len() {
            model.inputs = inputs.iter().map(|input| found(input).map(|(node, _)| node)).all_ok()?;
        }
        if model.outputs.is_empty() {
            model.outputs.extend(model.nodes.len().checked_sub(1).map(|last| (last, 0)));
        }
        model.shapes_of(&model.outputs)?;
        Ok(model)
    }

    /// Adds layers one after the other, on inputs of shape `built` where the first does not say; the output of the last.
    fn chain(&mut self, layers: &[Description<'_>], built: Option<Dims>) -> Result<Vec<Place>> {
        let mut last: Vec<Place> = Vec::new();
        for layer in layers {
            let is_input = layer.class == "InputLayer";
            let shape = || layer.input.clone().or_else(|| built.clone());
            let missing = || format_error("the first layer has no input shape");
            if is_input {
                if last.is_empty() {
                    last = vec![(self.add_input(&layer.name, shape().ok_or_else(missing)?), 0)];
                }
                continue;
            }
            let definition = match last.first() {
                Some(&(node, output)) => self.definition(layer, Some(&self.nodes[node].shapes[output]))?,
                None => {
                    let definition = self.definition(layer, built.as_ref())?;
                    let of_model = || match &definition.kind {
                        Kind::Model(model) => model.input_shapes().into_iter().next(),
                        _ => None,
                    };
                    last = vec![(self.add_input("input", shape().or_else(of_model).ok_or_else(missing)?), 0)];
                    definition
                }
            };
            let node = self.add(&layer.name, definition, last, layer.seed)?;
            last = (0..self.nodes[node].shapes.len()).map(|output| (node, output)).collect();
        }
        last.truncate(1);
        Ok(last)
    }

    /// Adds every call of layers as soon as what it reads is there: a later layer may feed an earlier one's second call.
    fn graph(&mut self, layers: &[Description<'_>], outputs: &[Reference]) -> Result<Calls> {
        let mut at = Calls::new();
        let mut first: HashMap<&str, usize> = HashMap::new();
        // Calls with their number, and what that is in references.
        let mut waiting: Vec<(&Description<'_>, [usize; 2], &Use)> = Vec::new();
        for layer in layers {
            if layer.class == "InputLayer" {
                let missing = || format_error(format!("input '{}' has no shape", layer.name));
                let node = self.add_input(&layer.name, layer.input.clone().ok_or_else(missing)?);
                at.insert((layer.name.clone(), 0), node);
            }
            // Keras 2 counts the calls of models within from 1: their own graph is the first.
            let calls = layer.calls.len();
            let beyond = |(name, call, _): &&Reference| *name == layer.name && *call == calls;
            let reads = layers.iter().flat_map(|layer| &layer.calls).flat_map(|call| &call.reads);
            let shift = usize::from(layer.is_model() && reads.chain(outputs).any(|r| beyond(&r)));
            waiting.extend(layer.calls.iter().enumerate().map(|(i, call)| (layer, [i, i + shift], call)));
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
                let node = match first.get(layer.name.as_str()) {
                    Some(&made) => self.share(made, inputs)?,
                    None => {
                        let given = self.shapes_of(&inputs)?;
                        self.add(&layer.name, self.definition(layer, given.first())?, inputs, layer.seed)?
                    }
                };
                let made = &mut self.nodes[node];
                (made.call, made.training, made.masked) = (index[0], call.training, call.masked);
                first.entry(&layer.name).or_insert(node);
                at.insert((layer.name.clone(), index[1]), node);
            }
            if later.len() == before {
                let missing = later.iter().flat_map(|(.., call)| &call.reads).find(|r| place(&at, r).is_none());
                return Err(missing.map_or_else(|| format_error("calls without an order"), undefined));
            }
            waiting = later;
        }
        Ok(at)
    }

    /// What a description describes; `given` is the shape of what it is called on.
    fn definition(&self, of: &Description<'_>, given: Option<&Dims>) -> Result<Definition> {
        let mut definition = match of.is_model() {
            true => Definition::from(Model::read(&self.device, of.class, of.json, of.seed, given)?),
            false => Definition::from((of.class, of.config.clone())),
        };
        definition.trainable = of.json.get("trainable") != Some(&false.into());
        Ok(definition)
    }
}
