//! Layers, losses, metrics and optimizer steps, named and configured as in Keras.
//!
//! Layers are pure: they describe the weights they need and compute outputs from inputs and weights. State (weights,
//! optimizer slots, moving averages) belongs to the face: [`Model`] in Rust, `tf.Variable` in JavaScript.

mod activations;
mod config;
#[cfg(feature = "layers-custom")]
mod custom;
mod definition;
mod initializers;
mod layer;
pub mod layers;
pub mod losses;
pub mod metrics;
mod model;
pub(crate) mod optimizers;
mod regularizers;
pub mod schedules;
mod topology;
mod value;

pub use activations::activation;
#[cfg(feature = "layers-custom")]
pub use custom::register;
pub use definition::Definition;
pub use initializers::initialize;
pub use layer::{Call, Dims, Layer, Output, WeightSpec};
pub use layers::create;
pub use model::{Called, Functional, LayerId, Model, Network, Part, Policy, Sequential, Symbol, Weight};
pub use regularizers::{constrain, l1, l1_l2, l2, penalty};
pub use value::{Map, Value};
