//! The LSTM whose products are convolutions (Shi et al. 2015).

use headwater_core::ops::{self, Conv2dOptions, Padding};
use headwater_core::{Device, Error, Result, Shape, Tensor};

use super::super::super::config::{data_format, padding, Config};
use super::super::super::layer::{dims_of, known, show, Call, Dims, WeightSpec};
use super::super::super::value::Map;
use super::cell::{dropped, sizes, Cell, Drops};
use super::gated::Parts;

pub(super) struct ConvCell {
    filters: usize,
    window: (usize, usize),
    options: Conv2dOptions,
    channels_first: bool,
    parts: Parts,
}

impl ConvCell {
    pub fn new(c: &Config<'_>) -> Result<ConvCell> {
        Ok(ConvCell {
            filters: c.size("filters")?,
            window: c.pair("kernel_size", None)?,
            options: Conv2dOptions {
                stride: c.pair("strides", Some((1, 1)))?,
                dilation: c.pair("dilation_rate", Some((1, 1)))?,
                padding: c.padding()?,
                groups: 1,
            },
            channels_first: c.channels_first()?,
            parts: Parts::new(c)?,
        })
    }

    fn last(&self, x: &Tensor) -> Result<Tensor> {
        if self.channels_first {
            ops::permute(x, &[0, 2, 3, 1])
        } else {
            Ok(x.clone())
        }
    }
}

impl Cell for ConvCell {
    fn class_name(&self) -> &'static str {
        "ConvLSTM2DCell"
    }

    fn config(&self, to: &mut Map) {
        to.set("filters", self.filters);
        to.set("kernel_size", self.window);
        to.set("strides", self.options.stride);
        to.set("padding", padding(self.options.padding));
        to.set("data_format", data_format(self.channels_first));
        to.set("dilation_rate", self.options.dilation);
        self.parts.write(to);
        to.set("recurrent_activation", self.parts.recurrent_activation.as_str());
        to.set("unit_forget_bias", self.parts.unit_forget_bias);
    }

    fn weights(&self, step: &Dims) -> Result<Vec<WeightSpec>> {
        if step.len() != 4 {
            return Err(Error::shape(self.class_name(), "steps of rank 4", show(step)));
        }
        let channels = known(self.class_name(), step, if self.channels_first { 1 } else { 3 })?;
        let (h, w) = self.window;
        let of = |spec: &WeightSpec, from: usize| WeightSpec {
            shape: Shape::from([h, w, from, 4 * self.filters]),
            ..spec.clone()
        };
        let kernels = [of(&self.parts.kernel, channels), of(&self.parts.recurrent, self.filters)];
        Ok(kernels.into_iter().chain(self.parts.lstm_bias(self.filters)).collect())
    }

    fn weight_count(&self) -> usize {
        2 + usize::from(self.parts.bias.is_some())
    }

    fn state_count(&self) -> usize {
        2
    }

    fn states(&self, step: &Dims) -> Result<Vec<Dims>> {
        let [batch, a, b, c] = **step else {
            return Err(Error::shape(self.class_name(), "steps of rank 4", show(step)));
        };
        let (h, w) = if self.channels_first { (b, c) } else { (a, b) };
        let o = &self.options;
        let size = |n: Option<usize>, window: usize, stride: usize, dilation: usize| match (n, o.padding) {
            (None, _) => Ok(None),
            (Some(n), Padding::Same) => Ok(Some(n.div_ceil(stride))),
            (Some(n), _) => match n.checked_sub((window - 1) * dilation + 1) {
                Some(rest) => Ok(Some(rest / stride + 1)),
                None => Err(Error::shape(
                    self.class_name(),
                    format!("an image that holds the window {:?}", self.window),
                    show(step),
                )),
            },
        };
        let h = size(h, self.window.0, o.stride.0, o.dilation.0)?;
        let w = size(w, self.window.1, o.stride.1, o.dilation.1)?;
        let channels = Some(self.filters);
        Ok(vec![if self.channels_first { vec![batch, channels, h, w] } else { vec![batch, h, w, channels] }; 2])
    }

    /// The sums stay with channels last.
    fn project(&self, x: &Tensor, weights: &[Tensor]) -> Result<Tensor> {
        let y = ops::conv2d(&self.last(x)?, &weights[0], &self.options)?;
        match &self.parts.bias {
            None => Ok(y),
            Some(_) => ops::add(&y, &weights[2]),
        }
    }

    fn step(&self, x: &Tensor, states: &[Tensor], weights: &[Tensor], drops: &[Drops]) -> Result<Vec<Tensor>> {
        let h = dropped(&states[0], drops.first().and_then(|d| d.recurrent.as_ref()))?;
        let options = Conv2dOptions { padding: Padding::Same, ..Conv2dOptions::default() };
        let sums = ops::add(x, &ops::conv2d(&self.last(&h)?, &weights[1], &options)?)?;
        let states = self.parts.lstm(&sums, &self.last(&states[1])?)?;
        if !self.channels_first {
            return Ok(states);
        }
        states.iter().map(|state| ops::permute(state, &[0, 3, 1, 2])).collect()
    }

    fn drops(&self, device: &Device, step: &Shape, call: &Call<'_>) -> Result<Vec<Drops>> {
        let state = sizes(self.class_name(), &self.states(&dims_of(step))?[0])?;
        self.parts.drops(device, step, &state, call)
    }
}
