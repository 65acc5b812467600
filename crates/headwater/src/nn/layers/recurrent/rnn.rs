//! A cell over the steps of a sequence.

use headwater_core::AllOk;
use headwater_core::Listed;
use headwater_core::{ops, DType, Error, Result, Shape, Tensor};

use super::super::super::config::Config;
use super::super::super::layer::{dims_of, show, Call, Dims, Layer, Output, WeightSpec};
use super::super::super::value::{Map, Value};
use super::cell::{dropped, sizes, Cell};
use super::written;

pub(super) struct Rnn {
    class: &'static str,
    cell: Box<dyn Cell>,
    return_sequences: bool,
    return_state: bool,
    go_backwards: bool,
    stateful: bool,
    /// Of no effect: steps are always recorded one by one.
    unroll: bool,
    zero_output_for_mask: bool,
}

impl Rnn {
    /// A layer of a cell; the rest of its configuration is `c`.
    pub fn new(c: &Config<'_>, cell: Box<dyn Cell>) -> Result<Rnn> {
        Ok(Rnn {
            class: c.class,
            cell,
            return_sequences: c.flag("return_sequences", false)?,
            return_state: c.flag("return_state", false)?,
            go_backwards: c.flag("go_backwards", false)?,
            stateful: c.flag("stateful", false)?,
            unroll: c.flag("unroll", false)?,
            zero_output_for_mask: c.flag("zero_output_for_mask", false)?,
        })
    }

    /// The shape of a step, and the states' shapes.
    fn step(&self, inputs: &[Dims]) -> Result<(Dims, Vec<Dims>)> {
        let Some([batch, _, rest @ ..]) = inputs.first().map(Vec::as_slice) else {
            return Err(Error::shape(self.class, "an input of batch, steps and features", "none"));
        };
        let mut step = vec![*batch];
        step.extend_from_slice(rest);
        let states = self.cell.states(&step)?;
        if inputs.len() != 1 && inputs.len() != 1 + states.len() {
            return Err(Error::argument(
                self.class,
                format_args!("one input, or {} states with it", states.len()),
                inputs.len(),
            ));
        }
        Ok((step, states))
    }

    /// What the states begin with.
    fn initial(&self, inputs: &[Tensor], weights: &[Tensor], shapes: &[Dims]) -> Result<Vec<Tensor>> {
        if inputs.len() > 1 {
            return Ok(inputs[1..].to_vec());
        }
        if self.stateful {
            return Ok(weights[self.cell.weight_count()..].to_vec());
        }
        let device = inputs[0].device();
        shapes.iter().map(|shape| device.zeros(sizes(self.class, shape)?, DType::F32)).collect()
    }
}

/// Adds the steps of a sequence to a list. By halves: the gradient of a part is as large as what it is a part of, so that step by
/// step the whole would be written once for each.
pub(super) fn steps(x: &Tensor, to: &mut Vec<Tensor>) -> Result<()> {
    let n = x.shape()[1];
    if n <= 1 {
        to.extend((n == 1).then(|| ops::squeeze(x, Some(&[1]))).transpose()?);
        return Ok(());
    }
    for (first, count) in [(0, n / 2), (n / 2, n - n / 2)] {
        let (mut begin, mut size) = (vec![0; x.rank()], x.shape().to_vec());
        (begin[1], size[1]) = (first, count);
        steps(&ops::slice(x, &begin, &size)?, to)?;
    }
    Ok(())
}

/// The mask of a step, for tensors of a rank.
fn wide(mask: &Tensor, rank: usize) -> Result<Tensor> {
    let mut shape = mask.shape().to_vec();
    shape.resize(shape.len().max(rank), 1);
    ops::reshape(mask, shape)
}

impl Layer for Rnn {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        if self.class == "RNN" {
            to.set("cell", written(&*self.cell));
        } else {
            self.cell.config(to);
        }
        to.set("return_sequences", self.return_sequences);
        to.set("return_state", self.return_state);
        to.set("go_backwards", self.go_backwards);
        to.set("stateful", self.stateful);
        to.set("unroll", self.unroll);
        to.set("zero_output_for_mask", self.zero_output_for_mask);
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let (step, states) = self.step(inputs)?;
        let mut specs = self.cell.weights(&step)?;
        if self.stateful {
            if inputs[0][0].is_none() {
                return Err(Error::shape(self.class, "a known batch size, being stateful", show(&inputs[0])));
            }
            for state in &states {
                let shape = sizes(self.class, state)?;
                let spec = WeightSpec::new("rnn_state", shape, Value::class("Zeros"), false);
                specs.push(WeightSpec { state: true, ..spec });
            }
        }
        Ok(specs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let (_, states) = self.step(inputs)?;
        let mut output = states[self.cell.output()].clone();
        if self.return_sequences {
            output.insert(1, inputs[0][1]);
        }
        let mut shapes = vec![output];
        shapes.extend(if self.return_state { states } else { Vec::new() });
        Ok(shapes)
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let shapes: Vec<Dims> = inputs.iter().map(|x| dims_of(x.shape())).listed();
        let (step, state_shapes) = self.step(&shapes)?;
        let x = &inputs[0];
        let (batch, count) = (x.shape()[0], x.shape()[1]);
        let step = sizes(self.class, &step)?;
        let mut states = self.initial(inputs, weights, &state_shapes)?;
        for (state, shape) in states.iter().zip(&state_shapes) {
            if dims_of(state.shape()) != *shape {
                return Err(Error::shape(self.class, format_args!("a state of shape {}", show(shape)), state.shape()));
            }
        }
        let drops = if call.training { self.cell.drops(x.device(), &step, call)? } else { Vec::new() };
        let factor = drops.first().and_then(|d| d.input.as_ref());
        let x = dropped(x, factor.map(|f| ops::expand_dims(f, 1)).transpose()?.as_ref())?;
        // The products of all steps' inputs are one product.
        let rows = Shape::joined(&[&[batch * count], &step[1..]]);
        let projected = self.cell.project(&ops::reshape(&x, rows)?, weights)?;
        let sequence = Shape::joined(&[&[batch, count], &projected.shape()[1..]]);
        let mut each = Vec::with_capacity(count);
        steps(&ops::reshape(&projected, sequence)?, &mut each)?;
        let mut masks = Vec::new();
        if let Some(mask) = call.mask(0) {
            if mask.shape().get(1) != Some(&count) {
                return Err(Error::shape(self.class, format_args!("a mask of {count} steps"), mask.shape()));
            }
            steps(mask, &mut masks)?;
        }

        let output_index = self.cell.output();
        let zero = x.device().zeros(states[output_index].shape(), DType::F32)?;
        let mut outputs: Vec<Tensor> = Vec::with_capacity(count);
        let mut last = zero.clone();
        for i in 0..count {
            let i = if self.go_backwards { count - 1 - i } else { i };
            let next = self.cell.step(&each[i], &states, weights, &drops)?;
            last = match masks.get(i) {
                None => next[output_index].clone(),
                Some(mask) => {
                    let before = if self.zero_output_for_mask { &zero } else { &last };
                    ops::select(&wide(mask, last.rank())?, &next[output_index], before)?
                }
            };
            let moved = |(new, old): (&Tensor, &Tensor)| match masks.get(i) {
                None => Ok(new.clone()),
                Some(mask) => ops::select(&wide(mask, new.rank())?, new, old),
            };
            states = next.iter().zip(&states).map(moved).all_ok()?;
            if self.return_sequences {
                outputs.push(last.clone());
            }
        }
        let output = match (self.return_sequences, outputs.is_empty()) {
            (false, _) => last,
            (true, false) => ops::stack(&outputs.iter().listed(), 1)?,
            (true, true) => {
                let shape = Shape::joined(&[&[batch, 0], &zero.shape()[1..]]);
                x.device().zeros(shape, DType::F32)?
            }
        };
        let first = self.cell.weight_count();
        let updates = if self.stateful {
            let carried = states.iter().enumerate().map(|(i, state)| Ok((first + i, state.stop_gradient()?)));
            carried.all_ok()?
        } else {
            Vec::new()
        };
        let mut tensors = vec![output];
        tensors.extend(if self.return_state { states } else { Vec::new() });
        Ok(Output { tensors, updates, ..Output::default() })
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(masks.iter().take(usize::from(self.return_sequences)).cloned().listed())
    }
}
