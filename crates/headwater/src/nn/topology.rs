//! Topologies as Keras stores them: which layers there are, and what each of their calls reads.

use std::collections::HashSet;

use headwater_core::ops::hash_key;
use headwater_core::Error;
use serde_json::Value;

use super::layer::Dims;

pub(super) fn format_error(message: impl std::fmt::Display) -> Error {
    Error::format("model topology", message)
}

pub(super) fn dims(value: &Value) -> Option<Dims> {
    value.as_array().map(|d| d.iter().map(|d| d.as_u64().map(|d| d as usize)).collect())
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
    match call {
        // Keras 2: [["name", call, tensor, {}], ...]
        Value::Array(items) => match reference(items) {
            Some(one) => vec![one],
            None => items.iter().flat_map(references).collect(),
        },
        // Keras 3: {"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, tensor]}}]}
        Value::Object(object) => match object.get("keras_history").and_then(Value::as_array) {
            Some(history) => reference(history).into_iter().collect(),
            None => {
                let inner = ["args", "config"].iter().filter_map(|k| object.get(*k));
                let named = object.get("kwargs");
                let named = NAMED_INPUTS.iter().filter_map(|k| named?.get(*k));
                inner.chain(named).flat_map(references).collect()
            }
        },
        _ => Vec::new(),
    }
}

/// A layer of a topology, before it is called.
pub(super) struct Description<'a> {
    /// What was read.
    pub raw: &'a Value,
    pub class: &'a str,
    pub name: String,
    pub config: super::Value,
    pub input: Option<Dims>,
    /// What each of its calls reads.
    pub calls: Vec<Vec<Reference>>,
    pub seed: u32,
}

impl<'a> Description<'a> {
    pub fn read(layer: &'a Value, index: usize, seed: u32) -> Description<'a> {
        let config = layer.get("config").unwrap_or(&Value::Null);
        let calls = layer.get("inbound_nodes").and_then(Value::as_array);
        let mut own = super::Value::from(config.clone());
        // What Keras takes with a call and layers here have in their configuration.
        let causal = |call: &Value| call.get("kwargs").and_then(|k| k.get("use_causal_mask")) == Some(&true.into());
        if let (super::Value::Map(map), true) = (&mut own, calls.is_some_and(|calls| calls.iter().any(causal))) {
            map.set("use_causal_mask", true);
        }
        let text = |v: &Value| v.get("name").and_then(Value::as_str).map(String::from);
        Description {
            raw: layer,
            class: layer.get("class_name").and_then(Value::as_str).unwrap_or(""),
            name: text(layer).or_else(|| text(config)).unwrap_or_else(|| format!("layer_{index}")),
            config: own,
            input: config.get("batch_input_shape").or(config.get("batch_shape")).and_then(dims),
            calls: calls.into_iter().flatten().map(references).collect(),
            seed: hash_key(seed, index as u32),
        }
    }
}

/// The layers that outputs are computed from. Keras stores what computes masks as layers too, which layers here do themselves.
pub(super) fn needed(layers: &[Description<'_>], outputs: &[Reference]) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut open: Vec<String> = outputs.iter().map(|(name, ..)| name.clone()).collect();
    while let Some(name) = open.pop() {
        let reads = layers.iter().filter(|layer| layer.name == name).flat_map(|layer| layer.calls.iter().flatten());
        let reads: Vec<String> = reads.map(|(name, ..)| name.clone()).collect();
        if found.insert(name) {
            open.extend(reads);
        }
    }
    found
}
