//! The layers, one builder each, and their registry by Keras class name.
//!
//! A builder takes what the layer cannot do without; its methods are Keras's other options. What is not given has Keras's
//! default. Options that hold sizes take one number or one for each dimension; initializers, regularizers and constraints
//! take a name or an object as Keras stores it, see [`l2`](crate::nn::l2). Names and `trainable` are options of all.
//!
//! ```
//! use headwater::nn::layers::{Conv2D, Dense, GlobalAveragePooling2D, MaxPooling2D};
//! use headwater::nn::{l2, Sequential};
//!
//! # fn main() -> headwater::Result<()> {
//! let model = Sequential::new(&headwater::cpu(1), vec![None, Some(28), Some(28), Some(1)], 1)
//!     .layer(Conv2D::new(8, 3).activation("relu").padding("same").kernel_initializer("HeNormal"))?
//!     .layer(MaxPooling2D::new().pool_size((2, 2)))?
//!     .layer(GlobalAveragePooling2D::new())?
//!     .layer(Dense::new(10).activation("softmax").kernel_regularizer(l2(1e-4)).name("digit"))?
//!     .build();
//! assert_eq!(model.output_shapes(), [vec![None, Some(10)]]);
//! # Ok(())
//! # }
//! ```
//!
//! Layers of families that a build leaves out (`layers-*`) are unknown when they are added.

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
mod typed;
#[cfg(any(feature = "layers-recurrent", feature = "layers-sequences"))]
mod unsqueezed;
#[cfg(feature = "layers-volumes")]
mod volumes;
mod windows;
#[cfg(any(feature = "layers-recurrent", feature = "layers-normalization"))]
mod wrapper;

use headwater_core::{selected, Error, Result};

pub use typed::*;

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
    fn every_layer_has_a_builder() {
        let known: Vec<&str> = LAYERS.iter().flat_map(|list| list.iter()).map(|(name, _)| *name).collect();
        // Built by `Sequential::new` and `Functional::input`; another spelling; within other layers.
        let other = ["InputLayer", "GroupQueryAttention"];
        let missing: Vec<&&str> = known.iter().filter(|n| !other.contains(n) && !typed::CLASSES.contains(n)).collect();
        assert_eq!(missing, [&""; 0]);
        #[cfg(feature = "all-layers")]
        assert!(typed::CLASSES.iter().all(|name| known.contains(name)));
    }

    #[test]
    fn what_is_not_supported_is_an_error() {
        let error = |class: &str, config: serde_json::Value| create(class, &config.into()).err().map(|e| e.to_string());
        let regularized = json!({"units": 1, "activity_regularizer": {"class_name": "Wibble", "config": {}}});
        assert!(error("Dense", regularized).is_some_and(|e| e.contains("Unknown regularizer: 'wibble'")));
        assert_eq!(error("Dense", json!({"units": 1, "activity_regularizer": null})), None);
        for (class, key) in [("BatchNormalization", "renorm"), ("LayerNormalization", "rms_scaling")] {
            assert_eq!(error(class, json!({ key: false })), None);
            assert!(error(class, json!({ key: true })).is_some_and(|e| e.contains(key)));
        }
    }
}
