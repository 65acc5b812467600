//! Products by equations.

use headwater_core::Listed;
use headwater_core::{ops, AllOk, Error, Result, Tensor};

use super::super::activations::activation;
use super::super::config::Config;
use super::super::layer::{known, show, single, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::{Map, Value};
use super::core::{weight, write_weight};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[("EinsumDense", |c| layer(EinsumDense::new(c)?))];

/// The names of a term's dimensions; an ellipsis, which stands for those without names, is before or after them.
struct Term {
    names: Vec<char>,
    before: bool,
}

impl Term {
    fn new(text: &str) -> Term {
        Term { names: text.chars().filter(|c| c.is_alphabetic()).listed(), before: text.trim().starts_with("...") }
    }

    /// Where the dimension of a name is, of `rank`.
    fn place(&self, name: char, rank: usize) -> Option<usize> {
        let at = self.names.iter().position(|&n| n == name)?;
        Some(if self.before { (at + rank).saturating_sub(self.names.len()) } else { at })
    }

    /// The size of the dimension of a name.
    fn size(&self, name: char, dims: &Dims) -> Option<usize> {
        dims.get(self.place(name, dims.len())?).copied().flatten()
    }
}

/// A product with a kernel by an equation such as `abc,cd->abd` or `...x,xy->...y`.
struct EinsumDense {
    equation: String,
    input: Term,
    names: Vec<char>,
    result: Term,
    /// The sizes that the result's names have, without the batch; null where the input says.
    given: Vec<Value>,
    bias_axes: Option<String>,
    activation: String,
    kernel: WeightSpec,
    bias: WeightSpec,
}

impl EinsumDense {
    fn new(c: &Config<'_>) -> Result<EinsumDense> {
        let equation = c.text("equation", "")?;
        let parts = equation.split_once("->").and_then(|(left, right)| Some((left.split_once(',')?, right)));
        let wrong = || Error::argument(c.class, "an 'equation' such as 'abc,cd->abd'", equation);
        let ((input, kernel), result) = parts.ok_or_else(wrong)?;
        let given = match c.get("output_shape") {
            Some(Value::List(given)) => given.clone(),
            _ => vec![c.size("output_shape")?.into()],
        };
        let bias_axes = c.get("bias_axes").and_then(Value::text).map(String::from);
        Ok(EinsumDense {
            equation: equation.into(),
            input: Term::new(input),
            names: Term::new(kernel).names,
            result: Term::new(result),
            given,
            bias_axes,
            activation: c.activation()?,
            kernel: weight(c, "kernel", "GlorotUniform"),
            bias: weight(c, "bias", "Zeros"),
        })
    }

    /// The shape of the result for that of an input.
    fn shape(&self, input: &Dims) -> Result<Dims> {
        let wrong = || {
            let expected = format_args!("an input and an 'output_shape' for '{}'", self.equation);
            Error::shape(
                "EinsumDense",
                expected,
                format_args!("{} and {}", show(input), Value::List(self.given.clone())),
            )
        };
        let under = input.len().checked_sub(self.input.names.len()).ok_or_else(wrong)?;
        let Some((batch, rest)) = input.split_first() else { return Err(wrong()) };
        let mut shape: Dims = [*batch].into_iter().chain(self.given.iter().map(Value::size)).collect();
        if self.input.before {
            // The batch is the first of those without a name.
            let between = rest.get(..under.saturating_sub(1)).ok_or_else(wrong)?;
            shape.splice(1..1, between.iter().copied());
        } else {
            shape.extend(&input[input.len() - under..]);
        }
        if shape.len() != under + self.result.names.len() {
            return Err(wrong());
        }
        for &name in &self.result.names {
            if let Some(at) = self.result.place(name, shape.len()) {
                shape[at] = shape[at].or(self.input.size(name, input));
            }
        }
        Ok(shape)
    }
}

impl Layer for EinsumDense {
    fn class_name(&self) -> &'static str {
        "EinsumDense"
    }

    fn config(&self, to: &mut Map) {
        to.set("equation", self.equation.as_str());
        to.set("output_shape", Value::List(self.given.clone()));
        to.set("activation", self.activation.as_str());
        to.set("bias_axes", self.bias_axes.as_deref());
        write_weight(to, &self.kernel);
        write_weight(to, &self.bias);
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let input = single("EinsumDense", inputs)?;
        let result = self.shape(input)?;
        let size = |&name: &char| {
            let size = self.result.size(name, &result).or_else(|| self.input.size(name, input));
            size.ok_or_else(|| Error::shape("EinsumDense", format_args!("a known dimension '{name}'"), show(input)))
        };
        let shape: Vec<usize> = self.names.iter().map(size).all_ok()?;
        let mut specs = vec![WeightSpec { shape: shape.into(), ..self.kernel.clone() }];
        if let Some(axes) = &self.bias_axes {
            // It reaches from the first of its axes on.
            let places: Option<Vec<usize>> = axes.chars().map(|name| self.result.place(name, result.len())).collect();
            let places = places.filter(|places| !places.is_empty());
            let places =
                places.ok_or_else(|| Error::argument("EinsumDense", "names of the result as 'bias_axes'", axes))?;
            let first = places.iter().copied().min().unwrap_or(0);
            let size = |at: usize| if places.contains(&at) { known("EinsumDense", &result, at) } else { Ok(1) };
            let shape: Vec<usize> = (first..result.len()).map(size).all_ok()?;
            specs.push(WeightSpec { shape: shape.into(), ..self.bias.clone() });
        }
        Ok(specs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        Ok(vec![self.shape(single("EinsumDense", inputs)?)?])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], _call: &Call<'_>) -> Result<Output> {
        let y = ops::einsum(&self.equation, &[single("EinsumDense", inputs)?, &weights[0]])?;
        let y = if self.bias_axes.is_some() { ops::add(&y, &weights[1])? } else { y };
        activation(&self.activation, &y).map(Output::of)
    }
}
