//! Models written as Keras JSON.

use serde_json::{json, Value};

use super::super::Map;
use super::{Model, Node, Op, Place, Policy};

impl Model {
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
        // Keras 2 counts the calls of models within from 1: their own graph is the first.
        let call = |i: usize| self.nodes[i].call + usize::from(matches!(self.nodes[i].op, Op::Model(_)));
        let reference = |&(i, output): &Place| json!([self.nodes[i].name, call(i), output]);
        let input = |&(i, output): &Place, kwargs: &Value| json!([self.nodes[i].name, call(i), output, kwargs]);
        let layers = self.nodes.iter().filter(|node| !node.shared).map(|node| {
            let config = node.config();
            let mut calls: Vec<&Node> =
                self.nodes.iter().filter(|n| n.name == node.name && !matches!(n.op, Op::Input)).collect();
            calls.sort_by_key(|n| n.call);
            let inbound = |n: &&Node| -> Vec<Value> {
                let mut kwargs = serde_json::Map::new();
                kwargs.extend(n.training.map(|training| ("training".into(), training.into())));
                kwargs.extend((!n.masked).then(|| ("masked".into(), false.into())));
                let kwargs = kwargs.into();
                n.inputs.iter().map(|place| input(place, &kwargs)).collect()
            };
            let inbound: Vec<Vec<Value>> = calls.iter().map(inbound).collect();
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
            Op::Layer(layer) => {
                layer.config(&mut config);
                let policy = self.policy.get();
                if policy != Policy::Float32 {
                    config.replace("dtype", policy.name().into());
                }
            }
            _ => {
                config.set("batch_input_shape", self.shapes[0].clone());
                config.set("dtype", "float32");
            }
        }
        super::super::Value::from(config).into()
    }
}
