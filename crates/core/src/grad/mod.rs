//! Reverse-mode gradients. A tape records operations; going back over it builds graph nodes, so that gradients fuse and
//! can themselves be differentiated.

mod rules;
mod scan;
mod scatter;

use crate::collect::AllOk;
use crate::collect::Listed;
use std::sync::Arc;

use crate::device::Device;
use crate::error::{Error, Result};
use crate::ids::{IdMap, IdSet};
use crate::op::Op;
use crate::ops;
use crate::selection::GRADIENTS;
use crate::tensor::Tensor;

/// A user's gradient: from the result and its gradient, the gradient of each input.
pub(crate) type CustomGradient = Arc<dyn Fn(&Tensor, &Tensor) -> Result<Vec<Tensor>> + Send + Sync>;

/// What made a tensor.
#[derive(Clone)]
pub(crate) enum Recorded {
    Op(Op),
    Custom(CustomGradient),
}

struct Entry {
    recorded: Recorded,
    inputs: Vec<Tensor>,
    output: Tensor,
}

/// Operations in the order they were called, between [`Device::start_tape`] and [`Device::end_tape`].
#[derive(Default)]
pub struct Tape {
    entries: Vec<Entry>,
}

impl Tape {
    pub(crate) fn push(&mut self, recorded: Recorded, inputs: &[&Tensor], output: &Tensor) {
        let inputs = inputs.iter().map(|&t| t.clone()).listed();
        self.entries.push(Entry { recorded, inputs, output: output.clone() });
    }

    /// The tensors from outside that `y` was made of.
    pub(crate) fn operands_of(&self, y: &Tensor) -> Vec<Tensor> {
        let mut needed: IdSet = [y.id()].into_iter().collect();
        let mut operands: Vec<Tensor> = vec![y.clone()];
        for entry in self.entries.iter().rev() {
            if needed.contains(entry.output.id()) {
                operands.retain(|t| t.id() != entry.output.id());
                for input in &entry.inputs {
                    if needed.insert(input.id()) {
                        operands.push(input.clone());
                    }
                }
            }
        }
        operands
    }

    /// The gradient of `y`, weighted by `dy` (ones when `None`), by each of `xs`; `None` for one that `y` does not
    /// depend on. The gradient by a float has its dtype.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when `dy` has another shape than `y`; whatever a user's gradient gives.
    pub fn gradients(&self, y: &Tensor, dy: Option<&Tensor>, xs: &[&Tensor]) -> Result<Vec<Option<Tensor>>> {
        if let Some(dy) = dy {
            if dy.shape() != y.shape() {
                return Err(Error::shape("gradient", format_args!("dy of shape {}", y.shape()), dy.shape()));
            }
        }
        // Only what depends on some x takes part.
        let mut active: IdSet = xs.iter().map(|x| x.id()).collect();
        for entry in &self.entries {
            if entry.inputs.iter().any(|i| active.contains(i.id())) {
                active.insert(entry.output.id());
            }
        }
        let mut gradient: IdMap<Tensor> = IdMap::default();
        if active.contains(y.id()) {
            let seed = dy.map_or_else(
                || y.ones_like(),
                |dy| if y.dtype().is_float() { dy.cast(y.dtype()) } else { Ok(dy.clone()) },
            )?;
            gradient.insert(y.id(), seed);
        }
        let wanted: IdSet = xs.iter().map(|x| x.id()).collect();
        for entry in self.entries.iter().rev() {
            let id = entry.output.id();
            if !active.contains(id) {
                continue;
            }
            let found = if wanted.contains(id) { gradient.get(id).cloned() } else { gradient.entry(id).take() };
            let Some(dy) = found else { continue };
            let needed: Vec<bool> = entry.inputs.iter().map(|i| active.contains(i.id())).listed();
            let parts = match &entry.recorded {
                Recorded::Op(op) => rules::backward(op, &entry.inputs, &entry.output, &dy, &needed)?,
                Recorded::Custom(f) => f(&entry.output, &dy)?.into_iter().map(Some).listed(),
            };
            for ((input, part), _) in entry.inputs.iter().zip(parts).zip(&needed).filter(|&(_, &n)| n) {
                let Some(part) = part else { continue };
                if part.shape() != input.shape() {
                    let expected = format_args!("a gradient of shape {}", input.shape());
                    return Err(Error::shape("customGrad", expected, part.shape()));
                }
                // Steps on the way may be wider than what they began with.
                let part = if input.dtype().is_float() { part.cast(input.dtype())? } else { part };
                let sum = gradient.entry(input.id());
                *sum = Some(match sum.take() {
                    Some(sum) => ops::add(&sum, &part)?,
                    None => part,
                });
            }
        }
        // What `y` depends on in steps alone has a gradient of zero; `None` is left for what it does not depend on.
        let mut reached = IdSet::default();
        if xs.iter().any(|x| gradient.get(x.id()).is_none()) {
            reached.insert(y.id());
            for entry in self.entries.iter().rev() {
                if reached.contains(entry.output.id()) {
                    for input in &entry.inputs {
                        reached.insert(input.id());
                    }
                }
            }
        }
        let found = |x: &&Tensor| match gradient.get(x.id()) {
            Some(part) => Ok(Some(part.clone())),
            None if reached.contains(x.id()) => y.device().zeros(x.shape(), x.dtype().float()).map(Some),
            None => Ok(None),
        };
        xs.iter().map(found).all_ok()
    }
}

impl Device {
    /// Calls `f` with all tapes paused.
    pub fn without_tapes<T>(&self, f: impl FnOnce() -> T) -> T {
        self.pause_tapes(true);
        let result = f();
        self.pause_tapes(false);
        result
    }

    /// Calls `f` and returns its value with the gradients of the value by `xs`.
    ///
    /// # Errors
    /// What `f` gives; `ErrorKind::Gradient` when the value does not depend on one of `xs`.
    pub fn value_and_grads(&self, xs: &[&Tensor], f: impl FnOnce() -> Result<Tensor>) -> Result<(Tensor, Vec<Tensor>)> {
        self.start_tape();
        let value = f();
        let tape = self.end_tape();
        let value = value?;
        let grads = tape.gradients(&value, None, xs)?;
        let all = grads.into_iter().map(|g| {
            g.ok_or_else(|| Error::gradient("Cannot compute gradient of y=f(x) with respect to x. Make sure that the f you passed encloses all operations that lead from x to y."))
        });
        Ok((value, all.all_ok()?))
    }
}

/// A function with a gradient of its own: `forward` maps the inputs to a value while tapes are paused, `backward` maps
/// the value and its gradient to the gradients of the inputs.
///
/// # Errors
/// What `forward` gives.
pub fn custom(
    inputs: &[&Tensor],
    forward: impl FnOnce(&[Tensor]) -> Result<Tensor>,
    backward: impl Fn(&Tensor, &Tensor) -> Result<Vec<Tensor>> + Send + Sync + 'static,
) -> Result<Tensor> {
    // Not generic: every pair of functions would be another copy.
    type Forward<'a> = Box<dyn FnOnce(&[Tensor]) -> Result<Tensor> + 'a>;
    fn record(inputs: &[&Tensor], forward: Forward<'_>, backward: CustomGradient) -> Result<Tensor> {
        let Some(device) = inputs.first().map(|t| t.device()) else {
            return Err(Error::argument("customGrad", "at least one input", "none"));
        };
        let owned: Vec<Tensor> = inputs.iter().map(|&t| t.clone()).listed();
        // A fresh node, so that the gradient is found under its id even where forward returns an input.
        let output = device.without_tapes(|| forward(&owned)?.same())?;
        device.record_custom(backward, inputs, &output);
        Ok(output)
    }
    if !GRADIENTS {
        let owned: Vec<Tensor> = inputs.iter().map(|&t| t.clone()).listed();
        return forward(&owned);
    }
    record(inputs, Box::new(forward), Arc::new(backward))
}
