//! Losses that are scaled so that gradients of 16 bits are neither 0 nor infinite.

use headwater_core::ops::{self, add, mul, real_div, select};
use headwater_core::{AllOk, DType, Device, Error, Result, Tensor};

/// A dynamic scale of the loss (Micikevicius et al. 2018), with the rules of Keras's `LossScaleOptimizer`: a step with a gradient that is
/// not finite is skipped and halves the scale. It is all done by the engine: nobody waits to know. Where gradients are accumulated,
/// those that are not finite are left out, each time halving the scale, and a step is skipped where none are left.
///
/// A [`Trainer`](crate::train::Trainer) gives one to its optimizer where a model computes in float16, and multiplies and divides by
/// it. Who calls [`Optimizer::apply`](super::Optimizer::apply) gives it gradients of the loss as it is.
#[derive(Clone, Debug)]
pub struct LossScale {
    initial: f64,
    growth_steps: u32,
    state: Option<State>,
}

/// What is kept, as it is stored.
#[derive(Clone, Debug)]
pub(in crate::train) struct State {
    scale: Tensor,
    /// Finite steps since the scale changed.
    steps: Tensor,
    skipped: Tensor,
}

impl State {
    pub(in crate::train) const NAMES: [&'static str; 3] = ["dynamic_scale", "step_counter", "skipped_steps"];

    pub(in crate::train) fn tensors(&self) -> [Tensor; 3] {
        [self.scale.clone(), self.steps.clone(), self.skipped.clone()]
    }

    pub(in crate::train) fn of(tensors: &[Tensor]) -> Option<State> {
        let [scale, steps, skipped] = tensors else { return None };
        if tensors.iter().any(|tensor| tensor.rank() > 0) {
            return None;
        }
        Some(State { scale: scale.clone(), steps: steps.clone(), skipped: skipped.clone() })
    }
}

impl Default for LossScale {
    /// Begins with 2^15 and is doubled after 2000 finite steps, as in Keras.
    fn default() -> LossScale {
        LossScale { initial: 32768.0, growth_steps: 2000, state: None }
    }
}

impl LossScale {
    /// A scale that begins with `initial`, and is doubled after so many steps with finite gradients, one after the other.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when `initial` is not above 0 or `growth_steps` is 0.
    pub fn new(initial: f64, growth_steps: u32) -> Result<LossScale> {
        if !(initial > 0.0 && initial.is_finite()) {
            return Err(Error::argument("LossScale", "an initial scale above 0", initial));
        }
        if growth_steps == 0 {
            return Err(Error::argument("LossScale", "a positive number of steps", growth_steps));
        }
        Ok(LossScale { initial, growth_steps, state: None })
    }

    /// What the loss is multiplied by now. Reading it waits for the last step.
    ///
    /// # Errors
    /// What reading gives.
    pub fn value(&self) -> Result<f64> {
        self.state.as_ref().map_or(Ok(self.initial), |state| state.scale.item())
    }

    /// How many steps were skipped. Reading it waits for the last step.
    ///
    /// # Errors
    /// What reading gives.
    pub fn skipped(&self) -> Result<u32> {
        self.state.as_ref().map_or(Ok(0), |state| Ok(state.skipped.item()? as u32))
    }

    /// The state, which begins with the first use.
    fn state(&mut self, device: &Device) -> &mut State {
        let scalar = |x| device.constant_of(DType::F32, x);
        let initial = self.initial;
        self.state.get_or_insert_with(|| State { scale: scalar(initial), steps: scalar(0.0), skipped: scalar(0.0) })
    }

    /// What the loss is multiplied by.
    pub(in crate::train) fn scale(&mut self, device: &Device) -> Tensor {
        self.state(device).scale.clone()
    }

    /// How many steps before this one were skipped, on the device.
    pub(super) fn skipped_steps(&mut self, device: &Device) -> Tensor {
        self.state(device).skipped.clone()
    }

    /// What is kept, if there was a step.
    pub(in crate::train) fn kept(&self) -> Option<&State> {
        self.state.as_ref()
    }

    /// Goes on with what was kept, or begins anew.
    pub(in crate::train) fn keep(&mut self, state: Option<State>) {
        self.state = state;
    }

    /// Goes on after a step that was made, or was not, a bool scalar.
    pub(super) fn count(&mut self, made: &Tensor) -> Result<()> {
        let state = self.state(made.device());
        state.skipped = select(made, &state.skipped, &add(&state.skipped, &state.skipped.constant(1.0))?)?;
        Ok(())
    }

    /// Goes on after gradients that were finite, or were not.
    pub(super) fn advance(&mut self, finite: &Tensor) -> Result<()> {
        let growth = f64::from(self.growth_steps);
        let State { scale, steps, skipped } = self.state(finite.device());
        let number = |x| scale.constant(x);
        let grows = ops::equal(steps, &number(growth - 1.0))?;
        let next = select(&grows, &mul(scale, &number(2.0))?, scale)?;
        let count = select(&grows, &number(0.0), &add(steps, &number(1.0))?)?;
        let state = State {
            scale: select(finite, &next, &real_div(scale, &number(2.0))?)?,
            steps: select(finite, &count, &number(0.0))?,
            skipped: skipped.clone(),
        };
        self.state = Some(state);
        Ok(())
    }
}

/// The gradient of the loss from that of the scaled loss.
pub(in crate::train) fn unscaled(gradient: &Tensor, scale: &Tensor) -> Result<Tensor> {
    real_div(&gradient.cast(DType::F32)?, scale)
}

/// Whether all gradients are finite, a bool scalar; none where there are none.
pub(super) fn all_finite(gradients: &[Tensor]) -> Result<Option<Tensor>> {
    let each: Vec<Tensor> = gradients.iter().map(|g| ops::all(&ops::is_finite(g)?, None, false)).all_ok()?;
    if each.is_empty() {
        return Ok(None);
    }
    ops::all(&ops::stack(&each.iter().collect::<Vec<_>>(), 0)?, None, false).map(Some)
}
