//! Convolutions.

use headwater_core::ops::{self, Conv2dOptions, Padding};
use headwater_core::selection::has;
use headwater_core::Listed;
use headwater_core::{Error, Result, Shape, Tensor};

use super::super::activations::activation;
use super::super::config::Config;
use super::super::layer::{known, ranked, ranked_tensor, show, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::Map;
use super::core::{weight, write_weight, write_weight_as};
use super::windows::Windows;
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Conv2D", |c| layer(Conv::new(c, Kind::Standard, 2)?)),
    ("DepthwiseConv2D", |c| layer(Conv::new(c, Kind::Depthwise, 2)?)),
    ("Conv2DTranspose", |c| layer(Conv::new(c, Kind::Transpose, 2)?)),
    ("SeparableConv2D", |c| layer(Conv::new(c, Kind::Separable, 2)?)),
    #[cfg(feature = "layers-volumes")]
    ("Conv3D", |c| layer(Conv::new(c, Kind::Standard, 3)?)),
    #[cfg(feature = "layers-volumes")]
    ("Conv3DTranspose", |c| layer(Conv::new(c, Kind::Transpose, 3)?)),
];

/// Whether this build has transposed convolutions.
const TRANSPOSED: bool = has("Conv2DTranspose") || has("Conv3DTranspose");

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
    windows: Windows,
    groups: usize,
    /// How much larger than necessary a transposed convolution makes its output.
    output_padding: Option<[usize; 3]>,
    activation: String,
    kernels: Vec<WeightSpec>,
    bias: Option<WeightSpec>,
}

impl Conv {
    fn new(c: &Config<'_>, kind: Kind, axes: usize) -> Result<Conv> {
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
            (Kind::Transpose, Some(_)) => Some(c.sizes_or_zero("output_padding", axes, None)?),
            _ => None,
        };
        Ok(Conv {
            class: c.class,
            kind,
            filters: if kind == Kind::Depthwise { 0 } else { c.size("filters")? },
            multiplier: if c.get("depth_multiplier").is_some() { c.size("depth_multiplier")? } else { 1 },
            windows: Windows::of_kernel(c, axes)?,
            groups: if c.get("groups").is_some() { c.size("groups")? } else { 1 },
            output_padding,
            activation: c.activation()?,
            kernels,
            bias: c.flag("use_bias", true)?.then(|| weight(c, "bias", "Zeros")),
        })
    }

    /// The output's elements along an axis of `size`.
    fn output_length(&self, axis: usize, size: usize) -> Option<usize> {
        if self.kind != Kind::Transpose {
            return self.windows.count(axis, size);
        }
        let (stride, extent) = (self.windows.stride[axis], self.windows.extent(axis));
        let same = self.windows.padding == Padding::Same;
        Some(match &self.output_padding {
            None if same => size * stride,
            None => (size * stride + extent).saturating_sub(stride.min(extent)),
            Some(more) => (size.max(1) - 1) * stride + if same { extent % 2 } else { extent } + more[axis],
        })
    }

    /// The transposed convolution of `x` of channels last.
    fn transposed(&self, x: &Tensor, w: &Tensor) -> Result<Tensor> {
        let length = |axis: usize| self.output_length(axis, x.shape()[1 + axis]).unwrap_or(0);
        #[cfg(feature = "layers-volumes")]
        if self.windows.deep() {
            return ops::conv3d_transpose(x, w, [length(0), length(1), length(2)], &self.windows.volume(self.groups));
        }
        ops::conv2d_transpose(x, w, (length(0), length(1)), &self.windows.plane(self.groups))
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
        self.windows.write(to, "kernel_size");
        to.set("dilation_rate", self.windows.listed(&self.windows.dilation));
        to.set("activation", self.activation.as_str());
        to.set("use_bias", self.bias.is_some());
        if self.kind != Kind::Depthwise {
            to.set("filters", self.filters);
        }
        if self.kind == Kind::Standard {
            to.set("groups", self.groups);
        }
        if self.kind == Kind::Transpose {
            to.set("output_padding", self.output_padding.map(|more| self.windows.listed(&more)));
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
        let input = ranked(self.class, inputs, self.windows.rank())?;
        let channels = known(self.class, input, self.windows.channel())?;
        if !channels.is_multiple_of(self.groups) {
            let expected = format_args!("channels divisible by {} groups", self.groups);
            return Err(Error::shape(self.class, expected, show(input)));
        }
        let kernel = match self.kind {
            Kind::Standard => self.windows.kernel(channels / self.groups, self.filters),
            Kind::Transpose => self.windows.kernel(self.filters, channels),
            Kind::Depthwise | Kind::Separable => self.windows.kernel(channels, self.multiplier),
        };
        // The second is there for separable ones alone.
        let shapes = [kernel, Shape::from([1, 1, channels * self.multiplier, self.filters])];
        let kernels = self.kernels.iter().zip(shapes).map(|(k, shape)| WeightSpec { shape, ..k.clone() });
        let bias = self.bias.iter().map(|b| WeightSpec { shape: Shape::from([self.outputs(channels)]), ..b.clone() });
        Ok(kernels.chain(bias).listed())
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = ranked(self.class, inputs, self.windows.rank())?;
        let mut shape = self.windows.output(input, &|axis, size| self.output_length(axis, size))?;
        let channel = &mut shape[self.windows.channel()];
        *channel = if self.kind == Kind::Depthwise { channel.map(|c| c * self.multiplier) } else { Some(self.filters) };
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = self.windows.last(ranked_tensor(self.class, inputs, self.windows.rank())?)?;
        let y = match self.kind {
            Kind::Transpose if TRANSPOSED => self.transposed(&x, &weights[0])?,
            Kind::Standard | Kind::Transpose => self.windows.convolve(&x, &weights[0], self.groups)?,
            Kind::Depthwise | Kind::Separable => {
                let deep = ops::depthwise_conv2d(&x, &weights[0], &self.windows.plane(1))?;
                match self.kind {
                    Kind::Separable => ops::conv2d(&deep, &weights[1], &Conv2dOptions::default())?,
                    _ => deep,
                }
            }
        };
        let y = match &self.bias {
            Some(_) => ops::add(&y, &weights[self.kernels.len()])?,
            None => y,
        };
        // Softmax is along the last axis, whatever it holds.
        activation(&self.activation, &self.windows.placed(&y)?).map(Output::of)
    }
}
