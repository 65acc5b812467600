//! What a recurrent layer repeats.

use headwater_core::{ops, Device, Error, Result, Shape, Tensor};

use super::super::super::layer::{Call, Dims, Layer, Output, WeightSpec};
use super::super::super::value::Map;

/// What is dropped of a cell's input and of its first state, the same at every step; factors that are 0 or 1 / (1 - rate).
#[derive(Default)]
pub(super) struct Drops {
    pub input: Option<Tensor>,
    pub recurrent: Option<Tensor>,
}

/// A recurrent cell: new states from an input and states. One of the states is its output.
pub(super) trait Cell: Send + Sync {
    /// Keras's class name.
    fn class_name(&self) -> &'static str;

    /// Writes Keras's configuration.
    fn config(&self, to: &mut Map);

    /// The weights for a step's input of this shape.
    fn weights(&self, step: &Dims) -> Result<Vec<WeightSpec>>;

    /// How many those are.
    fn weight_count(&self) -> usize;

    /// How many states there are.
    fn state_count(&self) -> usize;

    /// The shapes of the states.
    fn states(&self, step: &Dims) -> Result<Vec<Dims>>;

    /// Which of the states is the output.
    fn output(&self) -> usize {
        0
    }

    /// What the step computes of its input alone. The rows may be those of all steps.
    fn project(&self, x: &Tensor, weights: &[Tensor]) -> Result<Tensor>;

    /// The new states from a projected input.
    fn step(&self, projected: &Tensor, states: &[Tensor], weights: &[Tensor], drops: &[Drops]) -> Result<Vec<Tensor>>;

    /// What this call drops: one element for each cell within.
    fn drops(&self, device: &Device, step: &Shape, call: &Call<'_>) -> Result<Vec<Drops>>;
}

/// What to drop of `shape` at a rate.
pub(super) fn drop_of(device: &Device, shape: &Shape, rate: f64, seed: u32) -> Result<Option<Tensor>> {
    if rate == 0.0 {
        return Ok(None);
    }
    let ones = device.ones(shape, headwater_core::DType::F32)?;
    ops::dropout(&ones, rate as f32, None, seed).map(Some)
}

/// `x` without what is dropped.
pub(super) fn dropped(x: &Tensor, factor: Option<&Tensor>) -> Result<Tensor> {
    factor.map_or(Ok(x.clone()), |factor| ops::mul(x, factor))
}

/// The sizes of a shape that is known, the batch's taken from a tensor.
pub(super) fn sizes(class: &str, dims: &Dims) -> Result<Shape> {
    let all: Option<Shape> = dims.iter().copied().collect();
    all.ok_or_else(|| Error::shape(class, "a known shape", super::super::super::layer::show(dims)))
}

/// A cell called by itself: `[input, states..]` to `[output, states..]`.
pub(super) struct CellLayer(pub(super) Box<dyn Cell>);

impl Layer for CellLayer {
    fn class_name(&self) -> &'static str {
        self.0.class_name()
    }

    fn config(&self, to: &mut Map) {
        self.0.config(to);
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let missing = || Error::argument(self.class_name(), "an input and states", "none");
        self.0.weights(inputs.first().ok_or_else(missing)?)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let missing = || Error::argument(self.class_name(), "an input and states", "none");
        let mut states = self.0.states(inputs.first().ok_or_else(missing)?)?;
        states.insert(0, states[self.0.output()].clone());
        Ok(states)
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let wrong = |n: usize| Error::argument(self.class_name(), format_args!("{n} inputs"), inputs.len());
        let [x, states @ ..] = inputs else { return Err(wrong(1)) };
        let wanted = self.0.state_count();
        if states.len() != wanted {
            return Err(wrong(1 + wanted));
        }
        let drops = if call.training { self.0.drops(x.device(), x.shape(), call)? } else { Vec::new() };
        let x = dropped(x, drops.first().and_then(|d| d.input.as_ref()))?;
        let mut tensors = self.0.step(&self.0.project(&x, weights)?, states, weights, &drops)?;
        tensors.insert(0, tensors[self.0.output()].clone());
        Ok(Output { tensors, ..Output::default() })
    }
}
