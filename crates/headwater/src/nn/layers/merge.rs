//! Layers of several inputs.

use headwater_core::AllOk;
use headwater_core::{ops, DType, Error, Result, Scalar, Tensor};

use super::super::config::Config;
use super::super::layer::{show, Call, Dims, Layer, Output, MASKS};
use super::super::value::Map;
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Add", |c| merge(c, ops::add)),
    ("Subtract", |c| merge(c, ops::sub)),
    ("Multiply", |c| merge(c, ops::mul)),
    ("Average", |c| merge(c, ops::add)),
    ("Maximum", |c| merge(c, ops::maximum)),
    ("Minimum", |c| merge(c, ops::minimum)),
    ("Concatenate", |c| layer(Concatenate { axis: c.number("axis", -1.0)? as isize })),
];

fn merge(c: &Config<'_>, combine: fn(&Tensor, &Tensor) -> Result<Tensor>) -> Result<Box<dyn Layer>> {
    layer(Merge { class: c.class, combine })
}

/// Elementwise over inputs that broadcast, sample by sample.
struct Merge {
    class: &'static str,
    combine: fn(&Tensor, &Tensor) -> Result<Tensor>,
}

impl Merge {
    /// Combines what counts: a factor that does not is 1, an extreme that does not is the other one.
    fn masked(&self, inputs: &[Tensor], call: &Call<'_>) -> Result<Tensor> {
        let multiplies = self.class == "Multiply";
        let mut result: Option<(Tensor, Option<Tensor>)> = None;
        for (i, x) in inputs.iter().enumerate() {
            let mask = call.mask(i).map(|m| ops::broadcast_to(&ops::expand_dims(m, -1)?, x.shape())).transpose()?;
            let x = match &mask {
                Some(mask) if multiplies => ops::select(mask, x, &x.constant(1.0))?,
                _ => x.clone(),
            };
            let Some((mut sum, counts)) = result else {
                result = Some((x, mask));
                continue;
            };
            let mut x = x;
            if !multiplies {
                if let Some(mask) = &mask {
                    x = ops::select(mask, &x, &sum)?;
                }
                if let Some(counts) = &counts {
                    sum = ops::select(counts, &sum, &x)?;
                }
            }
            let either = counts.zip(mask).map(|(a, b)| ops::logical_or(&a, &b)).transpose()?;
            result = Some(((self.combine)(&sum, &x)?, either));
        }
        match result {
            Some((sum, Some(counts))) if multiplies => ops::select(&counts, &sum, &sum.constant(0.0)),
            Some((sum, _)) => Ok(sum),
            None => Err(Error::argument(self.class, "at least one input", "none")),
        }
    }
}

impl Layer for Merge {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, _to: &mut Map) {}

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let [first, rest @ ..] = inputs else {
            return Err(Error::argument(self.class, "at least one input", "none"));
        };
        let mut shape = first.clone();
        for other in rest {
            let rank = shape.len().max(other.len());
            // The first axis is the samples': what is missing comes after it.
            let at = |s: &Dims, d: usize| match (d + s.len()).checked_sub(rank) {
                _ if d == 0 => s.first().copied().flatten(),
                Some(i) if i > 0 => s[i],
                _ => Some(1),
            };
            shape = (0..rank)
                .map(|d| match (at(&shape, d), at(other, d)) {
                    (a, b) if a == b => Ok(a),
                    (Some(1), b) => Ok(b),
                    (a, Some(1)) => Ok(a),
                    (None, b) => Ok(b),
                    (a, None) => Ok(a),
                    _ => Err(Error::shape(
                        self.class,
                        "inputs that broadcast together",
                        format!("{} and {}", show(first), show(other)),
                    )),
                })
                .all_ok()?;
        }
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let [first, rest @ ..] = inputs else {
            return Err(Error::argument(self.class, "at least one input", "none"));
        };
        let rank = inputs.iter().map(Tensor::rank).max().unwrap_or(0);
        let wide = |x: &Tensor| {
            let mut shape = x.shape().to_vec();
            (x.rank()..rank).for_each(|_| shape.insert(1.min(shape.len()), 1));
            ops::reshape(x, shape)
        };
        let mut result = match self.class {
            "Multiply" | "Maximum" | "Minimum" if MASKS && call.masks.iter().any(Option::is_some) => {
                let all: Vec<Tensor> = inputs.iter().map(wide).all_ok()?;
                self.masked(&all, call)?
            }
            _ => rest.iter().try_fold(wide(first)?, |sum, x| (self.combine)(&sum, &wide(x)?))?,
        };
        if self.class == "Average" {
            let scale = result.device().constant(Scalar::F32(1.0 / inputs.len() as f32));
            result = ops::mul(&result, &scale)?;
        }
        Ok(Output::of(result))
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        if !MASKS {
            return Ok(Vec::new());
        }
        let Some(all) = masks.iter().cloned().collect::<Option<Vec<Tensor>>>() else { return Ok(Vec::new()) };
        let [first, rest @ ..] = all.as_slice() else { return Ok(Vec::new()) };
        Ok(vec![Some(rest.iter().try_fold(first.clone(), |any, mask| ops::logical_or(&any, mask))?)])
    }
}

struct Concatenate {
    axis: isize,
}

impl Layer for Concatenate {
    fn class_name(&self) -> &'static str {
        "Concatenate"
    }

    fn config(&self, to: &mut Map) {
        to.set("axis", self.axis);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let Some(first) = inputs.first() else {
            return Err(Error::argument("Concatenate", "at least one input", "none"));
        };
        let rank = first.len() as isize;
        let axis = if self.axis < 0 { self.axis + rank } else { self.axis };
        let same_rank = inputs.iter().all(|i| i.len() == first.len());
        if !same_rank || axis < 0 || axis >= rank {
            let shapes: Vec<String> = inputs.iter().map(show).collect();
            return Err(Error::shape(
                "Concatenate",
                format!("inputs of one rank with axis {}", self.axis),
                shapes.join(" "),
            ));
        }
        let mut shape = first.clone();
        shape[axis as usize] = inputs.iter().map(|i| i[axis as usize]).sum();
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        ops::concat(&inputs.iter().collect::<Vec<_>>(), self.axis).map(Output::of)
    }

    /// A step counts where one of its elements does.
    fn masks(&self, inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        if !MASKS || masks.iter().all(Option::is_none) {
            return Ok(Vec::new());
        }
        let wide = |(x, mask): (&Tensor, &Option<Tensor>)| match mask {
            None => x.device().ones(x.shape(), DType::Bool),
            Some(mask) => {
                let mut shape = mask.shape().to_vec();
                shape.resize(shape.len().max(x.rank()), 1);
                ops::broadcast_to(&ops::reshape(mask, shape)?, x.shape())
            }
        };
        let all: Vec<Tensor> = inputs.iter().zip(masks).map(wide).all_ok()?;
        let all = ops::concat(&all.iter().collect::<Vec<_>>(), self.axis)?;
        Ok(vec![Some(ops::any(&all, Some(&[-1]), false)?)])
    }
}
