//! Images of one size.

use headwater_core::calc::{Calc, Term};
use headwater_core::{ops, Error, Result, Tensor};

use super::super::super::config::{data_format, Config};
use super::super::super::layer::{own_seed, show, single, Call, Dims, Layer, Output};
use super::super::super::value::{Map, Value};

/// Calls `f` with images in batches, channels last, whatever form they have.
pub(super) fn with_images(
    class: &str,
    x: &Tensor,
    channels_first: bool,
    f: &dyn for<'a> Fn(Term<'a>) -> Term<'a>,
) -> Result<Output> {
    let calc = Calc::default();
    let mut y = calc.of(x);
    match x.rank() {
        3 => y = y.expand(0),
        4 => (),
        _ => return Err(Error::shape(class, "images of rank 3 or 4", x.shape())),
    }
    y = y.number();
    y = if channels_first { f(y.permute(&[0, 2, 3, 1])).permute(&[0, 3, 1, 2]) } else { f(y) };
    if x.rank() == 3 {
        y = y.squeeze(0);
    }
    calc.result(y).map(Output::of)
}

/// Images that `f` varies by a seed in training, and that stay as they are otherwise.
pub(super) fn in_training(
    class: &str,
    x: &Tensor,
    channels_first: bool,
    call: &Call<'_>,
    seed: Option<&Value>,
    f: &dyn for<'a> Fn(Term<'a>, u32) -> Term<'a>,
) -> Result<Output> {
    if !call.training {
        return Ok(Output::of(x.clone()));
    }
    let seed = own_seed(call, seed);
    with_images(class, x, channels_first, &|x| f(x, seed))
}

/// The axes of height and width.
pub(super) fn axes(class: &str, input: &Dims, channels_first: bool) -> Result<(usize, usize)> {
    match (input.len(), channels_first) {
        (3 | 4, true) => Ok((input.len() - 2, input.len() - 1)),
        (3 | 4, false) => Ok((input.len() - 3, input.len() - 2)),
        _ => Err(Error::shape(class, "images of rank 3 or 4", show(input))),
    }
}

/// Part of images, channels last.
pub(super) fn crop(x: Term<'_>, (top, left): (usize, usize), (h, w): (usize, usize)) -> Term<'_> {
    x.slice(&[0, top, left, 0], &[x.dim(0), h, w, x.dim(3)])
}

/// The largest part in the middle that has the proportions of `size`.
pub(super) fn proportioned(x: Term<'_>, size: (usize, usize)) -> Term<'_> {
    let (h, w) = (x.dim(1), x.dim(2));
    let height = (w * size.0 / size.1.max(1)).min(h).max(1);
    let width = (h * size.1 / size.0.max(1)).min(w).max(1);
    crop(x, (h.saturating_sub(height) / 2, w.saturating_sub(width) / 2), (height, width))
}

/// Which pixels of the input make one of the output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interpolation {
    Nearest,
    Bilinear,
}

impl Interpolation {
    pub fn new(c: &Config<'_>) -> Result<Interpolation> {
        match c.text("interpolation", "bilinear")? {
            "nearest" => Ok(Interpolation::Nearest),
            "bilinear" => Ok(Interpolation::Bilinear),
            other => Err(Error::argument(c.class, "'bilinear' or 'nearest' as 'interpolation'", other)),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Interpolation::Nearest => "nearest",
            Interpolation::Bilinear => "bilinear",
        }
    }

    /// Images, channels last, at another size.
    pub fn resize(self, x: Term<'_>, size: (usize, usize)) -> Term<'_> {
        x.then(&|x| match self {
            Interpolation::Nearest => ops::resize_nearest(x, size, false, true),
            Interpolation::Bilinear => ops::resize_bilinear(x, size, false, true),
        })
    }
}

/// Images at a height and a width; what does not fit the proportions is cut or filled.
pub(super) struct Resizing {
    size: (usize, usize),
    interpolation: Interpolation,
    crop: bool,
    pad: bool,
    fill: f64,
    channels_first: bool,
}

impl Resizing {
    pub fn new(c: &Config<'_>) -> Result<Resizing> {
        if c.flag("antialias", false)? || c.text("fill_mode", "constant")? != "constant" {
            return Err(Error::argument(c.class, "no 'antialias', and 'constant' as 'fill_mode'", "others"));
        }
        let (crop, pad) = (c.flag("crop_to_aspect_ratio", false)?, c.flag("pad_to_aspect_ratio", false)?);
        if crop && pad {
            return Err(Error::argument(c.class, "'crop_to_aspect_ratio' or 'pad_to_aspect_ratio'", "both"));
        }
        Ok(Resizing {
            size: (c.size("height")?, c.size("width")?),
            interpolation: Interpolation::new(c)?,
            crop,
            pad,
            fill: c.number("fill_value", 0.0)?,
            channels_first: c.channels_first()?,
        })
    }
}

/// The shape with another height and width.
fn resized(class: &str, inputs: &[Dims], channels_first: bool, size: (usize, usize)) -> Result<Vec<Dims>> {
    let mut shape = single(class, inputs)?.clone();
    let (h, w) = axes(class, &shape, channels_first)?;
    (shape[h], shape[w]) = (Some(size.0), Some(size.1));
    Ok(vec![shape])
}

impl Layer for Resizing {
    fn class_name(&self) -> &'static str {
        "Resizing"
    }

    fn config(&self, to: &mut Map) {
        to.set("height", self.size.0);
        to.set("width", self.size.1);
        to.set("interpolation", self.interpolation.name());
        to.set("crop_to_aspect_ratio", self.crop);
        to.set("pad_to_aspect_ratio", self.pad);
        to.set("fill_mode", "constant");
        to.set("fill_value", self.fill);
        to.set("antialias", false);
        to.set("data_format", data_format(self.channels_first));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        resized("Resizing", inputs, self.channels_first, self.size)
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("Resizing", inputs)?;
        with_images("Resizing", x, self.channels_first, &|mut x| {
            if self.crop {
                x = proportioned(x, self.size);
            } else if self.pad {
                let (h, w) = (x.dim(1), x.dim(2));
                let (height, width) = (w * self.size.0 / self.size.1.max(1), h * self.size.1 / self.size.0.max(1));
                let (down, across) = (height.saturating_sub(h), width.saturating_sub(w));
                // As Keras does it: as much on both sides, where the difference is odd too.
                let half = |n: usize| (n / 2, n / 2);
                x = x.then(&|x| ops::pad(x, &[(0, 0), half(down), half(across), (0, 0)], self.fill));
            }
            self.interpolation.resize(x, self.size)
        })
    }
}

/// The middle of images, or smaller ones made larger.
pub(super) struct CenterCrop {
    size: (usize, usize),
    channels_first: bool,
}

impl CenterCrop {
    pub fn new(c: &Config<'_>) -> Result<CenterCrop> {
        Ok(CenterCrop { size: (c.size("height")?, c.size("width")?), channels_first: c.channels_first()? })
    }
}

impl Layer for CenterCrop {
    fn class_name(&self) -> &'static str {
        "CenterCrop"
    }

    fn config(&self, to: &mut Map) {
        to.set("height", self.size.0);
        to.set("width", self.size.1);
        to.set("data_format", data_format(self.channels_first));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        resized("CenterCrop", inputs, self.channels_first, self.size)
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("CenterCrop", inputs)?;
        with_images("CenterCrop", x, self.channels_first, &|x| match (
            x.dim(1).checked_sub(self.size.0),
            x.dim(2).checked_sub(self.size.1),
        ) {
            (Some(down), Some(across)) => crop(x, (down / 2, across / 2), self.size),
            _ => Interpolation::Bilinear.resize(proportioned(x, self.size), self.size),
        })
    }
}
