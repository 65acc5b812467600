//! Random variations of images in training: flips, light, parts, widths.

use headwater_core::calc::Term;
use headwater_core::ops::{self, hash_key};
use headwater_core::{number, Error, Result, Tensor};

use super::super::super::config::{data_format, Config};
use super::super::super::layer::{own_seed, single, Call, Dims, Layer, Output};
use super::super::super::value::{Map, Value};
use super::images::{axes, in_training, proportioned, with_images, Interpolation};

/// The range of a factor: two numbers, or one for both directions, within bounds.
pub(super) fn range(c: &Config<'_>, key: &str, low: f64, high: f64) -> Result<(f64, f64)> {
    let (a, b) = match c.get(key) {
        Some(Value::List(_)) => match c.list(key)?.as_deref() {
            Some([a, b]) => (a.min(*b), a.max(*b)),
            _ => {
                return Err(Error::argument(
                    c.class,
                    format_args!("one or two numbers as '{key}'"),
                    c.get(key).unwrap_or(&Value::Null),
                ))
            }
        },
        Some(_) => {
            let n = c.number(key, 0.0)?.abs();
            ((-n).max(low), n)
        }
        None => return Err(Error::argument(c.class, format_args!("one or two numbers as '{key}'"), "null")),
    };
    if a < low || b > high {
        return Err(Error::argument(
            c.class,
            format_args!("numbers from {} to {} as '{key}'", number(low), number(high)),
            format_args!("{} and {}", number(a), number(b)),
        ));
    }
    Ok((a, b))
}

/// A random number for each image.
pub(super) fn each(x: Term<'_>, (low, high): (f64, f64), seed: u32) -> Term<'_> {
    let unit = x.then(&|x| ops::random_uniform(x.device(), [x.shape()[0], 1, 1, 1], 0.0, 1.0, seed));
    unit * (high - low) + low
}

enum Kind {
    Flip { down: bool, across: bool },
    Brightness,
    Contrast,
}

/// A variation that keeps the shape.
pub(super) struct Augment {
    class: &'static str,
    kind: Kind,
    factor: (f64, f64),
    values: (f64, f64),
    channels_first: bool,
    seed: Option<Value>,
}

impl Augment {
    pub fn new(c: &Config<'_>) -> Result<Augment> {
        let kind = match c.class {
            "RandomFlip" => match c.text("mode", "horizontal_and_vertical")? {
                "horizontal" => Kind::Flip { down: false, across: true },
                "vertical" => Kind::Flip { down: true, across: false },
                "horizontal_and_vertical" | "horizontalAndVertical" => Kind::Flip { down: true, across: true },
                other => return Err(Error::argument(c.class, "'horizontal', 'vertical' or both as 'mode'", other)),
            },
            "RandomBrightness" => Kind::Brightness,
            _ => Kind::Contrast,
        };
        let factor = match kind {
            Kind::Flip { .. } => (0.0, 0.0),
            Kind::Brightness => range(c, "factor", -1.0, 1.0)?,
            Kind::Contrast => range(c, "factor", 0.0, 1.0)?,
        };
        let values = match c.list("value_range")?.as_deref() {
            None => (0.0, 255.0),
            Some([low, high]) => (*low, *high),
            Some(_) => return Err(Error::argument(c.class, "two numbers as 'value_range'", "others")),
        };
        let seed = c.get("seed").cloned();
        Ok(Augment { class: c.class, kind, factor, values, channels_first: c.channels_first()?, seed })
    }

    fn vary<'a>(&self, x: Term<'a>, seed: u32) -> Term<'a> {
        let (low, high) = self.values;
        match self.kind {
            Kind::Flip { down, across } => {
                let mut y = x;
                for (axis, wanted) in [(1, down), (2, across)] {
                    if wanted {
                        let flip = each(x, (0.0, 1.0), hash_key(seed, axis)).by(0.5, ops::less_equal);
                        y = flip.choose(y.reverse(axis as isize), y);
                    }
                }
                y
            }
            Kind::Brightness => {
                let span = high - low;
                (x + each(x, (self.factor.0 * span, self.factor.1 * span), seed)).clip(low, high)
            }
            Kind::Contrast => {
                let mean = x.mean_along(&[1, 2], true);
                let factor = each(x, (1.0 - self.factor.0, 1.0 + self.factor.1), seed);
                ((x - mean) * factor + mean).clip(low, high)
            }
        }
    }
}

impl Layer for Augment {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        match self.kind {
            Kind::Flip { down, across } => {
                let mode = match (down, across) {
                    (true, true) => "horizontal_and_vertical",
                    (true, _) => "vertical",
                    _ => "horizontal",
                };
                to.set("mode", mode);
            }
            _ => {
                to.set("factor", vec![self.factor.0, self.factor.1]);
                to.set("value_range", vec![self.values.0, self.values.1]);
            }
        }
        to.set("data_format", data_format(self.channels_first));
        to.set("seed", self.seed.clone());
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single(self.class, inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        in_training(self.class, x, self.channels_first, call, self.seed.as_ref(), &|x, seed| self.vary(x, seed))
    }
}

/// A part of the images anywhere in training, the middle in inference.
pub(super) struct Crop {
    size: (usize, usize),
    channels_first: bool,
    seed: Option<Value>,
}

impl Crop {
    pub fn new(c: &Config<'_>) -> Result<Crop> {
        let size = (c.size("height")?, c.size("width")?);
        Ok(Crop { size, channels_first: c.channels_first()?, seed: c.get("seed").cloned() })
    }

    fn crop<'a>(&self, x: Term<'a>, training: bool, seed: u32) -> Term<'a> {
        let (h, w) = (x.dim(1), x.dim(2));
        if !training || h < self.size.0 || w < self.size.1 {
            return Interpolation::Bilinear.resize(proportioned(x, self.size), self.size);
        }
        let mut y = x;
        for (axis, n, size) in [(1, h, self.size.0), (2, w, self.size.1)] {
            let unit = x.then(&|x| ops::random_uniform(x.device(), [1], 0.0, 1.0, hash_key(seed, axis)));
            let start = (unit * (n - size + 1) as f64).map(ops::floor).whole();
            let index = x.iota(&[size], 0) + start;
            y = y.then(&|y| ops::gather(y, index.value(), axis as isize, 0));
        }
        y
    }
}

impl Layer for Crop {
    fn class_name(&self) -> &'static str {
        "RandomCrop"
    }

    fn config(&self, to: &mut Map) {
        to.set("height", self.size.0);
        to.set("width", self.size.1);
        to.set("data_format", data_format(self.channels_first));
        to.set("seed", self.seed.clone());
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = single("RandomCrop", inputs)?.clone();
        let (h, w) = axes("RandomCrop", &shape, self.channels_first)?;
        (shape[h], shape[w]) = (Some(self.size.0), Some(self.size.1));
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single("RandomCrop", inputs)?;
        let seed = own_seed(call, self.seed.as_ref());
        with_images("RandomCrop", x, self.channels_first, &|x| self.crop(x, call.training, seed))
    }
}

/// Images of a random height or width in training.
pub(super) struct Stretch {
    class: &'static str,
    factor: (f64, f64),
    interpolation: Interpolation,
    channels_first: bool,
    seed: Option<Value>,
}

impl Stretch {
    pub fn new(c: &Config<'_>) -> Result<Stretch> {
        let factor = range(c, "factor", -1.0, f64::INFINITY)?;
        let (interpolation, channels_first) = (Interpolation::new(c)?, c.channels_first()?);
        Ok(Stretch { class: c.class, factor, interpolation, channels_first, seed: c.get("seed").cloned() })
    }

    /// Whether the height varies.
    fn tall(&self) -> bool {
        self.class == "RandomHeight"
    }
}

impl Layer for Stretch {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set("factor", vec![self.factor.0, self.factor.1]);
        to.set("interpolation", self.interpolation.name());
        to.set("data_format", data_format(self.channels_first));
        to.set("seed", self.seed.clone());
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = single(self.class, inputs)?.clone();
        let (h, w) = axes(self.class, &shape, self.channels_first)?;
        shape[if self.tall() { h } else { w }] = None;
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        if !call.training {
            return Ok(Output::of(x.clone()));
        }
        let unit = f64::from(hash_key(own_seed(call, self.seed.as_ref()), 1)) / f64::from(u32::MAX);
        let factor = 1.0 + self.factor.0 + unit * (self.factor.1 - self.factor.0);
        with_images(self.class, x, self.channels_first, &|x| {
            let (h, w) = (x.dim(1), x.dim(2));
            let longer = |n: usize| (n as f64 * factor).round().max(1.0) as usize;
            self.interpolation.resize(x, if self.tall() { (longer(h), w) } else { (h, longer(w)) })
        })
    }
}
