//! Pooling over windows and over whole images.

use headwater_core::ops::{self, PoolOptions};
use headwater_core::{Error, Result, Tensor};

use super::super::config::{data_format, padding, Config};
use super::super::layer::{ranked, show, single, Call, Dims, Layer, Output};
use super::super::value::Map;
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("MaxPooling2D", |c| layer(Window::new(c, true)?)),
    ("AveragePooling2D", |c| layer(Window::new(c, false)?)),
    ("GlobalMaxPooling2D", |c| layer(Global::new(c, true)?)),
    ("GlobalAveragePooling2D", |c| layer(Global::new(c, false)?)),
];

struct Window {
    class: &'static str,
    max: bool,
    options: PoolOptions,
    channels_first: bool,
}

impl Window {
    fn new(c: &Config<'_>, max: bool) -> Result<Window> {
        let window = c.pair("pool_size", Some((2, 2)))?;
        let options =
            PoolOptions { window, stride: c.pair("strides", Some(window))?, dilation: (1, 1), padding: c.padding()? };
        Ok(Window { class: c.class, max, options, channels_first: c.channels_first()? })
    }
}

impl Layer for Window {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        let o = &self.options;
        to.set("pool_size", o.window);
        to.set("strides", o.stride);
        to.set("padding", padding(o.padding));
        to.set("data_format", data_format(self.channels_first));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = ranked(self.class, inputs, 4)?;
        let o = &self.options;
        let size = |size: Option<usize>, window: usize, stride: usize| match (size, o.padding) {
            (None, _) => Ok(None),
            (Some(n), ops::Padding::Same) => Ok(Some(n.div_ceil(stride))),
            (Some(n), _) if n >= window => Ok(Some((n - window) / stride + 1)),
            _ => Err(Error::shape(self.class, format!("an image that holds the window {:?}", o.window), show(input))),
        };
        let (h, w) = if self.channels_first { (2, 3) } else { (1, 2) };
        let mut shape = input.clone();
        shape[h] = size(input[h], o.window.0, o.stride.0)?;
        shape[w] = size(input[w], o.window.1, o.stride.1)?;
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        let pool =
            |x: &Tensor| if self.max { ops::max_pool(x, &self.options) } else { ops::avg_pool(x, &self.options) };
        if self.channels_first {
            let y = pool(&ops::transpose(x, Some(&[0, 2, 3, 1]))?)?;
            return ops::permute(&y, &[0, 3, 1, 2]).map(Output::of);
        }
        pool(x).map(Output::of)
    }
}

struct Global {
    class: &'static str,
    max: bool,
    channels_first: bool,
    keep: bool,
}

impl Global {
    fn new(c: &Config<'_>, max: bool) -> Result<Global> {
        Ok(Global { class: c.class, max, channels_first: c.channels_first()?, keep: c.flag("keepdims", false)? })
    }

    fn axes(&self) -> [isize; 2] {
        if self.channels_first {
            [2, 3]
        } else {
            [1, 2]
        }
    }
}

impl Layer for Global {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set("data_format", data_format(self.channels_first));
        to.set("keepdims", self.keep);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = ranked(self.class, inputs, 4)?;
        let reduced = self.axes().map(|a| a as usize);
        let keep = |(d, &n): (usize, &Option<usize>)| match (reduced.contains(&d), self.keep) {
            (false, _) => Some(n),
            (true, true) => Some(Some(1)),
            (true, false) => None,
        };
        Ok(vec![input.iter().enumerate().filter_map(keep).collect()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        let reduce = if self.max { ops::max } else { ops::mean };
        reduce(x, Some(&self.axes()), self.keep).map(Output::of)
    }
}
