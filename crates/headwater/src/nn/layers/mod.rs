//! The layers, and their registry by Keras class name.

mod activation;
#[cfg(feature = "layers-attention")]
mod attention;
mod conv;
mod core;
#[cfg(feature = "layers-attention")]
mod einsum;
#[cfg(feature = "layers-normalization")]
mod groups;
#[cfg(feature = "layers-attention")]
mod heads;
mod merge;
mod noise;
mod norm;
mod pooling;
#[cfg(feature = "layers-preprocessing")]
mod preprocessing;
#[cfg(feature = "layers-recurrent")]
mod recurrent;
mod regularized;
#[cfg(feature = "layers-sequences")]
mod sequences;
mod shaping;
#[cfg(any(feature = "layers-recurrent", feature = "layers-sequences"))]
mod unsqueezed;
#[cfg(feature = "layers-volumes")]
mod volumes;
mod windows;
#[cfg(any(feature = "layers-recurrent", feature = "layers-normalization"))]
mod wrapper;

use headwater_core::{selected, Error, Result};

use super::config::Config;
use super::layer::Layer;
use super::value::Value;

type Make = fn(&Config<'_>) -> Result<Box<dyn Layer>>;

/// A layer: Keras's class name, and how to make one of its configuration.
type Entry = (&'static str, Make);

/// Every layer of this build.
const LAYERS: &[&[Entry]] = &[
    selected!(Entry, activation::LAYERS),
    selected!(Entry, conv::LAYERS),
    selected!(Entry, core::LAYERS),
    selected!(Entry, merge::LAYERS),
    selected!(Entry, noise::LAYERS),
    selected!(Entry, norm::LAYERS),
    selected!(Entry, pooling::LAYERS),
    selected!(Entry, regularized::LAYERS),
    selected!(Entry, shaping::LAYERS),
    #[cfg(feature = "layers-recurrent")]
    selected!(Entry, recurrent::LAYERS),
    #[cfg(feature = "layers-attention")]
    selected!(Entry, attention::LAYERS),
    #[cfg(feature = "layers-attention")]
    selected!(Entry, heads::LAYERS),
    #[cfg(feature = "layers-attention")]
    selected!(Entry, einsum::LAYERS),
    #[cfg(feature = "layers-normalization")]
    selected!(Entry, groups::LAYERS),
    #[cfg(feature = "layers-preprocessing")]
    selected!(Entry, preprocessing::LAYERS),
    #[cfg(feature = "layers-sequences")]
    selected!(Entry, sequences::LAYERS),
    #[cfg(feature = "layers-volumes")]
    selected!(Entry, volumes::LAYERS),
];

/// Makes a layer of Keras class `class_name` from its configuration.
///
/// # Errors
/// `ErrorKind::Unknown` when there is no such layer; `ErrorKind::Argument` naming a wrong key.
pub fn create(class_name: &str, config: &Value) -> Result<Box<dyn Layer>> {
    #[cfg(feature = "layers-custom")]
    if let Some(made) = super::custom::registered(class_name, config) {
        return regularized::regularized(made?, Config::new("layer", config).object("activity_regularizer"));
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
        assert_eq!(error("Dense", json!({"units": 1, "activity_regularizer": null})), None);
    }
}
