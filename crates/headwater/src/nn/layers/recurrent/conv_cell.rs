//! The LSTM whose products are convolutions (Shi et al. 2015).

use headwater_core::calc::Calc;
use headwater_core::Listed;
use headwater_core::{ops, AllOk, Device, Error, Result, Shape, Tensor};

use super::super::super::config::Config;
use super::super::super::layer::{dims_of, known, show, Call, Dims, WeightSpec};
use super::super::super::value::Map;
use super::super::windows::Windows;
use super::cell::{dropped, sizes, Cell, Drops};
use super::gated::Parts;

pub(super) struct ConvCell {
    class: &'static str,
    filters: usize,
    /// Of the product with the input.
    windows: Windows,
    /// Of the product with the state.
    recurrent: Windows,
    parts: Parts,
}

impl ConvCell {
    /// A cell over images, or over volumes of three axes.
    pub fn new(c: &Config<'_>, axes: usize) -> Result<ConvCell> {
        let windows = Windows::of_kernel(c, axes)?;
        let recurrent = windows.around();
        let class = if axes == 3 { "ConvLSTM3DCell" } else { "ConvLSTM2DCell" };
        Ok(ConvCell { class, filters: c.size("filters")?, windows, recurrent, parts: Parts::new(c)? })
    }

    /// Refuses steps of another rank.
    fn check(&self, step: &Dims) -> Result<()> {
        if step.len() == self.windows.rank() {
            return Ok(());
        }
        Err(Error::shape(self.class, format_args!("steps of rank {}", self.windows.rank()), show(step)))
    }
}

impl Cell for ConvCell {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set("filters", self.filters);
        self.windows.write(to, "kernel_size");
        to.set("dilation_rate", self.windows.listed(&self.windows.dilation));
        self.parts.write(to);
        to.set("recurrent_activation", self.parts.recurrent_activation.as_str());
        to.set("unit_forget_bias", self.parts.unit_forget_bias);
    }

    fn weights(&self, step: &Dims) -> Result<Vec<WeightSpec>> {
        self.check(step)?;
        let channels = known(self.class, step, self.windows.channel())?;
        let of = |spec: &WeightSpec, from: usize| WeightSpec {
            shape: self.windows.kernel(from, 4 * self.filters),
            ..spec.clone()
        };
        let kernels = [of(&self.parts.kernel, channels), of(&self.parts.recurrent, self.filters)];
        Ok(kernels.into_iter().chain(self.parts.lstm_bias(self.filters)).listed())
    }

    fn weight_count(&self) -> usize {
        2 + usize::from(self.parts.bias.is_some())
    }

    fn state_count(&self) -> usize {
        2
    }

    fn states(&self, step: &Dims) -> Result<Vec<Dims>> {
        self.check(step)?;
        let mut state = self.windows.output(step, &|axis, size| self.windows.count(axis, size))?;
        state[self.windows.channel()] = Some(self.filters);
        Ok(vec![state; 2])
    }

    /// The sums stay with channels last.
    fn project(&self, x: &Tensor, weights: &[Tensor]) -> Result<Tensor> {
        let y = self.windows.convolve(&self.windows.last(x)?, &weights[0], 1)?;
        match &self.parts.bias {
            None => Ok(y),
            Some(_) => ops::add(&y, &weights[2]),
        }
    }

    fn step(&self, x: &Tensor, states: &[Tensor], weights: &[Tensor], drops: &[Drops]) -> Result<Vec<Tensor>> {
        let h = dropped(&states[0], drops.first().and_then(|d| d.recurrent.as_ref()))?;
        let sums = ops::add(x, &self.recurrent.convolve(&self.windows.last(&h)?, &weights[1], 1)?)?;
        let calc = Calc::default();
        let carry = calc.of(&self.windows.last(&states[1])?);
        let states = calc.results(&self.parts.lstm(calc.of(&sums), carry))?;
        states.iter().map(|state| self.windows.placed(state)).all_ok()
    }

    fn drops(&self, device: &Device, step: &Shape, call: &Call<'_>) -> Result<Vec<Drops>> {
        let state = sizes(self.class, &self.states(&dims_of(step))?[0])?;
        self.parts.drops(device, step, &state, call)
    }
}
