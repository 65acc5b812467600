//! TensorFlow.js layers models: `model.json` with a Keras topology and a manifest of weights, and shards of their bytes.

mod quantize;
mod read;
mod write;

pub use quantize::Quantization;
pub use read::{read, LayersModel};
pub use write::{write, WriteOptions};
