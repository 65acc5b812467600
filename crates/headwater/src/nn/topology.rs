//! Topologies as Keras stores them: which layers there are, and what each of their calls reads.

use std::collections::HashSet;

use headwater_core::ops::hash_key;
use headwater_core::Listed;
use headwater_core::{Error, Result};
use serde_json::Value;

use super::layer::Dims;

pub(super) fn format_error(message: impl std::fmt::Display) -> Error {
    Error::format("model topology", message)
}

pub(super) fn dims(value: &Value) -> Option<Dims> {
    value.as_array().map(|d| d.iter().map(|d| d.as_u64().map(|d| d as usize)).listed())
}

/// What is read of a layer: its name, which of its calls, which of that call's outputs.
pub(super) type Reference = (String, usize, usize);

/// Named arguments of calls that are inputs, in the order in which layers take them.
const NAMED_INPUTS: &[&str] = &["query", "value", "key", "initial_state"];

/// The outputs that one call of a layer reads, of Keras 2 lists or Keras 3 objects.
pub(super) fn references(call: &Value) -> Vec<Reference> {
    let reference = |list: &[Value]| match list {
        [Value::String(name), Value::Number(call), rest @ ..] => {
            let output = rest.first().and_then(Value::as_u64).unwrap_or(0);
            Some((name.clone(), call.as_u64()? as usize, output as usize))
        }
        _ => None,
    };
    let named = |kwargs: Option<&Value>| -> Vec<Reference> {
        NAMED_INPUTS.iter().filter_map(|k| kwargs?.get(*k)).flat_map(references).listed()
    };
    match call {
        // Keras 2: [["name", call, tensor, {"value": ["name", call, tensor]}], ...]
        Value::Array(items) => match reference(items) {
            Some(one) => [one].into_iter().chain(named(items.get(3))).listed(),
            None => items.iter().flat_map(references).listed(),
        },
        // Keras 3: {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, tensor]}}]}
        Value::Object(object) => match object.get("keras_history").and_then(Value::as_array) {
            Some(history) => reference(history).into_iter().listed(),
            None => {
                let inner = ["args", "config"].iter().filter_map(|k| object.get(*k));
                inner.flat_map(references).chain(named(object.get("kwargs"))).listed()
            }
        },
        _ => Vec::new(),
    }
}

/// Named arguments that are no inputs, of one call of a layer in Keras 2 lists or Keras 3 objects.
fn argument<'a>(call: &'a Value, key: &str) -> Option<&'a Value> {
    match call {
        Value::Object(object) => object.get("kwargs")?.get(key),
        Value::Array(items) => items.iter().find_map(|item| item.get(key).or_else(|| argument(item, key))),
        _ => None,
    }
}

/// A call of a layer: what it reads, whether it is always one of training or of inference, and whether it takes masks.
pub(super) struct Use {
    pub reads: Vec<Reference>,
    pub training: Option<bool>,
    pub masked: bool,
}

/// Whether a call takes the masks of what it reads. Keras 3 gives a layer none where it gives states.
fn takes_masks(call: &Value) -> bool {
    let stated = |call: &Value| {
        let second = call.get("args").and_then(|args| args.get(1)).filter(|second| second.is_array());
        let states = argument(call, "initial_state").or(second);
        call.is_object() && states.is_some_and(|states| !references(states).is_empty())
    };
    argument(call, "masked") != Some(&false.into()) && !stated(call)
}

/// A layer of a topology, before it is called.
pub(super) struct Description<'a> {
    pub class: &'a str,
    pub name: String,
    pub config: super::Value,
    /// The configuration as it was read.
    pub json: &'a Value,
    pub input: Option<Dims>,
    pub calls: Vec<Use>,
    /// Whether the calls are Keras 3's.
    keras3: bool,
    pub seed: u32,
}

/// Gives the activation of Keras 3 that has a name of another one in Keras 2 and TensorFlow.js its name here.
fn rename_keras3(config: &mut Value) {
    match config {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                if key.ends_with("activation") && value == "hard_sigmoid" {
                    *value = "hard_sigmoid_3".into();
                }
                rename_keras3(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename_keras3),
        _ => {}
    }
}

/// The layers of the configuration of a model.
pub(super) fn layers_of(config: &Value) -> Result<&[Value]> {
    let layers = if config.is_array() { Some(config) } else { config.get("layers") };
    layers.and_then(Value::as_array).map(Vec::as_slice).ok_or_else(|| format_error("expected 'layers'"))
}

impl<'a> Description<'a> {
    /// Whether it is a model within the model.
    pub fn is_model(&self) -> bool {
        matches!(self.class, "Functional" | "Model" | "Sequential")
    }

    pub fn read(layer: &'a Value, index: usize, seed: u32) -> Description<'a> {
        let config = layer.get("config").unwrap_or(&Value::Null);
        let calls = layer.get("inbound_nodes").and_then(Value::as_array);
        let mut own = config.clone();
        if config["dtype"]["class_name"] == "DTypePolicy" {
            rename_keras3(&mut own);
        }
        let mut own = super::Value::from(own);
        // What Keras takes with a call and layers here have in their configuration.
        let causal = |call: &Value| argument(call, "use_causal_mask") == Some(&true.into());
        if let (super::Value::Map(map), true) = (&mut own, calls.is_some_and(|calls| calls.iter().any(causal))) {
            map.set("use_causal_mask", true);
        }
        let used = |call| Use {
            reads: references(call),
            training: argument(call, "training").and_then(Value::as_bool),
            masked: takes_masks(call),
        };
        let text = |v: &Value| v.get("name").and_then(Value::as_str).map(String::from);
        Description {
            class: layer.get("class_name").and_then(Value::as_str).unwrap_or(""),
            name: text(layer).or_else(|| text(config)).unwrap_or_else(|| format!("layer_{index}")),
            config: own,
            json: config,
            keras3: calls.is_some_and(|calls| calls.iter().any(Value::is_object)),
            input: config.get("batch_input_shape").or(config.get("batch_shape")).and_then(dims),
            calls: calls.into_iter().flatten().map(used).filter(|call| !call.reads.is_empty()).listed(),
            seed: hash_key(seed, index as u32),
        }
    }
}

/// What the outputs of a model are. Keras 3 counts the calls of models within from 1 here, and from 0 where layers read them.
pub(super) fn outputs_of(config: &Value, layers: &[Description<'_>]) -> Vec<Reference> {
    let mut outputs = config.get("output_layers").map(references).unwrap_or_default();
    for (name, call, _) in &mut outputs {
        let shifted = |layer: &Description<'_>| layer.keras3 && layer.is_model() && layer.class != "Sequential";
        *call -= usize::from(*call > 0 && layers.iter().any(|layer| layer.name == *name && shifted(layer)));
    }
    outputs
}

/// The layers that outputs are computed from. Keras stores what computes masks as layers too, which layers here do themselves.
pub(super) fn needed(layers: &[Description<'_>], outputs: &[Reference]) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open: Vec<String> = outputs.iter().map(|(name, ..)| name.clone()).listed();
    while let Some(name) = open.pop() {
        let reads = layers.iter().filter(|layer| layer.name == name).flat_map(|layer| &layer.calls);
        let reads = reads.flat_map(|call| &call.reads);
        let reads: Vec<String> = reads.map(|(name, ..)| name.clone()).listed();
        if found.insert(name) {
            open.extend(reads);
        }
    }
    found
}
