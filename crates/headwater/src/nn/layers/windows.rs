//! Windows over images and volumes: what convolutions, pooling and recurrent convolutions say of them.

use headwater_core::ops::{self, Conv2dOptions, Padding};
#[cfg(feature = "layers-volumes")]
use headwater_core::ops::{Conv3dOptions, Padding3d, Pool3dOptions};
#[cfg(feature = "layers-volumes")]
use headwater_core::selection::has;
use headwater_core::{Error, Result, Shape, Tensor};

use super::super::config::{data_format, padding, Config};
use super::super::layer::{show, Dims};
use super::super::value::Map;

/// Whether this build has a layer of windows over volumes.
#[cfg(feature = "layers-volumes")]
const VOLUMES: bool =
    has("Conv3D") || has("Conv3DTranspose") || has("MaxPooling3D") || has("AveragePooling3D") || has("ConvLSTM3D");
#[cfg(not(feature = "layers-volumes"))]
const VOLUMES: bool = false;

/// Windows of `size` elements, one number per axis: height and width, or depth, height and width.
#[derive(Clone, Copy)]
pub(super) struct Windows {
    class: &'static str,
    axes: usize,
    pub size: [usize; 3],
    pub stride: [usize; 3],
    pub dilation: [usize; 3],
    pub padding: Padding,
    pub channels_first: bool,
}

impl Windows {
    /// The windows of a convolution over `axes` axes.
    pub fn of_kernel(c: &Config<'_>, axes: usize) -> Result<Windows> {
        Ok(Windows {
            class: c.class,
            axes,
            size: c.sizes("kernel_size", axes, None)?,
            stride: c.sizes("strides", axes, Some(1))?,
            dilation: c.sizes("dilation_rate", axes, Some(1))?,
            padding: c.padding()?,
            channels_first: c.channels_first()?,
        })
    }

    /// The windows of pooling, which lie side by side where no strides are given.
    pub fn of_pool(c: &Config<'_>, axes: usize) -> Result<Windows> {
        let size = c.sizes("pool_size", axes, Some(2))?;
        let stride = if c.get("strides").is_some() { c.sizes("strides", axes, None)? } else { size };
        let (padding, channels_first) = (c.padding()?, c.channels_first()?);
        Ok(Windows { class: c.class, axes, size, stride, dilation: [1; 3], padding, channels_first })
    }

    /// Windows of the same size around every element.
    #[cfg(feature = "layers-recurrent")]
    pub fn around(self) -> Windows {
        Windows { stride: [1; 3], dilation: [1; 3], padding: Padding::Same, ..self }
    }

    /// Writes what kernels and pools have both; `size` is the key of the size.
    pub fn write(&self, to: &mut Map, size: &str) {
        to.set(size, self.listed(&self.size));
        to.set("strides", self.listed(&self.stride));
        to.set("padding", padding(self.padding));
        to.set("data_format", data_format(self.channels_first));
    }

    /// The numbers of the axes there are.
    pub fn listed(&self, sizes: &[usize; 3]) -> Vec<usize> {
        sizes[..self.axes].to_vec()
    }

    /// Whether they lie over volumes.
    pub fn deep(&self) -> bool {
        VOLUMES && self.axes == 3
    }

    /// The rank of what they lie over, with batch and channels.
    pub fn rank(&self) -> usize {
        self.axes + 2
    }

    /// The shape of a kernel of `from` and `to` channels.
    pub fn kernel(&self, from: usize, to: usize) -> Shape {
        let [a, b, c] = self.size;
        if self.deep() {
            Shape::from([a, b, c, from, to])
        } else {
            Shape::from([a, b, from, to])
        }
    }

    /// Where the channels of an input are.
    pub fn channel(&self) -> usize {
        if self.channels_first {
            1
        } else {
            self.rank() - 1
        }
    }

    /// The first of the axes they lie over.
    pub fn first(&self) -> usize {
        if self.channels_first {
            2
        } else {
            1
        }
    }

    /// How many elements a window reaches over along an axis.
    pub fn extent(&self, axis: usize) -> usize {
        (self.size[axis] - 1) * self.dilation[axis] + 1
    }

    /// How many windows lie along an axis of `n` elements.
    pub fn count(&self, axis: usize, n: usize) -> Option<usize> {
        let stride = self.stride[axis];
        match self.padding {
            Padding::Same => Some(n.div_ceil(stride)),
            _ => Some(n.checked_sub(self.extent(axis))? / stride + 1),
        }
    }

    /// The shape of an input of the right rank with each of its axes as `count` says; unknown ones stay unknown.
    pub fn output(&self, input: &Dims, count: &dyn Fn(usize, usize) -> Option<usize>) -> Result<Dims> {
        let mut shape = input.clone();
        for (axis, at) in (self.first()..).take(self.axes).enumerate() {
            let wrong = || {
                Error::shape(
                    self.class,
                    format_args!("an image that holds the window {:?}", &self.size[..self.axes]),
                    show(input),
                )
            };
            shape[at] = input[at].map(|n| count(axis, n).ok_or_else(wrong)).transpose()?;
        }
        Ok(shape)
    }

    /// `x` with channels last.
    pub fn last(&self, x: &Tensor) -> Result<Tensor> {
        if !self.channels_first {
            return Ok(x.clone());
        }
        ops::permute(x, if self.deep() { &[0, 2, 3, 4, 1] } else { &[0, 2, 3, 1] })
    }

    /// `x` of channels last with channels where they are to be.
    pub fn placed(&self, x: &Tensor) -> Result<Tensor> {
        if !self.channels_first {
            return Ok(x.clone());
        }
        ops::permute(x, if self.deep() { &[0, 4, 1, 2, 3] } else { &[0, 3, 1, 2] })
    }

    /// Options of convolutions over images.
    pub fn plane(&self, groups: usize) -> Conv2dOptions {
        let pair = |[a, b, _]: [usize; 3]| (a, b);
        Conv2dOptions { stride: pair(self.stride), dilation: pair(self.dilation), padding: self.padding, groups }
    }

    /// Options of convolutions over volumes.
    #[cfg(feature = "layers-volumes")]
    pub fn volume(&self, groups: usize) -> Conv3dOptions {
        Conv3dOptions { stride: self.stride, dilation: self.dilation, padding: self.padding3d(), groups }
    }

    #[cfg(feature = "layers-volumes")]
    fn padding3d(&self) -> Padding3d {
        if self.padding == Padding::Same {
            Padding3d::Same
        } else {
            Padding3d::Valid
        }
    }

    /// The convolution of `x` of channels last.
    pub fn convolve(&self, x: &Tensor, w: &Tensor, groups: usize) -> Result<Tensor> {
        #[cfg(feature = "layers-volumes")]
        if self.deep() {
            return ops::conv3d(x, w, &self.volume(groups));
        }
        ops::conv2d(x, w, &self.plane(groups))
    }

    /// The largest or the mean of each window of `x` of channels last.
    pub fn pool(&self, x: &Tensor, max: bool) -> Result<Tensor> {
        #[cfg(feature = "layers-volumes")]
        if self.deep() {
            let (window, stride) = (self.size, self.stride);
            let options = Pool3dOptions { window, stride, dilation: [1; 3], padding: self.padding3d() };
            return if max { ops::max_pool3d(x, &options) } else { ops::avg_pool3d(x, &options) };
        }
        let Conv2dOptions { stride, dilation, padding, .. } = self.plane(1);
        let options = ops::PoolOptions { window: (self.size[0], self.size[1]), stride, dilation, padding };
        if max {
            ops::max_pool(x, &options)
        } else {
            ops::avg_pool(x, &options)
        }
    }
}
