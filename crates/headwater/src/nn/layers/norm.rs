//! Normalisation and scaling.

use headwater_core::calc::{each, Calc, Term};
use headwater_core::AllOk;
use headwater_core::Listed;
use headwater_core::{ops, Error, Result, Shape, Tensor};

use super::super::config::{axes_value, Config};
use super::super::layer::{known, pass, position, single, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::{Map, Value};
use super::core::{weight, write_weight};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("BatchNormalization", |c| layer(BatchNormalization::new(c)?)),
    ("LayerNormalization", |c| layer(LayerNormalization::new(c)?)),
    ("Rescaling", |c| layer(Rescaling::new(c)?)),
];

/// The axis of a configuration: a number, or a list of one.
fn axis(c: &Config<'_>) -> Result<isize> {
    Ok(c.number("axis", -1.0)? as isize)
}

/// Refuses a key that would compute something else.
fn refuse(c: &Config<'_>, key: &str) -> Result<()> {
    match c.flag(key, false)? {
        true => Err(Error::argument(c.class, format_args!("no '{key}', which is not supported"), "true")),
        false => Ok(()),
    }
}

struct BatchNormalization {
    axis: isize,
    momentum: f64,
    epsilon: f64,
    gamma: Option<WeightSpec>,
    beta: Option<WeightSpec>,
    mean: WeightSpec,
    variance: WeightSpec,
}

impl BatchNormalization {
    fn new(c: &Config<'_>) -> Result<BatchNormalization> {
        refuse(c, "renorm")?;
        let moving = |name: &str, default: &str| WeightSpec { trainable: false, ..weight(c, name, default) };
        Ok(BatchNormalization {
            axis: axis(c)?,
            momentum: c.number("momentum", 0.99)?,
            epsilon: c.number("epsilon", 1e-3)?,
            gamma: c.flag("scale", true)?.then(|| weight(c, "gamma", "Ones")),
            beta: c.flag("center", true)?.then(|| weight(c, "beta", "Zeros")),
            mean: moving("moving_mean", "Zeros"),
            variance: moving("moving_variance", "Ones"),
        })
    }
}

/// Mean and variance over `axes` of the elements whose step counts.
fn masked_moments<'a>(x: Term<'a>, mask: Term<'a>, axes: &[isize]) -> [Term<'a>; 2] {
    let mask = mask.expand(-1);
    if mask.rank() != x.rank() {
        let expected = format_args!("a mask of rank {}", x.rank().saturating_sub(1));
        return [x.fail(Error::shape("BatchNormalization", expected, mask.shape())); 2];
    }
    let weight = mask.number().broadcast(x.shape());
    let count = weight.sum(axes, true) + 1e-7;
    let average = |x: Term<'a>| (x * weight).sum(axes, true) / count;
    let mean = average(x);
    let variance = average((x - mean).map(ops::square));
    each([mean, variance], &|t| t.then(&|t| ops::squeeze(t, Some(axes))))
}

/// The weights of a scale and an offset, where there are some, in a shape that broadcasts.
pub(super) fn parameters<'a>(
    calc: &'a Calc<'a>,
    specs: [&Option<WeightSpec>; 2],
    weights: &mut std::slice::Iter<'_, Tensor>,
    spread: &[usize],
) -> [Option<Term<'a>>; 2] {
    specs.map(|spec| spec.as_ref().and_then(|_| weights.next()).map(|t| calc.of(t).reshape(spread)))
}

impl Layer for BatchNormalization {
    fn class_name(&self) -> &'static str {
        "BatchNormalization"
    }

    fn config(&self, to: &mut Map) {
        to.set("axis", self.axis);
        to.set("momentum", self.momentum);
        to.set("epsilon", self.epsilon);
        to.set("scale", self.gamma.is_some());
        to.set("center", self.beta.is_some());
        to.set("moving_mean_initializer", self.mean.initializer.clone());
        to.set("moving_variance_initializer", self.variance.initializer.clone());
        self.gamma.iter().chain(&self.beta).for_each(|w| write_weight(to, w));
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("BatchNormalization", inputs)?;
        let n = known("BatchNormalization", input, position("BatchNormalization", self.axis, input.len())?)?;
        let all = self.gamma.iter().chain(&self.beta).chain([&self.mean, &self.variance]);
        Ok(all.map(|w| WeightSpec { shape: Shape::from([n]), ..w.clone() }).collect())
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("BatchNormalization", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single("BatchNormalization", inputs)?;
        let axis = x.shape().axis(self.axis, "BatchNormalization")?;
        let mut spread = vec![1; x.rank()];
        spread[axis] = x.shape()[axis];
        let calc = Calc::default();
        let mut next = weights.iter();
        let [gamma, beta] = parameters(&calc, [&self.gamma, &self.beta], &mut next, &spread);
        let (Some(mean), Some(variance)) = (next.next(), next.next()) else {
            return Err(Error::argument("BatchNormalization", "its weights", weights.len()));
        };
        let x = calc.of(x);
        let moving = calc.both(mean, variance);
        let mut used = moving;
        if call.training {
            let others: Vec<isize> = (0..x.rank()).filter(|&d| d != axis).map(|d| d as isize).listed();
            used = match call.mask(0) {
                None => x.two(&|x| ops::moments(x, Some(&others), false)),
                Some(mask) => masked_moments(x, calc.of(mask), &others),
            };
        }
        let wide = each(used, &|t| t.reshape(&spread));
        let y = normalized(x, wide, [gamma, beta], self.epsilon);
        let mut updates = Vec::new();
        if call.training {
            for i in 0..2 {
                let new = used[i].map(Tensor::stop_gradient);
                let moved = moving[i] * self.momentum + new * (1.0 - self.momentum);
                updates.push((weights.len() - 2 + i, calc.result(moved)?));
            }
        }
        Ok(Output { updates, ..Output::of(calc.result(y)?) })
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

/// As [`ops::batch_norm`].
pub(super) fn normalized<'a>(
    x: Term<'a>,
    [mean, variance]: [Term<'a>; 2],
    [gamma, beta]: [Option<Term<'a>>; 2],
    epsilon: f64,
) -> Term<'a> {
    let (gamma, beta) = (gamma.map(Term::value), beta.map(Term::value));
    x.then(&|x| ops::batch_norm(x, mean.value(), variance.value(), beta, gamma, epsilon as f32))
}

struct LayerNormalization {
    axes: Vec<isize>,
    epsilon: f64,
    gamma: Option<WeightSpec>,
    beta: Option<WeightSpec>,
}

impl LayerNormalization {
    fn new(c: &Config<'_>) -> Result<LayerNormalization> {
        refuse(c, "rms_scaling")?;
        Ok(LayerNormalization {
            axes: c.axes("axis", -1)?,
            epsilon: c.number("epsilon", 1e-3)?,
            gamma: c.flag("scale", true)?.then(|| weight(c, "gamma", "Ones")),
            beta: c.flag("center", true)?.then(|| weight(c, "beta", "Zeros")),
        })
    }
}

impl Layer for LayerNormalization {
    fn class_name(&self) -> &'static str {
        "LayerNormalization"
    }

    fn config(&self, to: &mut Map) {
        to.set("axis", axes_value(&self.axes));
        to.set("epsilon", self.epsilon);
        to.set("scale", self.gamma.is_some());
        to.set("center", self.beta.is_some());
        self.gamma.iter().chain(&self.beta).for_each(|w| write_weight(to, w));
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("LayerNormalization", inputs)?;
        let size =
            |&axis: &isize| known("LayerNormalization", input, position("LayerNormalization", axis, input.len())?);
        let shape: Shape = self.axes.iter().map(size).collect::<Result<_>>()?;
        Ok(self.gamma.iter().chain(&self.beta).map(|w| WeightSpec { shape: shape.clone(), ..w.clone() }).listed())
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("LayerNormalization", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("LayerNormalization", inputs)?;
        let axes: Vec<usize> = self.axes.iter().map(|&axis| x.shape().axis(axis, "LayerNormalization")).all_ok()?;
        let mut spread = vec![1; x.rank()];
        axes.iter().for_each(|&d| spread[d] = x.shape()[d]);
        let calc = Calc::default();
        let [gamma, beta] = parameters(&calc, [&self.gamma, &self.beta], &mut weights.iter(), &spread);
        calc.check()?;
        let (gamma, beta) = (gamma.map(Term::value), beta.map(Term::value));
        ops::layer_norm(x, Some(&self.axes), gamma, beta, self.epsilon).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

/// `x * scale + offset`, with one number for all or one per element of the last axis.
struct Rescaling {
    scale: Vec<f64>,
    offset: Vec<f64>,
}

impl Rescaling {
    fn new(c: &Config<'_>) -> Result<Rescaling> {
        let numbers = |key: &str, default: f64| match c.get(key) {
            Some(Value::List(_)) => Ok(c.list(key)?.unwrap_or_default()),
            _ => Ok(vec![c.number(key, default)?]),
        };
        Ok(Rescaling { scale: numbers("scale", 1.0)?, offset: numbers("offset", 0.0)? })
    }
}

impl Layer for Rescaling {
    fn class_name(&self) -> &'static str {
        "Rescaling"
    }

    fn config(&self, to: &mut Map) {
        let write = |v: &[f64]| if let [one] = v { Value::from(*one) } else { Value::from(v.to_vec()) };
        to.set("scale", write(&self.scale));
        to.set("offset", write(&self.offset));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("Rescaling", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let calc = Calc::default();
        let x = calc.of(single("Rescaling", inputs)?).number();
        let parameter = |v: &[f64]| if let [one] = v { x.like(*one) } else { x.vector(v) };
        calc.result(x * parameter(&self.scale) + parameter(&self.offset)).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}
