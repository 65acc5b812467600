//! Models and optimizers in files.

use std::collections::HashSet;
use std::path::Path;

use headwater_core::{AllOk, Device, Result, Tensor};
use serde_json::Value;

use super::write::{write_all, WriteOptions};
use super::{format_error, read, LayersModel, Quantization};
use crate::nn::{Model, Weight};
use crate::train::Optimizer;
use crate::HostTensor;

/// How a model is saved.
#[derive(Clone, Default)]
pub struct SaveOptions<'a> {
    /// The model's name in its topology, `model` by default.
    pub name: Option<&'a str>,
    /// Saves what this optimizer keeps between steps, too.
    pub optimizer: Option<&'a Optimizer>,
    /// How float32 weights are stored.
    pub quantization: Quantization,
    /// Goes to `userDefinedMetadata`.
    pub metadata: Option<Value>,
}

fn on_host((name, tensor): (String, Tensor)) -> Result<(String, HostTensor)> {
    Ok((name, HostTensor::of(&tensor)?))
}

/// The weights that an optimizer keeps something of.
fn trained(model: &Model) -> Vec<Weight> {
    model.weights().into_iter().filter(Weight::trainable).collect()
}

impl Model {
    /// Writes the model to a directory, which is made, as a TensorFlow.js layers model: `tf.loadLayersModel` reads it, as does
    /// [`Model::load`].
    ///
    /// ```
    /// use headwater::nn::{layers::Dense, Model, Sequential};
    /// use headwater::{cpu, DType, Result};
    ///
    /// # fn main() -> Result<()> {
    /// let device = cpu(1);
    /// let model = Sequential::new(&device, vec![None, Some(3)], 1).layer(Dense::new(2))?.build();
    /// let directory = std::env::temp_dir().join("headwater-saved");
    /// model.save(&directory)?;
    /// let again = Model::load(&device, &directory)?;
    /// let x = device.ones([1, 3], DType::F32)?;
    /// assert_eq!(again.predict(&[&x])?[0].to_vec()?, model.predict(&[&x])?[0].to_vec()?);
    /// # drop(std::fs::remove_dir_all(directory));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ErrorKind::Format` naming the file that cannot be written, or a weight whose name another one has.
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<()> {
        self.save_with(directory, &SaveOptions::default())
    }

    /// As [`Model::save`], with an optimizer's state, in fewer bits, or with data of one's own.
    ///
    /// ```
    /// use headwater::nn::{layers::Dense, Model, Sequential};
    /// use headwater::tfjs::{Quantization, SaveOptions};
    /// use headwater::train::{Fit, Optimizer, Samples, Trainer};
    /// use headwater::{cpu, DType, Result};
    ///
    /// # fn main() -> Result<()> {
    /// let device = cpu(1);
    /// let x = device.ones([8, 3], DType::F32)?;
    /// let samples = Samples::new(&[&x], &[&x])?;
    /// let model = Sequential::new(&device, vec![None, Some(3)], 1).layer(Dense::new(3))?.build();
    /// let mut trainer = Trainer { epochs: 3, ..Trainer::new(Optimizer::adam(0.1)?, "mse")? };
    /// trainer.fit_with(&model, &samples, Fit::new())?;
    /// let directory = std::env::temp_dir().join("headwater-saved-with");
    /// model.save_with(&directory, &SaveOptions { optimizer: Some(&trainer.optimizer), ..SaveOptions::default() })?;
    ///
    /// // Both go on alike.
    /// let mut other = Trainer { epochs: 3, ..Trainer::new(Optimizer::adam(0.1)?, "mse")? };
    /// let again = Model::load_with(&device, &directory, &mut other.optimizer)?;
    /// assert_eq!(trainer.fit_with(&model, &samples, Fit::new())?.loss, other.fit_with(&again, &samples, Fit::new())?.loss);
    /// # drop(std::fs::remove_dir_all(directory));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Model::save`] and [`Optimizer::state`].
    pub fn save_with(&self, directory: impl AsRef<Path>, options: &SaveOptions<'_>) -> Result<()> {
        let directory = directory.as_ref();
        let mut names = HashSet::new();
        let own = self.weights();
        if let Some(twice) = own.iter().find(|weight| !names.insert(weight.name.as_str())) {
            return Err(format_error(directory.display(), format!("two weights are named '{}'", twice.name)));
        }
        let weights = own.iter().map(|w| on_host((w.name.clone(), w.value()))).all_ok()?;
        let state = options.optimizer.map_or(Ok(Vec::new()), |optimizer| optimizer.state(&trained(self)))?;
        let state = state.into_iter().map(on_host).all_ok()?;
        let topology = self.to_keras(options.name.unwrap_or("model"));
        let written = WriteOptions { quantization: &|_, _| options.quantization, metadata: options.metadata.clone() };
        write_all(directory, &topology, &weights, &state, &written)
    }

    /// Reads a TensorFlow.js layers model, of its directory or its `model.json`, of any program.
    ///
    /// # Errors
    /// `ErrorKind::Format` naming the file, what was expected and what came; `ErrorKind::Unknown` for a layer that is not known.
    pub fn load(device: &Device, path: impl AsRef<Path>) -> Result<Model> {
        read(path.as_ref())?.model(device)
    }

    /// As [`Model::load`], with the state of an optimizer that was saved with the model.
    ///
    /// # Errors
    /// As [`Model::load`] and [`Optimizer::set_state`].
    pub fn load_with(device: &Device, path: impl AsRef<Path>, optimizer: &mut Optimizer) -> Result<Model> {
        let stored = read(path.as_ref())?;
        let model = stored.model(device)?;
        let found = |name: &str| stored.weights.get(name)?.to_device(device).ok();
        optimizer.set_state(&trained(&model), found)?;
        Ok(model)
    }
}

impl LayersModel {
    /// The model with its weights.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for a layer that is not known; `ErrorKind::Format` naming a weight that is missing;
    /// `ErrorKind::Shape` for one of another shape.
    pub fn model(&self, device: &Device) -> Result<Model> {
        let model = Model::from_keras(device, &self.topology, 0)?;
        model.load_weights(|name| self.weights.get(name)?.to_device(device).ok())?;
        Ok(model)
    }
}
