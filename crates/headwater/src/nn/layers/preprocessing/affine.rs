//! Random rotations, zooms and translations of images in training.

use headwater_core::ops::{self, hash_key};
use headwater_core::{DType, Error, Result, Tensor};

use super::super::super::config::{data_format, Config};
use super::super::super::layer::{single, Call, Dims, Layer, Output};
use super::super::super::value::{Map, Value};
use super::augment::{each, range};
use super::images::{in_training, Interpolation};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rotation,
    Zoom,
    Translation,
}

/// What is read outside of an image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fill {
    Reflect,
    Wrap,
    Nearest,
    Constant,
}

impl Fill {
    const NAMES: [(&'static str, Fill); 4] =
        [("reflect", Fill::Reflect), ("wrap", Fill::Wrap), ("nearest", Fill::Nearest), ("constant", Fill::Constant)];

    /// Where a coordinate along an axis of `n` pixels is read.
    fn inside(self, at: &Tensor, n: usize) -> Result<Tensor> {
        let k = |v: f64| at.constant(v);
        let size = n as f64;
        let at = match self {
            Fill::Constant => return Ok(at.clone()),
            Fill::Nearest => at.clone(),
            Fill::Reflect => {
                let turn = ops::modulo(at, &k(2.0 * size))?;
                let back = ops::sub(&k(2.0 * size - 1.0), &turn)?;
                ops::select(&ops::less(&turn, &k(size))?, &turn, &back)?
            }
            Fill::Wrap => {
                // As TensorFlow does it: whole periods are counted between the first and the last pixel.
                let last = k((size - 1.0).max(1.0));
                let periods = |of: &Tensor| ops::mul(&ops::floor(&ops::real_div(of, &last)?)?, &k(size));
                let before = ops::add(&ops::add(at, &periods(&ops::neg(at)?)?)?, &k(size))?;
                let after = ops::sub(at, &periods(at)?)?;
                let late = ops::select(&ops::greater(at, &k(size - 1.0))?, &after, at)?;
                ops::select(&ops::less(at, &k(0.0))?, &before, &late)?
            }
        };
        ops::clip(&at, &k(0.0), &k(size - 1.0))
    }
}

/// A random affine map for each image.
pub(super) struct Affine {
    class: &'static str,
    kind: Kind,
    /// Of turns for rotations; of height otherwise.
    first: (f64, f64),
    /// Of width; as the height where missing.
    second: Option<(f64, f64)>,
    /// The factors as they were given.
    given: Vec<(&'static str, Option<Value>)>,
    fill: Fill,
    value: f64,
    interpolation: Interpolation,
    channels_first: bool,
    seed: Option<Value>,
}

impl Affine {
    pub fn new(c: &Config<'_>) -> Result<Affine> {
        let (kind, keys): (Kind, &[&'static str]) = match c.class {
            "RandomRotation" => (Kind::Rotation, &["factor"]),
            "RandomZoom" => (Kind::Zoom, &["height_factor", "width_factor"]),
            _ => (Kind::Translation, &["height_factor", "width_factor"]),
        };
        let mode = c.text("fill_mode", "reflect")?;
        let fill = Fill::NAMES.iter().find(|(name, _)| *name == mode).map(|(_, fill)| *fill);
        let fill =
            fill.ok_or_else(|| Error::argument(c.class, "reflect, wrap, nearest or constant as 'fill_mode'", mode))?;
        let second = match kind {
            Kind::Rotation => None,
            Kind::Zoom if c.get("width_factor").is_none() => None,
            _ => Some(range(c, "width_factor", -1.0, 1.0)?),
        };
        Ok(Affine {
            class: c.class,
            kind,
            first: range(c, keys[0], -1.0, 1.0)?,
            second,
            given: keys.iter().map(|key| (*key, c.get(key).cloned())).collect(),
            fill,
            value: c.number("fill_value", 0.0)?,
            interpolation: Interpolation::new(c)?,
            channels_first: c.channels_first()?,
            seed: c.get("seed").cloned(),
        })
    }

    /// For every pixel of the output, the column and the row of the input.
    fn coordinates(&self, x: &Tensor, seed: u32) -> Result<(Tensor, Tensor)> {
        let (h, w) = (x.shape()[1], x.shape()[2]);
        let k = |v: f64| x.constant(v);
        let along = |axis: usize| x.device().iota([1, h, w, 1], axis)?.cast(DType::F32);
        let (row, column) = (along(1)?, along(2)?);
        let (middle_row, middle_column) = (k((h as f64 - 1.0) / 2.0), k((w as f64 - 1.0) / 2.0));
        let first = each(x, self.first, hash_key(seed, 1))?;
        let second = self.second.map_or(Ok(first.clone()), |range| each(x, range, hash_key(seed, 2)))?;
        match self.kind {
            Kind::Translation => {
                let down = ops::mul(&first, &k(h as f64))?;
                let across = ops::mul(&second, &k(w as f64))?;
                Ok((ops::sub(&column, &across)?, ops::sub(&row, &down)?))
            }
            Kind::Zoom => {
                let zoom = |at: &Tensor, middle: &Tensor, factor: &Tensor| {
                    let scale = ops::add(factor, &k(1.0))?;
                    ops::add(&ops::mul(&ops::sub(at, middle)?, &scale)?, middle)
                };
                Ok((zoom(&column, &middle_column, &second)?, zoom(&row, &middle_row, &first)?))
            }
            Kind::Rotation => {
                let angle = ops::mul(&first, &k(std::f64::consts::TAU))?;
                let (sin, cos) = (ops::sin(&angle)?, ops::cos(&angle)?);
                let (across, down) = (ops::sub(&column, &middle_column)?, ops::sub(&row, &middle_row)?);
                let columns = ops::sub(&ops::mul(&cos, &across)?, &ops::mul(&sin, &down)?)?;
                let rows = ops::add(&ops::mul(&sin, &across)?, &ops::mul(&cos, &down)?)?;
                Ok((ops::add(&columns, &middle_column)?, ops::add(&rows, &middle_row)?))
            }
        }
    }

    /// The pixels at whole coordinates `[batch, h, w, 1]`; the fill's value outside.
    fn pixels(&self, x: &Tensor, column: &Tensor, row: &Tensor) -> Result<Tensor> {
        let [n, h, w, c] = **x.shape() else {
            return Err(Error::shape(self.class, "images of rank 4", x.shape()));
        };
        let k = |v: f64| x.constant(v);
        let limit = |at: &Tensor, n: usize| ops::clip(at, &k(0.0), &k(n as f64 - 1.0));
        let (inner_row, inner_column) = (limit(row, h)?, limit(column, w)?);
        let whole = |at: &Tensor| at.cast(DType::I32);
        let step = |n: usize| k(n as f64).cast(DType::I32);
        let image = ops::mul(&x.device().iota([n, h, w, 1], 0)?, &step(h * w)?)?;
        let offset = ops::add(&ops::mul(&whole(&inner_row)?, &step(w)?)?, &whole(&inner_column)?)?;
        let index = ops::reshape(&ops::add(&image, &offset)?, [n, h, w])?;
        let read = ops::gather(&ops::reshape(x, [n * h * w, c])?, &index, 0, 0)?;
        if self.fill != Fill::Constant {
            return Ok(read);
        }
        let inside = ops::logical_and(&ops::equal(row, &inner_row)?, &ops::equal(column, &inner_column)?)?;
        ops::select(&inside, &read, &k(self.value))
    }

    fn map(&self, x: &Tensor, seed: u32) -> Result<Tensor> {
        let (h, w) = (x.shape()[1], x.shape()[2]);
        if x.size() == 0 {
            return Ok(x.clone());
        }
        let (column, row) = self.coordinates(x, seed)?;
        let all = [x.shape()[0], h, w, 1];
        let column = ops::broadcast_to(&self.fill.inside(&column, w)?, all)?;
        let row = ops::broadcast_to(&self.fill.inside(&row, h)?, all)?;
        if self.interpolation == Interpolation::Nearest {
            return self.pixels(x, &ops::round(&column)?, &ops::round(&row)?);
        }
        let (left, top) = (ops::floor(&column)?, ops::floor(&row)?);
        let one = x.constant(1.0);
        let (right, bottom) = (ops::add(&left, &one)?, ops::add(&top, &one)?);
        let (across, down) = (ops::sub(&column, &left)?, ops::sub(&row, &top)?);
        let mix = |a: &Tensor, b: &Tensor, share: &Tensor| ops::add(a, &ops::mul(&ops::sub(b, a)?, share)?);
        let upper = mix(&self.pixels(x, &left, &top)?, &self.pixels(x, &right, &top)?, &across)?;
        let lower = mix(&self.pixels(x, &left, &bottom)?, &self.pixels(x, &right, &bottom)?, &across)?;
        mix(&upper, &lower, &down)
    }
}

impl Layer for Affine {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        self.given.iter().for_each(|(key, value)| to.set(key, value.clone()));
        let mode = Fill::NAMES.iter().find(|(_, fill)| *fill == self.fill).map_or("", |(name, _)| *name);
        to.set("fill_mode", mode);
        to.set("fill_value", self.value);
        to.set("interpolation", self.interpolation.name());
        to.set("data_format", data_format(self.channels_first));
        to.set("seed", self.seed.clone());
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single(self.class, inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        in_training(self.class, x, self.channels_first, call, self.seed.as_ref(), &|x, seed| self.map(x, seed))
    }
}
