//! Normalisation and scaling.

use headwater_core::AllOk;
use headwater_core::{ops, DType, Error, HostSlice, Result, Shape, Tensor};

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
fn masked_moments(x: &Tensor, mask: &Tensor, axes: &[isize]) -> Result<(Tensor, Tensor)> {
    let mask = ops::expand_dims(mask, -1)?;
    if mask.rank() != x.rank() {
        let expected = format!("a mask of rank {}", x.rank().saturating_sub(1));
        return Err(Error::shape("BatchNormalization", expected, mask.shape()));
    }
    let weight = ops::broadcast_to(&mask.cast(DType::F32)?, x.shape())?;
    let count = ops::sum(&weight, Some(axes), true)?;
    let count = ops::add(&count, &count.constant(1e-7))?;
    let average = |x: &Tensor| ops::real_div(&ops::sum(&ops::mul(x, &weight)?, Some(axes), true)?, &count);
    let mean = average(x)?;
    let variance = average(&ops::square(&ops::sub(x, &mean)?)?)?;
    Ok((ops::squeeze(&mean, Some(axes))?, ops::squeeze(&variance, Some(axes))?))
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
        let spread: Shape = (0..x.rank()).map(|d| if d == axis { x.shape()[d] } else { 1 }).collect();
        let wide = |t: &Tensor| ops::reshape(t, &spread);
        let mut next = weights.iter();
        let gamma = self.gamma.as_ref().and_then(|_| next.next()).map(wide).transpose()?;
        let beta = self.beta.as_ref().and_then(|_| next.next()).map(wide).transpose()?;
        let (Some(mean), Some(variance)) = (next.next(), next.next()) else {
            return Err(Error::argument("BatchNormalization", "its weights", weights.len()));
        };
        if !call.training {
            let y =
                ops::batch_norm(x, &wide(mean)?, &wide(variance)?, beta.as_ref(), gamma.as_ref(), self.epsilon as f32)?;
            return Ok(Output::of(y));
        }
        let others: Vec<isize> = (0..x.rank()).filter(|&d| d != axis).map(|d| d as isize).collect();
        let (batch_mean, batch_variance) = match call.mask(0) {
            None => ops::moments(x, Some(&others), false)?,
            Some(mask) => masked_moments(x, mask, &others)?,
        };
        let y = ops::batch_norm(
            x,
            &wide(&batch_mean)?,
            &wide(&batch_variance)?,
            beta.as_ref(),
            gamma.as_ref(),
            self.epsilon as f32,
        )?;
        let moved = |old: &Tensor, new: &Tensor| {
            let new = new.stop_gradient()?;
            let keep = ops::mul(old, &old.constant(self.momentum))?;
            ops::add(&keep, &ops::mul(&new, &new.constant(1.0 - self.momentum))?)
        };
        let first = weights.len() - 2;
        let updates = vec![(first, moved(mean, &batch_mean)?), (first + 1, moved(variance, &batch_variance)?)];
        Ok(Output { updates, ..Output::of(y) })
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

struct LayerNormalization {
    axes: Vec<isize>,
    epsilon: f64,
    gamma: Option<WeightSpec>,
    beta: Option<WeightSpec>,
}

impl LayerNormalization {
    fn new(c: &Config<'_>) -> Result<LayerNormalization> {
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
        Ok(self.gamma.iter().chain(&self.beta).map(|w| WeightSpec { shape: shape.clone(), ..w.clone() }).collect())
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("LayerNormalization", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("LayerNormalization", inputs)?;
        let axes: Vec<usize> = self.axes.iter().map(|&axis| x.shape().axis(axis, "LayerNormalization")).all_ok()?;
        let spread: Shape = (0..x.rank()).map(|d| if axes.contains(&d) { x.shape()[d] } else { 1 }).collect();
        let mut next = weights.iter();
        let wide = |t: &Tensor| ops::reshape(t, &spread);
        let gamma = self.gamma.as_ref().and_then(|_| next.next()).map(wide).transpose()?;
        let beta = self.beta.as_ref().and_then(|_| next.next()).map(wide).transpose()?;
        ops::layer_norm(x, Some(&self.axes), gamma.as_ref(), beta.as_ref(), self.epsilon).map(Output::of)
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
        let x = single("Rescaling", inputs)?.cast(DType::F32)?;
        let parameter = |v: &[f64]| {
            if let [one] = v {
                return Ok(x.constant(*one));
            }
            let v: Vec<f32> = v.iter().map(|&v| v as f32).collect();
            x.device().tensor(HostSlice::F32(&v), [v.len()])
        };
        ops::add(&ops::mul(&x, &parameter(&self.scale)?)?, &parameter(&self.offset)?).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}
