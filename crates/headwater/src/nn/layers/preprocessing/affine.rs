//! Random rotations, zooms and translations of images in training.

use headwater_core::calc::Term;
use headwater_core::ops::{self, hash_key};
use headwater_core::Listed;
use headwater_core::{Error, Result, Tensor};

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
    fn inside(self, at: Term<'_>, n: usize) -> Term<'_> {
        let size = n as f64;
        let at = match self {
            Fill::Constant => return at,
            Fill::Nearest => at,
            Fill::Reflect => {
                let turn = at.by(2.0 * size, ops::modulo);
                turn.by(size, ops::less).choose(turn, 2.0 * size - 1.0 - turn)
            }
            Fill::Wrap => {
                // As TensorFlow does it: whole periods are counted between the first and the last pixel.
                let last = (size - 1.0).max(1.0);
                let before = (at + ((-at) / last).map(ops::floor) * size) + size;
                let after = at - (at / last).map(ops::floor) * size;
                let late = at.exceeds(size - 1.0).choose(after, at);
                at.by(0.0, ops::less).choose(before, late)
            }
        };
        at.clip(0.0, size - 1.0)
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
            given: keys.iter().map(|key| (*key, c.get(key).cloned())).listed(),
            fill,
            value: c.number("fill_value", 0.0)?,
            interpolation: Interpolation::new(c)?,
            channels_first: c.channels_first()?,
            seed: c.get("seed").cloned(),
        })
    }

    /// For every pixel of the output, the column and the row of the input.
    fn coordinates<'a>(&self, x: Term<'a>, seed: u32) -> [Term<'a>; 2] {
        let (h, w) = (x.dim(1), x.dim(2));
        let along = |axis: usize| x.iota(&[1, h, w, 1], axis).number();
        let (row, column) = (along(1), along(2));
        let (middle_row, middle_column) = ((h as f64 - 1.0) / 2.0, (w as f64 - 1.0) / 2.0);
        let first = each(x, self.first, hash_key(seed, 1));
        let second = self.second.map_or(first, |range| each(x, range, hash_key(seed, 2)));
        match self.kind {
            Kind::Translation => [column - second * w as f64, row - first * h as f64],
            Kind::Zoom => {
                let zoom = |at: Term<'a>, middle: f64, factor: Term<'a>| (at - middle) * (factor + 1.0) + middle;
                [zoom(column, middle_column, second), zoom(row, middle_row, first)]
            }
            Kind::Rotation => {
                let angle = first * std::f64::consts::TAU;
                let (sin, cos) = (angle.map(ops::sin), angle.map(ops::cos));
                let (across, down) = (column - middle_column, row - middle_row);
                [(cos * across - sin * down) + middle_column, (sin * across + cos * down) + middle_row]
            }
        }
    }

    /// The pixels at whole coordinates `[batch, h, w, 1]`; the fill's value outside.
    fn pixels<'a>(&self, x: Term<'a>, column: Term<'a>, row: Term<'a>) -> Term<'a> {
        let [n, h, w, c] = [x.dim(0), x.dim(1), x.dim(2), x.dim(3)];
        let (inner_row, inner_column) = (row.clip(0.0, h as f64 - 1.0), column.clip(0.0, w as f64 - 1.0));
        let step = |n: usize| x.like(n as f64).whole();
        let image = x.iota(&[n, h, w, 1], 0) * step(h * w);
        let offset = inner_row.whole() * step(w) + inner_column.whole();
        let index = (image + offset).reshape(&[n, h, w]);
        let read = x.reshape(&[n * h * w, c]).pick(index);
        if self.fill != Fill::Constant {
            return read;
        }
        let inside = row.with(inner_row, ops::equal).and(column.with(inner_column, ops::equal));
        read.where_else(inside, self.value)
    }

    fn map<'a>(&self, x: Term<'a>, seed: u32) -> Term<'a> {
        let (h, w) = (x.dim(1), x.dim(2));
        if x.size() == 0 {
            return x;
        }
        let [column, row] = self.coordinates(x, seed);
        let all = [x.dim(0), h, w, 1];
        let column = self.fill.inside(column, w).broadcast(&all);
        let row = self.fill.inside(row, h).broadcast(&all);
        if self.interpolation == Interpolation::Nearest {
            return self.pixels(x, column.map(ops::round), row.map(ops::round));
        }
        let (left, top) = (column.map(ops::floor), row.map(ops::floor));
        let (right, bottom) = (left + 1.0, top + 1.0);
        let (across, down) = (column - left, row - top);
        let mix = |a: Term<'a>, b: Term<'a>, share: Term<'a>| a + (b - a) * share;
        let upper = mix(self.pixels(x, left, top), self.pixels(x, right, top), across);
        let lower = mix(self.pixels(x, left, bottom), self.pixels(x, right, bottom), across);
        mix(upper, lower, down)
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
