//! Attention: what a query reads of values by their keys; and products of sequences.

use headwater_core::calc::{Calc, Term};
use headwater_core::Listed;
use headwater_core::{ops, Error, Result, Shape, Tensor};

use super::super::config::{axes_value, Config};
use super::super::layer::{dims_of, known, own_seed, pass, position, show, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::{Map, Value};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Attention", |c| layer(Attention::new(c)?)),
    ("AdditiveAttention", |c| layer(Attention::new(c)?)),
    ("Dot", |c| layer(Dot::new(c)?)),
];

/// Query, value and key of two or three inputs: the key is the value where it is not given.
pub(super) fn roles<'a, T>(class: &str, inputs: &'a [T]) -> Result<(&'a T, &'a T, &'a T)> {
    match inputs {
        [query, value] => Ok((query, value, value)),
        [query, value, key] => Ok((query, value, key)),
        _ => Err(Error::argument(class, "a query, a value and perhaps a key", inputs.len())),
    }
}

/// The lower triangle: no step reads a later one.
pub(super) fn causal(x: Term<'_>, queries: usize, keys: usize) -> Term<'_> {
    x.iota(&[queries, keys], 0).with(x.iota(&[queries, keys], 1), ops::greater_equal)
}

/// Both masks, where there are two.
pub(super) fn both<'a>(a: Option<Term<'a>>, b: Option<Term<'a>>) -> Option<Term<'a>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.and(b)),
        (a, b) => a.or(b),
    }
}

/// `a bᵀ`.
pub(super) fn products<'a>(a: Term<'a>, b: Term<'a>) -> Term<'a> {
    a.with(b, |a, b| ops::matmul(a, b, false, true))
}

/// What is dropped of shares in training.
pub(super) fn dropped<'a>(shares: Term<'a>, rate: f64, call: &Call<'_>, seed: Option<&Value>) -> Term<'a> {
    shares.then(&|x| ops::dropout(x, rate as f32, None, own_seed(call, seed)))
}

/// Attention of one head with scores of products (Luong et al. 2015) or of sums (Bahdanau et al. 2015).
struct Attention {
    class: &'static str,
    use_scale: bool,
    concat: bool,
    dropout: f64,
    causal: bool,
    seed: Option<Value>,
}

impl Attention {
    fn new(c: &Config<'_>) -> Result<Attention> {
        let additive = c.class == "AdditiveAttention";
        let mode = c.text("score_mode", "dot")?;
        if !["dot", "concat"].contains(&mode) {
            return Err(Error::argument(c.class, "'dot' or 'concat' as 'score_mode'", mode));
        }
        Ok(Attention {
            class: c.class,
            use_scale: c.flag("use_scale", additive)?,
            concat: mode == "concat",
            dropout: c.number("dropout", 0.0)?,
            causal: c.flag("use_causal_mask", false)?,
            seed: c.get("seed").cloned(),
        })
    }

    fn additive(&self) -> bool {
        self.class == "AdditiveAttention"
    }

    fn scores<'a>(&self, query: Term<'a>, key: Term<'a>, weights: &[Tensor]) -> Term<'a> {
        let scaled = |x: Term<'a>| if self.use_scale { x * x.of(&weights[0]) } else { x };
        if !self.additive() && !self.concat {
            return scaled(products(query, key));
        }
        let sums = query.expand(-2) + key.expand(-3);
        if self.additive() {
            return scaled(sums.map(ops::tanh)).sum(&[-1], false);
        }
        scaled(sums).map(ops::tanh).sum(&[-1], false) * sums.of(&weights[weights.len() - 1])
    }
}

impl Layer for Attention {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set("use_scale", self.use_scale);
        if !self.additive() {
            to.set("score_mode", if self.concat { "concat" } else { "dot" });
        }
        to.set("dropout", self.dropout);
        to.set("seed", self.seed.clone());
        if self.causal {
            to.set("use_causal_mask", true);
        }
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let (query, ..) = roles(self.class, inputs)?;
        let spec =
            |name: &str, shape: Shape, initializer: &str| WeightSpec::new(name, shape, Value::class(initializer), true);
        let mut specs = Vec::new();
        if self.use_scale && self.additive() {
            let last = query.len().saturating_sub(1);
            let width = known(self.class, query, last)?;
            specs.push(spec("scale", Shape::from([width]), "GlorotUniform"));
        } else if self.use_scale {
            specs.push(spec("scale", Shape::scalar(), "Ones"));
        }
        if self.concat && !self.additive() {
            specs.push(spec("concat_score_weight", Shape::scalar(), "Ones"));
        }
        Ok(specs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let (query, value, _) = roles(self.class, inputs)?;
        let mut shape = query.clone();
        match (shape.last_mut(), value.last()) {
            (Some(last), Some(width)) => *last = *width,
            _ => return Err(Error::shape(self.class, "inputs of rank 3", show(query))),
        }
        Ok(vec![shape])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let (query, value, key) = roles(self.class, inputs)?;
        let calc = Calc::default();
        let of_query = calc.of(query);
        let mut scores = self.scores(of_query, calc.of(key), weights);
        calc.check()?;
        let (queries, keys) = match **scores.shape() {
            [.., q, k] => (q, k),
            _ => return Err(Error::shape(self.class, "inputs of rank 3", query.shape())),
        };
        let values = call.mask(1).map(|mask| calc.of(mask).expand(-2));
        let earlier = self.causal.then(|| causal(of_query, queries, keys));
        if let Some(mask) = both(values, earlier) {
            scores = mask.choose(scores, scores - 1e9);
        }
        let mut shares = scores.then(&|x| ops::softmax(x, -1));
        if call.training && self.dropout > 0.0 {
            shares = dropped(shares, self.dropout, call, self.seed.as_ref());
        }
        let mut y = shares.matmul(calc.of(value));
        if let Some(mask) = call.mask(0) {
            y = y.where_else(calc.of(mask).expand(-1), 0.0);
        }
        calc.result(y).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

/// Products of two inputs along an axis of each, sample by sample.
struct Dot {
    /// One axis for both, or one each.
    axes: Vec<isize>,
    normalize: bool,
}

impl Dot {
    fn new(c: &Config<'_>) -> Result<Dot> {
        let axes = c.axes("axes", -1)?;
        if !(1..=2).contains(&axes.len()) || axes.contains(&0) {
            return Err(Error::argument("Dot", "one or two axes other than 0 as 'axes'", format_args!("{axes:?}")));
        }
        Ok(Dot { axes, normalize: c.flag("normalize", false)? })
    }

    /// The axis of an input of a rank.
    fn axis(&self, input: usize, rank: usize) -> Result<usize> {
        let axis = self.axes[input.min(self.axes.len() - 1)];
        match position("Dot", axis, rank)? {
            0 => Err(Error::argument("Dot", "axes other than the samples'", axis)),
            at => Ok(at),
        }
    }

    fn two<T>(inputs: &[T]) -> Result<(&T, &T)> {
        match inputs {
            [a, b] => Ok((a, b)),
            _ => Err(Error::argument("Dot", "two inputs", inputs.len())),
        }
    }
}

impl Layer for Dot {
    fn class_name(&self) -> &'static str {
        "Dot"
    }

    fn config(&self, to: &mut Map) {
        to.set("axes", axes_value(&self.axes));
        to.set("normalize", self.normalize);
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let (a, b) = Self::two(inputs)?;
        let (mut a, mut b) = (a.clone(), b.clone());
        let (along, across) = (a.remove(self.axis(0, a.len())?), b.remove(self.axis(1, b.len())?));
        if along.zip(across).is_some_and(|(a, b)| a != b) {
            let shapes = format!("{} and {}", show(&inputs[0]), show(&inputs[1]));
            return Err(Error::shape("Dot", format_args!("inputs of one size along the axes {:?}", self.axes), shapes));
        }
        a.extend(b.into_iter().skip(1));
        if a.len() == 1 {
            a.push(Some(1));
        }
        Ok(vec![a])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let (a, b) = Self::two(inputs)?;
        let shapes: Vec<Dims> = inputs.iter().map(|x| dims_of(x.shape())).listed();
        let shape: Option<Shape> = self.output_shape(&shapes)?.swap_remove(0).into_iter().collect();
        let shape = shape.ok_or_else(|| Error::shape("Dot", "known shapes", "unknown ones"))?;
        // [batch, others, along]
        let calc = Calc::default();
        let rows = |x: &Tensor, input: usize| {
            let axis = self.axis(input, x.rank())?;
            let order = x.shape().order_with_last(&[axis]);
            let (batch, n) = (x.shape()[0], x.shape()[axis]);
            let others: usize = order.iter().filter(|&&d| d != 0 && d != axis).map(|&d| x.shape()[d]).product();
            let mut x = calc.of(x);
            if self.normalize {
                let square = x.map(ops::square).sum(&[axis as isize], true);
                x = x * square.with(x.like(1e-24), ops::maximum).map(ops::rsqrt);
            }
            Ok(x.permute(&order).reshape(&[batch, others, n]))
        };
        let (a, b): (Result<Term<'_>>, Result<Term<'_>>) = (rows(a, 0), rows(b, 1));
        calc.result(products(a?, b?).reshape(&shape)).map(Output::of)
    }
}
