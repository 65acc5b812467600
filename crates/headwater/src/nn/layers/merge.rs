//! Layers of several inputs.

use headwater_core::calc::{Calc, Term};
use headwater_core::AllOk;
use headwater_core::Listed;
use headwater_core::{ops, DType, Error, Result, Tensor};

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
    fn pair<'a>(&self, a: Term<'a>, b: Term<'a>) -> Term<'a> {
        a.with(b, self.combine)
    }

    /// Combines what counts: a factor that does not is 1, an extreme that does not is the other one.
    fn masked<'a>(&self, inputs: &[Term<'a>], call: &Call<'_>) -> Term<'a> {
        let multiplies = self.class == "Multiply";
        let mask = |i: usize| call.mask(i).map(|mask| inputs[i].of(mask).expand(-1).broadcast(inputs[i].shape()));
        let factor = |x: Term<'a>, mask: Option<Term<'a>>| match mask {
            Some(mask) if multiplies => x.where_else(mask, 1.0),
            _ => x,
        };
        let mut counts = mask(0);
        let mut sum = factor(inputs[0], counts);
        for (i, &x) in inputs.iter().enumerate().skip(1) {
            let mask = mask(i);
            let mut x = factor(x, mask);
            if !multiplies {
                x = mask.map_or(x, |mask| mask.choose(x, sum));
                sum = counts.map_or(sum, |counts| counts.choose(sum, x));
            }
            sum = self.pair(sum, x);
            counts = counts.zip(mask).map(|(a, b)| a.with(b, ops::logical_or));
        }
        match counts {
            Some(counts) if multiplies => sum.where_else(counts, 0.0),
            _ => sum,
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
                        format_args!("{} and {}", show(first), show(other)),
                    )),
                })
                .all_ok()?;
        }
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        if inputs.is_empty() {
            return Err(Error::argument(self.class, "at least one input", "none"));
        }
        let rank = inputs.iter().map(Tensor::rank).max().unwrap_or(0);
        let calc = Calc::default();
        let wide = |x: &Tensor| {
            let mut shape = x.shape().to_vec();
            (x.rank()..rank).for_each(|_| shape.insert(1.min(shape.len()), 1));
            calc.of(x).reshape(&shape)
        };
        let all: Vec<Term<'_>> = inputs.iter().map(wide).listed();
        let mut result = match self.class {
            "Multiply" | "Maximum" | "Minimum" if MASKS && call.masks.iter().any(Option::is_some) => {
                self.masked(&all, call)
            }
            _ => all[1..].iter().fold(all[0], |sum, &x| self.pair(sum, x)),
        };
        if self.class == "Average" {
            result = result * result.constant(1.0 / inputs.len() as f64);
        }
        calc.result(result).map(Output::of)
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
        let fits = |i: &Dims, d: usize| d as isize == axis || i[d].is_none() || first[d].is_none() || i[d] == first[d];
        let same = inputs.iter().all(|i| i.len() == first.len() && (0..i.len()).all(|d| fits(i, d)));
        if !same || axis < 0 || axis >= rank {
            let shapes: Vec<String> = inputs.iter().map(show).listed();
            return Err(Error::shape(
                "Concatenate",
                format_args!("inputs of one shape but for axis {}", self.axis),
                shapes.join(" "),
            ));
        }
        let mut shape = first.clone();
        shape[axis as usize] = inputs.iter().map(|i| i[axis as usize]).sum();
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        ops::concat(&inputs.iter().listed(), self.axis).map(Output::of)
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
        let all = ops::concat(&all.iter().listed(), self.axis)?;
        Ok(vec![Some(ops::any(&all, Some(&[-1]), false)?)])
    }
}
