//! Chains of layers.

use headwater_core::ops::hash_key;
use headwater_core::{Device, Result};

use super::super::definition::Definition;
use super::super::layer::Dims;
use super::super::Value;
use super::Model;

/// Builds a chain of layers.
///
/// ```
/// use headwater::nn::layers::{Dense, Dropout};
/// use headwater::nn::Sequential;
/// use serde_json::json;
///
/// # fn main() -> headwater::Result<()> {
/// let device = headwater::cpu(1);
/// let model = Sequential::new(&device, vec![None, Some(4)], 1)
///     .layer(Dense::new(8).activation("relu"))?
///     .layer(Dropout::new(0.1))?
///     // Or by Keras's class name and configuration.
///     .add("Dense", json!({"units": 3, "activation": "softmax"}))?
///     .build();
/// let x = device.ones([2, 4], headwater::DType::F32)?;
/// assert_eq!(model.predict(&[&x])?[0].shape(), &headwater::Shape::from([2, 3]));
/// # Ok(())
/// # }
/// ```
pub struct Sequential {
    model: Model,
    seed: u32,
}

impl Sequential {
    /// A chain that begins with inputs of `shape`, weights drawn from `seed`.
    pub fn new(device: &Device, shape: Dims, seed: u32) -> Sequential {
        let mut model = Model::empty(device);
        model.add_input("input", shape);
        Sequential { model, seed }
    }

    /// Appends a layer: one of [`layers`](crate::nn::layers), a [`Layer`](crate::nn::Layer) of one's own, or a model.
    ///
    /// # Errors
    /// `ErrorKind::Argument` naming a wrong option, `ErrorKind::Shape` when the layer does not fit, `ErrorKind::Format` when
    /// another layer has its name.
    pub fn layer(mut self, layer: impl Into<Definition>) -> Result<Sequential> {
        let last = self.model.nodes.len() - 1;
        let seed = hash_key(self.seed, self.model.nodes.len() as u32);
        self.model.append(layer.into(), vec![(last, 0)], seed)?;
        Ok(self)
    }

    /// Appends a layer of a Keras class; the configuration's "name" is the layer's.
    ///
    /// # Errors
    /// As [`crate::nn::create`], and as [`Sequential::layer`].
    pub fn add(self, class_name: &str, config: impl Into<Value>) -> Result<Sequential> {
        self.layer((class_name, config))
    }

    /// The model.
    pub fn build(mut self) -> Model {
        self.model.outputs = vec![(self.model.nodes.len() - 1, 0)];
        self.model
    }
}
