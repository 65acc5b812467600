//! Convolutions.

use headwater_core::ops::{self, Conv2dOptions, Padding};
use headwater_core::{Error, Result, Shape, Tensor};

use super::super::activations::activation;
use super::super::config::{data_format, padding, Config};
use super::super::layer::{known, ranked, show, single, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::Map;
use super::core::{weight, write_weight, write_weight_as};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Conv2D", |c| layer(Conv::new(c, Kind::Standard)?)),
    ("DepthwiseConv2D", |c| layer(Conv::new(c, Kind::Depthwise)?)),
    ("Conv2DTranspose", |c| layer(Conv::new(c, Kind::Transpose)?)),
    ("SeparableConv2D", |c| layer(Conv::new(c, Kind::Separable)?)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Standard,
    Depthwise,
    Transpose,
    Separable,
}

struct Conv {
    class: &'static str,
    kind: Kind,
    filters: usize,
    multiplier: usize,
    window: (usize, usize),
    options: Conv2dOptions,
    /// How much larger than necessary a transposed convolution makes its output.
    output_padding: Option<(usize, usize)>,
    channels_first: bool,
    activation: String,
    kernels: Vec<WeightSpec>,
    bias: Option<WeightSpec>,
}

impl Conv {
    fn new(c: &Config<'_>, kind: Kind) -> Result<Conv> {
        let depthwise = || {
            // TensorFlow.js writes the depthwise kernel's keys both ways.
            let mut spec = weight(c, "depthwise", "GlorotUniform");
            spec.name = "depthwise_kernel".into();
            spec
        };
        let kernels = match kind {
            Kind::Standard | Kind::Transpose => vec![weight(c, "kernel", "GlorotUniform")],
            Kind::Depthwise => vec![depthwise()],
            Kind::Separable => {
                let mut point = weight(c, "pointwise", "GlorotUniform");
                point.name = "pointwise_kernel".into();
                vec![depthwise(), point]
            }
        };
        let output_padding = match (kind, c.get("output_padding")) {
            (Kind::Transpose, Some(_)) => Some(c.pair_or_zero("output_padding", None)?),
            _ => None,
        };
        let options = Conv2dOptions {
            stride: c.pair("strides", Some((1, 1)))?,
            dilation: c.pair("dilation_rate", Some((1, 1)))?,
            padding: c.padding()?,
            groups: if c.get("groups").is_some() { c.size("groups")? } else { 1 },
        };
        Ok(Conv {
            class: c.class,
            kind,
            filters: if kind == Kind::Depthwise { 0 } else { c.size("filters")? },
            multiplier: if c.get("depth_multiplier").is_some() { c.size("depth_multiplier")? } else { 1 },
            window: c.pair("kernel_size", None)?,
            options,
            output_padding,
            channels_first: c.channels_first()?,
            activation: c.activation()?,
            kernels,
            bias: c.flag("use_bias", true)?.then(|| weight(c, "bias", "Zeros")),
        })
    }

    /// Height, width and channels of an input.
    fn sizes(&self, input: &Dims) -> (Option<usize>, Option<usize>, Option<usize>) {
        if self.channels_first {
            (input[2], input[3], input[1])
        } else {
            (input[1], input[2], input[3])
        }
    }

    /// Height and width of the output for an input's.
    fn output_size(&self, (h, w): (usize, usize)) -> Option<(usize, usize)> {
        let o = &self.options;
        let padding = self.output_padding;
        let h = self.output_length(h, self.window.0, o.stride.0, o.dilation.0, padding.map(|p| p.0))?;
        let w = self.output_length(w, self.window.1, o.stride.1, o.dilation.1, padding.map(|p| p.1))?;
        Some((h, w))
    }

    fn output_length(
        &self,
        size: usize,
        window: usize,
        stride: usize,
        dilation: usize,
        more: Option<usize>,
    ) -> Option<usize> {
        let extent = (window - 1) * dilation + 1;
        match (self.kind, self.options.padding, more) {
            (Kind::Transpose, Padding::Same, None) => Some(size * stride),
            (Kind::Transpose, Padding::Same, Some(more)) => Some((size.max(1) - 1) * stride + extent % 2 + more),
            (Kind::Transpose, _, None) => Some((size * stride + extent).saturating_sub(stride.min(extent))),
            (Kind::Transpose, _, Some(more)) => Some((size.max(1) - 1) * stride + extent + more),
            (_, Padding::Same, _) => Some(size.div_ceil(stride)),
            _ => Some((size.checked_sub(extent)?) / stride + 1),
        }
    }

    fn outputs(&self, channels: usize) -> usize {
        if self.kind == Kind::Depthwise {
            channels * self.multiplier
        } else {
            self.filters
        }
    }
}

impl Layer for Conv {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set("kernel_size", self.window);
        to.set("strides", self.options.stride);
        to.set("dilation_rate", self.options.dilation);
        to.set("padding", padding(self.options.padding));
        to.set("data_format", data_format(self.channels_first));
        to.set("activation", self.activation.as_str());
        to.set("use_bias", self.bias.is_some());
        if self.kind != Kind::Depthwise {
            to.set("filters", self.filters);
        }
        if self.kind == Kind::Standard {
            to.set("groups", self.options.groups);
        }
        if self.kind == Kind::Transpose {
            to.set("output_padding", self.output_padding);
        }
        if matches!(self.kind, Kind::Depthwise | Kind::Separable) {
            to.set("depth_multiplier", self.multiplier);
        }
        for spec in &self.kernels {
            write_weight_as(to, spec.name.strip_suffix("_kernel").unwrap_or(&spec.name), spec);
        }
        self.bias.iter().for_each(|b| write_weight(to, b));
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = ranked(self.class, inputs, 4)?;
        let channels = known(self.class, input, if self.channels_first { 1 } else { 3 })?;
        let (h, w) = self.window;
        if !channels.is_multiple_of(self.options.groups) {
            let expected = format!("channels divisible by {} groups", self.options.groups);
            return Err(Error::shape(self.class, expected, show(input)));
        }
        let depthwise = Shape::from([h, w, channels, self.multiplier]);
        let shapes = match self.kind {
            Kind::Standard => vec![Shape::from([h, w, channels / self.options.groups, self.filters])],
            Kind::Transpose => vec![Shape::from([h, w, self.filters, channels])],
            Kind::Depthwise => vec![depthwise],
            Kind::Separable => vec![depthwise, Shape::from([1, 1, channels * self.multiplier, self.filters])],
        };
        let kernels = self.kernels.iter().zip(shapes).map(|(k, shape)| WeightSpec { shape, ..k.clone() });
        let bias = self.bias.iter().map(|b| WeightSpec { shape: Shape::from([self.outputs(channels)]), ..b.clone() });
        Ok(kernels.chain(bias).collect())
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = ranked(self.class, inputs, 4)?;
        let (h, w, c) = self.sizes(input);
        // What is not known has any size; the other one does not depend on it.
        let any = 1 << 20;
        let out = self.output_size((h.unwrap_or(any), w.unwrap_or(any)));
        let out = out.ok_or_else(|| {
            Error::shape(self.class, format!("an image that holds the window {:?}", self.window), show(input))
        })?;
        let (h, w) = (h.map(|_| out.0), w.map(|_| out.1));
        let c = if self.kind == Kind::Depthwise { c.map(|c| c * self.multiplier) } else { Some(self.filters) };
        Ok(vec![if self.channels_first { vec![input[0], c, h, w] } else { vec![input[0], h, w, c] }])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        if x.rank() != 4 {
            return Err(Error::shape(
                self.class,
                "an input of rank 4",
                format!("rank {} shape {}", x.rank(), x.shape()),
            ));
        }
        let x = if self.channels_first { ops::permute(x, &[0, 2, 3, 1])? } else { x.clone() };
        let o = &self.options;
        let y = match self.kind {
            Kind::Standard => ops::conv2d(&x, &weights[0], o)?,
            Kind::Depthwise => ops::depthwise_conv2d(&x, &weights[0], o)?,
            Kind::Separable => {
                let deep = ops::depthwise_conv2d(&x, &weights[0], o)?;
                ops::conv2d(&deep, &weights[1], &Conv2dOptions::default())?
            }
            Kind::Transpose => {
                let size = self.output_size((x.shape()[1], x.shape()[2]));
                let size = size.ok_or_else(|| Error::shape(self.class, "an image", x.shape()))?;
                ops::conv2d_transpose(&x, &weights[0], size, o)?
            }
        };
        let y = match &self.bias {
            Some(_) => ops::add(&y, &weights[self.kernels.len()])?,
            None => y,
        };
        let y = activation(&self.activation, &y)?;
        Ok(Output::of(if self.channels_first { ops::permute(&y, &[0, 3, 1, 2])? } else { y }))
    }
}
