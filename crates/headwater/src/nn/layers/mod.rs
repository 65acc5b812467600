//! The layers, and their registry by Keras class name.

mod activation;
mod conv;
mod core;
mod merge;
mod noise;
mod norm;
mod pooling;
mod regularized;
mod shaping;

use headwater_core::{Error, Result};

use super::config::Config;
use super::layer::Layer;
use super::value::Value;

type Make = fn(&Config<'_>) -> Result<Box<dyn Layer>>;

/// Every layer: Keras's class name, and how to make one of its configuration.
const LAYERS: &[&[(&str, Make)]] = &[
    activation::LAYERS,
    conv::LAYERS,
    core::LAYERS,
    merge::LAYERS,
    noise::LAYERS,
    norm::LAYERS,
    pooling::LAYERS,
    shaping::LAYERS,
];

/// Makes a layer of Keras class `class_name` from its configuration.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such layer; `ErrorKind::Argument` naming a wrong key.
pub fn create(class_name: &str, config: &Value) -> Result<Box<dyn Layer>> {
    // Rather an error than a model that trains to something else than its configuration says.
    if let Some(value) = config.get("mask_zero").filter(|v| !matches!(v, Value::Bool(false))) {
        return Err(Error::argument(class_name, "no 'mask_zero', which is not supported yet", value));
    }
    let found = LAYERS.iter().flat_map(|list| list.iter()).find(|(name, _)| *name == class_name);
    match found {
        Some((name, make)) => {
            let config = Config::new(name, config);
            regularized::regularized(make(&config)?, config.object("activity_regularizer"))
        }
        None => Err(Error::unknown("layer", class_name)),
    }
}

/// Boxes a layer.
fn layer<L: Layer + 'static>(layer: L) -> Result<Box<dyn Layer>> {
    Ok(Box::new(layer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_supported_is_an_error() {
        let error = |class: &str, config: serde_json::Value| create(class, &config.into()).err().map(|e| e.to_string());
        let regularized = json!({"units": 1, "activity_regularizer": {"class_name": "Wibble", "config": {}}});
        assert!(error("Dense", regularized).is_some_and(|e| e.contains("Unknown regularizer: 'wibble'")));
        let masked = json!({"input_dim": 2, "output_dim": 1, "mask_zero": true});
        assert!(error("Embedding", masked).is_some_and(|e| e.contains("no 'mask_zero'")));
        assert_eq!(error("Dense", json!({"units": 1, "activity_regularizer": null})), None);
        assert_eq!(error("Embedding", json!({"input_dim": 2, "output_dim": 1, "mask_zero": false})), None);
    }
}
