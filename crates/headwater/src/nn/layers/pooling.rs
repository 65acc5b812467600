//! Pooling over windows and over whole images.

use headwater_core::Listed;
use headwater_core::{ops, Result, Tensor};

use super::super::config::{data_format, Config};
use super::super::layer::{ranked, ranked_tensor, Call, Dims, Layer, Output};
use super::super::value::Map;
use super::windows::Windows;
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("MaxPooling2D", |c| layer(Window::new(c, true, 2)?)),
    ("AveragePooling2D", |c| layer(Window::new(c, false, 2)?)),
    ("GlobalMaxPooling2D", |c| layer(Global::new(c, true, 2)?)),
    ("GlobalAveragePooling2D", |c| layer(Global::new(c, false, 2)?)),
    #[cfg(feature = "layers-volumes")]
    ("MaxPooling3D", |c| layer(Window::new(c, true, 3)?)),
    #[cfg(feature = "layers-volumes")]
    ("AveragePooling3D", |c| layer(Window::new(c, false, 3)?)),
    #[cfg(feature = "layers-volumes")]
    ("GlobalMaxPooling3D", |c| layer(Global::new(c, true, 3)?)),
    #[cfg(feature = "layers-volumes")]
    ("GlobalAveragePooling3D", |c| layer(Global::new(c, false, 3)?)),
];

struct Window {
    class: &'static str,
    max: bool,
    windows: Windows,
}

impl Window {
    fn new(c: &Config<'_>, max: bool, axes: usize) -> Result<Window> {
        Ok(Window { class: c.class, max, windows: Windows::of_pool(c, axes)? })
    }
}

impl Layer for Window {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        self.windows.write(to, "pool_size");
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = ranked(self.class, inputs, self.windows.rank())?;
        Ok(vec![self.windows.output(input, &|axis, size| self.windows.count(axis, size))?])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = self.windows.last(ranked_tensor(self.class, inputs, self.windows.rank())?)?;
        self.windows.placed(&self.windows.pool(&x, self.max)?).map(Output::of)
    }
}

struct Global {
    class: &'static str,
    max: bool,
    /// How many axes images or volumes have.
    count: usize,
    channels_first: bool,
    keep: bool,
}

impl Global {
    fn new(c: &Config<'_>, max: bool, count: usize) -> Result<Global> {
        Ok(Global { class: c.class, max, count, channels_first: c.channels_first()?, keep: c.flag("keepdims", false)? })
    }

    fn axes(&self) -> Vec<isize> {
        (if self.channels_first { 2 } else { 1 }..).take(self.count).listed()
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
        let input = ranked(self.class, inputs, self.count + 2)?;
        let reduced = self.axes();
        let keep = |(d, &n): (usize, &Option<usize>)| match (reduced.contains(&(d as isize)), self.keep) {
            (false, _) => Some(n),
            (true, true) => Some(Some(1)),
            (true, false) => None,
        };
        Ok(vec![input.iter().enumerate().filter_map(keep).listed()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = ranked_tensor(self.class, inputs, self.count + 2)?;
        let reduce = if self.max { ops::max } else { ops::mean };
        reduce(x, Some(&self.axes()), self.keep).map(Output::of)
    }
}
