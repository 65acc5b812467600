//! The layers, and their registry by Keras class name.

mod activation;
mod conv;
mod core;
mod merge;
mod noise;
mod norm;
mod pooling;
mod shaping;

use headwater_core::{Error, Result};
use serde_json::Value;

use super::config::Config;
use super::layer::Layer;

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
    let found = LAYERS.iter().flat_map(|list| list.iter()).find(|(name, _)| *name == class_name);
    match found {
        Some((name, make)) => make(&Config::new(name, config)),
        None => Err(Error::unknown("layer", class_name)),
    }
}

/// Boxes a layer.
fn layer<L: Layer + 'static>(layer: L) -> Result<Box<dyn Layer>> {
    Ok(Box::new(layer))
}
