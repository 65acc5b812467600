//! What can be trained.

use headwater_core::{DType, Device, Result, Tensor};

use super::super::layer::Call;
use super::{Called, Model, Weight};

/// What [`Trainer`](crate::train::Trainer) trains: a [`Model`], or a type of one's own whose call is written in Rust, as
/// subclasses of Keras's `Model` are.
///
/// ```
/// use headwater::nn::layers::Dense;
/// use headwater::nn::{Call, Called, Model, Network, Sequential, Weight};
/// use headwater::train::{Control, Optimizer, Trainer};
/// use headwater::{cpu, ops, Device, Result, Tensor};
///
/// /// A network of two parts, with a penalty on what is between them.
/// struct Autoencoder {
///     encoder: Model,
///     decoder: Model,
/// }
///
/// impl Network for Autoencoder {
///     fn device(&self) -> &Device {
///         self.encoder.device()
///     }
///     fn weights(&self) -> Vec<Weight> {
///         [self.encoder.weights(), self.decoder.weights()].concat()
///     }
///     fn call(&self, inputs: &[&Tensor], call: Call<'_>) -> Result<Called> {
///         let code = self.encoder.call(inputs, call)?.outputs.remove(0);
///         let penalty = ops::mean(&ops::abs(&code)?, None, false)?;
///         let called = self.decoder.call(&[&code], call)?;
///         Ok(Called { losses: vec![(&penalty * 1e-4)?], ..called })
///     }
/// }
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let chain = |from: usize, to: usize| -> Result<Model> {
///     Ok(Sequential::new(&device, vec![None, Some(from)], 1).layer(Dense::new(to))?.build())
/// };
/// let model = Autoencoder { encoder: chain(4, 2)?, decoder: chain(2, 4)? };
/// let x = ops::random_normal(&device, [32, 2], 0.0, 1.0, 1)?;
/// let x = ops::concat(&[&x, &x], 1)?;
/// let mut trainer = Trainer { epochs: 60, ..Trainer::new(Optimizer::adam(0.05)?, "meanSquaredError")? };
/// let history = trainer.fit(&model, &x, &x, |_, _| Control::Continue)?;
/// assert!(history.loss[59] < 0.05 * history.loss[0]);
/// # Ok(())
/// # }
/// ```
pub trait Network {
    /// The device of the weights.
    fn device(&self) -> &Device;

    /// All weights, in an order that does not change.
    fn weights(&self) -> Vec<Weight>;

    /// What is carried from call to call besides weights, in an order that does not change: the states of recurrent layers. A
    /// [`Backup`](crate::train::Backup) keeps them; none by default.
    fn states(&self) -> Vec<Weight> {
        Vec::new()
    }

    /// The outputs, their masks (or none at all), and what is added to the loss.
    ///
    /// # Errors
    /// What its operations give.
    fn call(&self, inputs: &[&Tensor], call: Call<'_>) -> Result<Called>;

    /// Whether gradients are computed in float16, whose range is small: a [`Trainer`](crate::train::Trainer) then scales the
    /// loss. As [`Policy::MixedFloat16`](crate::nn::Policy) says for a model; it is not by default.
    fn needs_loss_scale(&self) -> bool {
        false
    }

    /// What layers compute of inputs, with their names, in order, for callbacks that look into a network; nothing by default.
    ///
    /// # Errors
    /// As [`Network::call`].
    fn layer_outputs(&self, _inputs: &[&Tensor], _call: Call<'_>) -> Result<Vec<(String, Tensor)>> {
        Ok(Vec::new())
    }

    /// Names of the outputs, for losses and metrics of several; `output_0` and so on where there are none.
    fn output_names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Network for Model {
    fn device(&self) -> &Device {
        Model::device(self)
    }

    fn weights(&self) -> Vec<Weight> {
        Model::weights(self)
    }

    fn states(&self) -> Vec<Weight> {
        self.every_weight().into_iter().filter(|w| w.spec.state).collect()
    }

    fn call(&self, inputs: &[&Tensor], call: Call<'_>) -> Result<Called> {
        Model::call(self, inputs, call)
    }

    fn needs_loss_scale(&self) -> bool {
        self.computes_in(DType::F16)
    }

    fn layer_outputs(&self, inputs: &[&Tensor], call: Call<'_>) -> Result<Vec<(String, Tensor)>> {
        let mut seen = Vec::new();
        let mut watch = |name: &str, outputs: &[Tensor]| {
            seen.extend(outputs.iter().map(|output| (name.to_owned(), output.clone())));
        };
        self.run(inputs, call, false, &mut watch)?;
        Ok(seen)
    }

    fn output_names(&self) -> Vec<String> {
        Model::output_names(self)
    }
}
