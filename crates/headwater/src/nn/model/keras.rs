//! Models as Keras JSON.

use std::collections::HashMap;

use headwater_core::{AllOk, Device, Result};
use serde_json::{json, Value};

use super::super::definition::{Definition, Kind};
use super::super::layer::Dims;
use super::super::topology::{dims, format_error, needed, references, Description, Reference};
use super::super::Map;
use super::{Model, Node, Op, Place};

fn undefined((name, call, _): &Reference) -> headwater_core::Error {
    format_error(format!("call {call} of '{name}' is read and never made"))
}

/// Where what a reference names is, when its layer has been called.
fn place(at: &HashMap<(String, usize), usize>, (name, call, output): &Reference) -> Option<Place> {
    at.get(&(name.clone(), *call)).map(|&node| (node, *output))
}

/// Classes of models that may be layers.
const MODELS: &[&str] = &["Sequential", "Functional", "Model"];

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
        let layers = match config {
            Value::Array(layers) => layers,
            object => {
                object.get("layers").and_then(Value::as_array).ok_or_else(|| format_error("expected 'layers'"))?
            }
        };
        let layers = layers.iter().enumerate().map(|(i, layer)| Description::read(layer, i, seed));
        let outputs = config.get("output_layers").map(references).unwrap_or_default();
        let mut model = Model::empty(device);
        if class == "Sequential" {
            model.chain(layers, config.get("build_input_shape").and_then(dims))?;
            return Ok(model);
        }
        let mut layers: Vec<Description<'_>> = layers.collect();
        if !outputs.is_empty() {
            let needed = needed(&layers, &outputs);
            layers.retain(|layer| layer.class == "InputLayer" || needed.contains(&layer.name));
        }
        let at = model.graph(&layers)?;
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

    /// Adds layers one after the other.
    fn chain<'a>(&mut self, layers: impl Iterator<Item = Description<'a>>, built: Option<Dims>) -> Result<()> {
        for layer in layers {
            if self.nodes.is_empty() {
                let is_input = layer.class == "InputLayer";
                let of_model = || match self.definition(&layer).ok()?.kind {
                    Kind::Model(model) => model.input_shapes().into_iter().next(),
                    _ => None,
                };
                let shape = layer.input.clone().or_else(|| built.clone()).or_else(of_model);
                let shape = shape.ok_or_else(|| format_error("the first layer has no input shape"))?;
                self.add_input(if is_input { &layer.name } else { "input" }, shape);
                if is_input {
                    continue;
                }
            }
            let last = self.nodes.len() - 1;
            self.add(&layer.name, self.definition(&layer)?, vec![(last, 0)], layer.seed)?;
        }
        self.outputs = self.nodes.len().checked_sub(1).map(|last| (last, 0)).into_iter().collect();
        Ok(())
    }

    /// Adds every call of layers as soon as what it reads is there: a later layer may feed an earlier one's second call.
    fn graph(&mut self, layers: &[Description<'_>]) -> Result<HashMap<(String, usize), usize>> {
        let mut at: HashMap<(String, usize), usize> = HashMap::new();
        let mut first: HashMap<&str, usize> = HashMap::new();
        let mut waiting = Vec::new();
        for layer in layers {
            if layer.class == "InputLayer" {
                let missing = || format_error(format!("input '{}' has no shape", layer.name));
                let node = self.add_input(&layer.name, layer.input.clone().ok_or_else(missing)?);
                at.insert((layer.name.clone(), 0), node);
            }
            waiting.extend(layer.calls.iter().enumerate().map(|(call, reads)| (layer, call, reads)));
        }
        while !waiting.is_empty() {
            let before = waiting.len();
            let mut later = Vec::new();
            for (layer, call, reads) in waiting {
                let inputs: Option<Vec<Place>> = reads.iter().map(|r| place(&at, r)).collect();
                let Some(inputs) = inputs else {
                    later.push((layer, call, reads));
                    continue;
                };
                let node = match first.get(layer.name.as_str()) {
                    Some(&made) => self.share(made, inputs)?,
                    None => self.add(&layer.name, self.definition(layer)?, inputs, layer.seed)?,
                };
                self.nodes[node].call = call;
                first.entry(&layer.name).or_insert(node);
                at.insert((layer.name.clone(), call), node);
            }
            if later.len() == before {
                let missing = later.iter().flat_map(|(_, _, reads)| reads.iter()).find(|r| place(&at, r).is_none());
                return Err(missing.map_or_else(|| format_error("calls without an order"), undefined));
            }
            waiting = later;
        }
        Ok(at)
    }

    /// The model as Keras 2 JSON.
    pub fn to_keras(&self, name: &str) -> Value {
        json!({
            "keras_version": "2.15.0",
            "backend": "headwater",
            "model_config": {
                "class_name": "Functional",
                "config": self.keras_config(name),
            },
        })
    }

    fn keras_config(&self, name: &str) -> Value {
        let reference = |&(i, output): &Place| json!([self.nodes[i].name, self.nodes[i].call, output]);
        let input = |&(i, output): &Place| json!([self.nodes[i].name, self.nodes[i].call, output, {}]);
        let layers = self.nodes.iter().filter(|node| !node.shared).map(|node| {
            let config = node.config();
            let mut calls: Vec<&Node> =
                self.nodes.iter().filter(|n| n.name == node.name && !matches!(n.op, Op::Input)).collect();
            calls.sort_by_key(|n| n.call);
            let inbound: Vec<Vec<Value>> = calls.iter().map(|n| n.inputs.iter().map(input).collect()).collect();
            json!({
                "class_name": node.class_name(),
                "name": node.name,
                "config": config,
                "inbound_nodes": inbound,
            })
        });
        json!({
            "name": name,
            "layers": layers.collect::<Vec<_>>(),
            "input_layers": self.inputs.iter().map(|&i| reference(&(i, 0))).collect::<Vec<_>>(),
            "output_layers": self.outputs.iter().map(reference).collect::<Vec<_>>(),
        })
    }

    /// What a description describes.
    fn definition(&self, of: &Description<'_>) -> Result<Definition> {
        let mut definition = match of.raw.get("config") {
            Some(config) if MODELS.contains(&of.class) => {
                let json = json!({"class_name": of.class, "config": config});
                Definition::from(Model::from_keras(&self.device, &json, of.seed)?)
            }
            _ => Definition::from((of.class, of.config.clone())),
        };
        definition.trainable = of.raw.get("config").and_then(|c| c.get("trainable")) != Some(&false.into());
        Ok(definition)
    }
}

impl Node {
    /// The layer's class in Keras.
    pub(super) fn class_name(&self) -> &str {
        match &self.op {
            Op::Input => "InputLayer",
            Op::Layer(layer) => layer.class_name(),
            Op::Model(_) => "Functional",
        }
    }

    /// The layer's configuration in Keras.
    pub(super) fn config(&self) -> Value {
        if let Op::Model(model) = &self.op {
            let mut config = model.keras_config(&self.name);
            config["trainable"] = (!self.frozen()).into();
            return config;
        }
        let mut config = Map::default();
        config.set("name", self.name.as_str());
        config.set("trainable", !self.frozen());
        match &self.op {
            Op::Layer(layer) => layer.config(&mut config),
            _ => {
                config.set("batch_input_shape", self.shapes[0].clone());
                config.set("dtype", "float32");
            }
        }
        super::super::Value::from(config).into()
    }
}
