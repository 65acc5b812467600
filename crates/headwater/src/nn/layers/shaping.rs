//! Layers that move elements: flatten, reshape, pad, crop, repeat.

use headwater_core::Listed;
use headwater_core::{ops, Error, Result, Shape, Tensor};

use super::super::config::{data_format, Config};
use super::super::layer::{ranked, ranked_tensor, show, single, Call, Dims, Layer, Output};
use super::super::value::{Map, Value};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Flatten", |c| layer(Flatten { channels_first: c.channels_first()? })),
    ("Reshape", |c| layer(Reshape::new(c)?)),
    ("Permute", |c| layer(Permute::new(c)?)),
    ("RepeatVector", |c| layer(RepeatVector { n: c.size("n")? })),
    ("ZeroPadding2D", |c| layer(Border::new(c, "padding", true, 2)?)),
    ("Cropping2D", |c| layer(Border::new(c, "cropping", false, 2)?)),
    ("UpSampling2D", |c| layer(UpSampling::new(c)?)),
    #[cfg(feature = "layers-volumes")]
    ("ZeroPadding3D", |c| layer(Border::new(c, "padding", true, 3)?)),
    #[cfg(feature = "layers-volumes")]
    ("Cropping3D", |c| layer(Border::new(c, "cropping", false, 3)?)),
];

struct Flatten {
    channels_first: bool,
}

impl Layer for Flatten {
    fn class_name(&self) -> &'static str {
        "Flatten"
    }

    fn config(&self, to: &mut Map) {
        to.set("data_format", data_format(self.channels_first));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = single("Flatten", inputs)?;
        let Some((batch, rest)) = input.split_first() else {
            return Err(Error::shape("Flatten", "an input of rank at least 1", "[]"));
        };
        Ok(vec![vec![*batch, rest.iter().copied().product()]])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("Flatten", inputs)?;
        let batch = x.shape().first().copied().unwrap_or(1);
        let rest: usize = x.shape().iter().skip(1).product();
        // What was trained with channels last reads them last.
        let order = x.shape().order_with_last(&[1]);
        let x = if self.channels_first && x.rank() > 2 { ops::permute(x, &order)? } else { x.clone() };
        ops::reshape(&x, [batch, rest]).map(Output::of)
    }
}

struct Reshape {
    /// -1 stands for what is left; TensorFlow.js writes null.
    target: Vec<isize>,
}

impl Reshape {
    fn new(c: &Config<'_>) -> Result<Reshape> {
        let target = c.list_or("target_shape", Some(-1.0))?;
        let target = target.ok_or_else(|| Error::argument("Reshape", "a list as 'target_shape'", "none"))?;
        Ok(Reshape { target: target.into_iter().map(|d| d as isize).listed() })
    }

    fn shape(&self, size: usize) -> Result<Vec<usize>> {
        let known: usize = self.target.iter().filter(|&&d| d >= 0).map(|&d| d as usize).product();
        let rest = size.checked_div(known).unwrap_or(0);
        let shape: Vec<usize> = self.target.iter().map(|&d| usize::try_from(d).unwrap_or(rest)).listed();
        if shape.iter().product::<usize>() != size {
            let expected = format_args!("a target shape of {size} elements");
            return Err(Error::shape("Reshape", expected, format_args!("{:?}", self.target)));
        }
        Ok(shape)
    }
}

impl Layer for Reshape {
    fn class_name(&self) -> &'static str {
        "Reshape"
    }

    fn config(&self, to: &mut Map) {
        to.set("target_shape", self.target.clone());
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = single("Reshape", inputs)?;
        let size: Option<usize> = input.iter().skip(1).copied().product();
        let shape: Dims = match size {
            Some(size) => self.shape(size)?.into_iter().map(Some).listed(),
            None => self.target.iter().map(|&d| usize::try_from(d).ok()).listed(),
        };
        Ok(vec![input.first().copied().into_iter().chain(shape).listed()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("Reshape", inputs)?;
        let batch = x.shape().first().copied().unwrap_or(1);
        let shape = Shape::joined(&[&[batch], &self.shape(x.size() / batch.max(1))?]);
        ops::reshape(x, shape).map(Output::of)
    }
}

struct Permute {
    /// Axes counted from 1, the batch left out.
    dims: Vec<usize>,
}

impl Permute {
    fn new(c: &Config<'_>) -> Result<Permute> {
        let dims: Vec<usize> = c.list("dims")?.unwrap_or_default().into_iter().map(|d| d as usize).listed();
        if dims.is_empty() || !(1..=dims.len()).all(|d| dims.contains(&d)) {
            let given = c.get("dims").unwrap_or(&Value::Null);
            return Err(Error::argument("Permute", "the axes from 1 on, each once, as 'dims'", given));
        }
        Ok(Permute { dims })
    }

    fn order(&self) -> Vec<usize> {
        [&[0], &self.dims[..]].concat()
    }
}

impl Layer for Permute {
    fn class_name(&self) -> &'static str {
        "Permute"
    }

    fn config(&self, to: &mut Map) {
        to.set("dims", self.dims.clone());
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = ranked("Permute", inputs, self.dims.len() + 1)?;
        Ok(vec![self.order().into_iter().map(|d| input[d]).listed()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        ops::permute(single("Permute", inputs)?, &self.order()).map(Output::of)
    }
}

struct RepeatVector {
    n: usize,
}

impl Layer for RepeatVector {
    fn class_name(&self) -> &'static str {
        "RepeatVector"
    }

    fn config(&self, to: &mut Map) {
        to.set("n", self.n);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = ranked("RepeatVector", inputs, 2)?;
        Ok(vec![vec![input[0], Some(self.n), input[1]]])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("RepeatVector", inputs)?;
        let row = ops::expand_dims(x, 1)?;
        ops::tile(&row, &[1, self.n, 1]).map(Output::of)
    }
}

/// Zeros around an image or a volume, or its border cut away.
struct Border {
    class: &'static str,
    key: &'static str,
    pads: bool,
    axes: usize,
    /// Before and after, along each axis.
    sides: [(usize, usize); 3],
    channels_first: bool,
}

impl Border {
    fn new(c: &Config<'_>, key: &'static str, pads: bool, axes: usize) -> Result<Border> {
        let sides = c.borders(key, axes, usize::from(pads))?;
        Ok(Border { class: c.class, key, pads, axes, sides, channels_first: c.channels_first()? })
    }

    fn first(&self) -> usize {
        if self.channels_first {
            2
        } else {
            1
        }
    }

    fn sides(&self) -> &[(usize, usize)] {
        &self.sides[..self.axes]
    }
}

impl Layer for Border {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set(self.key, self.sides().to_vec());
        to.set("data_format", data_format(self.channels_first));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = ranked(self.class, inputs, self.axes + 2)?.clone();
        for (axis, (before, after)) in (self.first()..).zip(self.sides()) {
            let both = before + after;
            shape[axis] = match shape[axis] {
                Some(n) if self.pads => Some(n + both),
                Some(n) if n >= both => Some(n - both),
                Some(_) => {
                    return Err(Error::shape(
                        self.class,
                        format_args!("an image larger than the cropping {:?}", self.sides()),
                        show(&inputs[0]),
                    ))
                }
                None => None,
            };
        }
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = ranked_tensor(self.class, inputs, self.axes + 2)?;
        let mut pairs = vec![(0, 0); x.rank()];
        pairs[self.first()..][..self.axes].copy_from_slice(self.sides());
        if self.pads {
            return ops::pad(x, &pairs, 0.0).map(Output::of);
        }
        let begin: Vec<usize> = pairs.iter().map(|p| p.0).listed();
        let size: Vec<usize> = x.shape().iter().zip(&pairs).map(|(&n, p)| n.saturating_sub(p.0 + p.1)).listed();
        ops::slice(x, &begin, &size).map(Output::of)
    }
}

struct UpSampling {
    /// Of height and width.
    size: [usize; 3],
    bilinear: bool,
    channels_first: bool,
}

impl UpSampling {
    fn new(c: &Config<'_>) -> Result<UpSampling> {
        let bilinear = match c.text("interpolation", "nearest")? {
            "nearest" => false,
            "bilinear" => true,
            other => return Err(Error::argument("UpSampling2D", "'nearest' or 'bilinear' as 'interpolation'", other)),
        };
        Ok(UpSampling { size: c.sizes("size", 2, Some(2))?, bilinear, channels_first: c.channels_first()? })
    }
}

impl Layer for UpSampling {
    fn class_name(&self) -> &'static str {
        "UpSampling2D"
    }

    fn config(&self, to: &mut Map) {
        to.set("size", self.size[..2].to_vec());
        to.set("interpolation", if self.bilinear { "bilinear" } else { "nearest" });
        to.set("data_format", data_format(self.channels_first));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let mut shape = ranked("UpSampling2D", inputs, 4)?.clone();
        let (h, w) = if self.channels_first { (2, 3) } else { (1, 2) };
        shape[h] = shape[h].map(|n| n * self.size[0]);
        shape[w] = shape[w].map(|n| n * self.size[1]);
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = ranked_tensor("UpSampling2D", inputs, 4)?;
        let x = if self.channels_first { ops::transpose(x, Some(&[0, 2, 3, 1]))? } else { x.clone() };
        let size = (x.shape()[1] * self.size[0], x.shape()[2] * self.size[1]);
        // Keras resizes with half-pixel centres; for whole factors nearest is the same either way.
        let y = if self.bilinear {
            ops::resize_bilinear(&x, size, false, true)?
        } else {
            ops::resize_nearest(&x, size, false, false)?
        };
        Ok(Output::of(if self.channels_first { ops::permute(&y, &[0, 3, 1, 2])? } else { y }))
    }
}
