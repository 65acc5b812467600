//! Normalisation by groups, lengths and spectra.

use headwater_core::calc::{Calc, Term};
use headwater_core::AllOk;
use headwater_core::Listed;
use headwater_core::{number, ops, Error, Result, Shape, Tensor};

use super::super::config::{axes_value, Config};
use super::super::layer::{dims_of, known, pass, position, show, single, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::{Map, Value};
use super::core::{weight, write_weight};
use super::norm::{normalized, parameters};
use super::wrapper::Inner;
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("GroupNormalization", |c| layer(GroupNormalization::new(c)?)),
    ("RMSNormalization", |c| {
        layer(RmsNormalization { axes: c.axes("axis", -1)?, epsilon: c.number("epsilon", 1e-6)? })
    }),
    ("UnitNormalization", |c| layer(UnitNormalization { axes: c.axes("axis", -1)? })),
    ("SpectralNormalization", |c| layer(SpectralNormalization::new(c)?)),
];

/// Mean 0 and variance 1 within groups of channels (Wu & He 2018).
struct GroupNormalization {
    /// `None`: every channel by itself.
    groups: Option<usize>,
    axis: isize,
    epsilon: f64,
    gamma: Option<WeightSpec>,
    beta: Option<WeightSpec>,
}

impl GroupNormalization {
    fn new(c: &Config<'_>) -> Result<GroupNormalization> {
        let groups = c.number("groups", 32.0)?;
        if groups != -1.0 && (groups < 1.0 || groups.fract() != 0.0) {
            return Err(Error::argument(c.class, "-1 or at least 1 as 'groups'", number(groups)));
        }
        Ok(GroupNormalization {
            groups: (groups > 0.0).then_some(groups as usize),
            axis: c.number("axis", -1.0)? as isize,
            epsilon: c.number("epsilon", 1e-3)?,
            gamma: c.flag("scale", true)?.then(|| weight(c, "gamma", "Ones")),
            beta: c.flag("center", true)?.then(|| weight(c, "beta", "Zeros")),
        })
    }
}

impl Layer for GroupNormalization {
    fn class_name(&self) -> &'static str {
        "GroupNormalization"
    }

    fn config(&self, to: &mut Map) {
        to.set("groups", self.groups.map_or(-1, |groups| groups as isize));
        to.set("axis", self.axis);
        to.set("epsilon", self.epsilon);
        to.set("scale", self.gamma.is_some());
        to.set("center", self.beta.is_some());
        self.gamma.iter().chain(&self.beta).for_each(|w| write_weight(to, w));
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("GroupNormalization", inputs)?;
        let n = known("GroupNormalization", input, position("GroupNormalization", self.axis, input.len())?)?;
        let groups = self.groups.unwrap_or(n);
        if groups == 0 || !n.is_multiple_of(groups) {
            return Err(Error::shape(
                "GroupNormalization",
                format_args!("channels divisible by {groups} groups"),
                show(input),
            ));
        }
        Ok(self.gamma.iter().chain(&self.beta).map(|w| WeightSpec { shape: Shape::from([n]), ..w.clone() }).collect())
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("GroupNormalization", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("GroupNormalization", inputs)?;
        let at = position("GroupNormalization", self.axis, x.rank())?;
        let n = x.shape()[at];
        let groups = self.groups.unwrap_or(n).max(1);
        let mut split = x.shape().to_vec();
        split[at] = n / groups;
        split.insert(at, groups);
        let others: Vec<isize> = (1..split.len()).filter(|&d| d != at).map(|d| d as isize).listed();
        let spread: Vec<usize> = (0..split.len()).map(|d| if d == at || d == at + 1 { split[d] } else { 1 }).listed();
        let calc = Calc::default();
        let scales = parameters(&calc, [&self.gamma, &self.beta], &mut weights.iter(), &spread);
        let y = calc.of(x).reshape(&split);
        let moments = y.two(&|x| ops::moments(x, Some(&others), true));
        calc.result(normalized(y, moments, scales, self.epsilon).reshape(x.shape())).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

/// Mean square 1 (Zhang & Sennrich 2019).
struct RmsNormalization {
    axes: Vec<isize>,
    epsilon: f64,
}

impl Layer for RmsNormalization {
    fn class_name(&self) -> &'static str {
        "RMSNormalization"
    }

    fn config(&self, to: &mut Map) {
        to.set("axis", axes_value(&self.axes));
        to.set("epsilon", self.epsilon);
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("RMSNormalization", inputs)?;
        let size = |&axis: &isize| known("RMSNormalization", input, position("RMSNormalization", axis, input.len())?);
        let shape = self.axes.iter().map(size).all_ok()?;
        Ok(vec![WeightSpec::new("scale", shape.into(), Value::class("Ones"), true)])
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("RMSNormalization", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let x = single("RMSNormalization", inputs)?;
        let axes: Vec<usize> = self.axes.iter().map(|&axis| position("RMSNormalization", axis, x.rank())).all_ok()?;
        let mut spread = vec![1; x.rank()];
        axes.iter().for_each(|&d| spread[d] = x.shape()[d]);
        let calc = Calc::default();
        let x = calc.of(x);
        let scale = (x.map(ops::square).mean_along(&self.axes, true) + x.like(self.epsilon)).map(ops::rsqrt);
        calc.result((x * scale) * calc.of(&weights[0]).reshape(&spread)).map(Output::of)
    }
}

/// Length 1.
struct UnitNormalization {
    axes: Vec<isize>,
}

impl Layer for UnitNormalization {
    fn class_name(&self) -> &'static str {
        "UnitNormalization"
    }

    fn config(&self, to: &mut Map) {
        to.set("axis", axes_value(&self.axes));
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![single("UnitNormalization", inputs)?.clone()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let calc = Calc::default();
        calc.result(unit(calc.of(single("UnitNormalization", inputs)?), Some(&self.axes))).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}

/// `x` over its length along `axes`; zeros stay.
pub(super) fn unit<'a>(x: Term<'a>, axes: Option<&[isize]>) -> Term<'a> {
    let square = x.map(ops::square).then(&|x| ops::sum(x, axes, true));
    x * square.with(x.like(1e-24), ops::maximum).map(ops::rsqrt)
}

/// `a bᵀ`.
fn transposed(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    ops::matmul(a, b, false, true)
}

/// A layer whose kernel's largest singular value is kept at 1 in training (Miyato et al. 2018).
struct SpectralNormalization {
    inner: Inner,
    iterations: usize,
}

impl SpectralNormalization {
    fn new(c: &Config<'_>) -> Result<SpectralNormalization> {
        let iterations = c.number("power_iterations", 1.0)?;
        if iterations < 1.0 {
            return Err(Error::argument(c.class, "at least 1 as 'power_iterations'", number(iterations)));
        }
        Ok(SpectralNormalization { inner: Inner::of(c)?, iterations: iterations as usize })
    }

    fn kernel(specs: &[WeightSpec]) -> Result<usize> {
        let kernel = |spec: &WeightSpec| ["kernel", "embeddings", "depthwise_kernel"].contains(&spec.name.as_str());
        let missing = || Error::argument("SpectralNormalization", "a layer with a kernel or embeddings", "none");
        specs.iter().position(kernel).ok_or_else(missing)
    }
}

impl Layer for SpectralNormalization {
    fn class_name(&self) -> &'static str {
        "SpectralNormalization"
    }

    fn config(&self, to: &mut Map) {
        to.set("layer", self.inner.written());
        to.set("power_iterations", self.iterations);
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let mut specs = self.inner.layer.weights(inputs)?;
        let columns = specs[Self::kernel(&specs)?].shape.last().copied().unwrap_or(1);
        let mut config = Map::default();
        config.set("stddev", 0.02);
        let mut initializer = Map::default();
        initializer.set("class_name", "TruncatedNormal");
        initializer.set("config", config);
        let vector = WeightSpec::new("vector_u", Shape::from([1, columns]), initializer.into(), false);
        // Where Keras has it.
        specs.insert(Self::kernel(&specs)? + 1, vector);
        Ok(specs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        self.inner.layer.output_shape(inputs)
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let shapes: Vec<Dims> = inputs.iter().map(|x| dims_of(x.shape())).listed();
        let specs = self.weights(&shapes)?;
        let kernel = Self::kernel(&specs)?;
        let vector = specs.iter().position(|spec| spec.name == "vector_u").unwrap_or(specs.len() - 1);
        let mut own: Vec<Tensor> = weights.to_vec();
        let u = own.remove(vector);
        let mut updates = Vec::new();
        if call.training {
            let calc = Calc::default();
            let k = calc.of(&weights[kernel]).map(Tensor::stop_gradient);
            let columns = k.last();
            let matrix = k.reshape(&[k.size() / columns.max(1), columns]);
            let mut right = calc.of(&u);
            let mut v = right;
            for _ in 0..self.iterations {
                v = unit(right.with(matrix, transposed), None);
                right = unit(v.matmul(matrix), None);
            }
            let sigma = v.matmul(matrix).with(right, transposed);
            let scaled = k.over(sigma.reshape(&[]));
            updates = vec![(kernel, calc.result(scaled)?), (vector, calc.result(right)?)];
            // The gradient is that of the new kernel, which replaces the old one.
            own[kernel] = calc.result(calc.of(&weights[kernel]) + (scaled - k))?;
        }
        let mut output = self.inner.layer.call(inputs, &own, call)?;
        let shifted = |(i, update): (usize, Tensor)| (if i >= vector { i + 1 } else { i }, update);
        output.updates = output.updates.into_iter().map(shifted).chain(updates).listed();
        Ok(output)
    }

    fn masks(&self, inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        self.inner.layer.masks(inputs, masks)
    }
}
