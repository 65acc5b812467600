//! Attention of several heads (Vaswani et al. 2017), which may share keys and values (Ainslie et al. 2023).

use headwater_core::calc::{Calc, Term};
use headwater_core::Listed;
use headwater_core::{ops, Error, Result, Shape, Tensor};

use super::super::config::Config;
use super::super::layer::{known, pass, show, Call, Dims, Layer, Output, WeightSpec};
use super::super::value::{Map, Value};
use super::attention::{both, causal, dropped, products, roles};
use super::core::{weight, write_weight};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("MultiHeadAttention", |c| layer(Heads::new(c)?)),
    ("GroupQueryAttention", |c| layer(Heads::new(c)?)),
    // As Keras stores it.
    ("GroupedQueryAttention", |c| layer(Heads::new(c)?)),
];

struct Heads {
    class: &'static str,
    heads: usize,
    /// Heads of keys and values, each read by as many of the queries.
    shared: usize,
    key: usize,
    value: usize,
    /// What a step of the output is: as the query where missing.
    output: Option<Vec<usize>>,
    /// Of the steps, or not given, which is the same.
    axes: Option<Value>,
    kernel: WeightSpec,
    bias: Option<WeightSpec>,
    gate: bool,
    dropout: f64,
    causal: bool,
    seed: Option<Value>,
}

impl Heads {
    fn new(c: &Config<'_>) -> Result<Heads> {
        let axes = c.get("attention_axes").cloned();
        let steps = |value: &Value| *value == Value::Number(1.0) || *value == Value::from(vec![1usize]);
        for key in ["attention_axes", "sliding_window", "activity_regularizer"] {
            if let Some(value) = c.get(key).filter(|value| key != "attention_axes" || !steps(value)) {
                return Err(Error::argument(c.class, format_args!("no '{key}', which is not supported"), value));
            }
        }
        let grouped = c.class != "MultiHeadAttention";
        let heads = c.size(if grouped { "num_query_heads" } else { "num_heads" })?;
        let shared = if grouped { c.size("num_key_value_heads")? } else { heads };
        let key = c.size(if grouped { "head_dim" } else { "key_dim" })?;
        if heads == 0 || key == 0 || shared == 0 || !heads.is_multiple_of(shared) {
            let got = format_args!("{heads} heads of {key} with {shared} of keys");
            return Err(Error::argument(c.class, "at least one head, as many for each of the keys'", got));
        }
        let output = match c.get("output_shape") {
            Some(Value::List(_)) => c.list("output_shape")?.map(|list| list.into_iter().map(|n| n as usize).listed()),
            Some(_) => Some(vec![c.size("output_shape")?]),
            None => None,
        };
        Ok(Heads {
            class: c.class,
            heads,
            shared,
            key,
            value: if c.get("value_dim").is_some() { c.size("value_dim")? } else { key },
            output,
            axes,
            kernel: weight(c, "kernel", "GlorotUniform"),
            bias: c.flag("use_bias", true)?.then(|| weight(c, "bias", "Zeros")),
            gate: c.flag("use_gate", false)?,
            dropout: c.number("dropout", 0.0)?,
            causal: c.flag("use_causal_mask", false)?,
            seed: c.get("seed").cloned(),
        })
    }

    fn output(&self, query: &Dims) -> Result<Vec<usize>> {
        match &self.output {
            Some(output) => Ok(output.clone()),
            None => Ok(vec![known(self.class, query, 2)?]),
        }
    }

    /// Kernel and bias of a projection, by their shapes.
    fn projection(&self, name: &str, kernel: Vec<usize>, bias: Vec<usize>) -> Vec<WeightSpec> {
        let of = |spec: &WeightSpec, shape: Vec<usize>| WeightSpec {
            name: format!("{name}/{}", spec.name),
            shape: Shape::from(shape),
            ..spec.clone()
        };
        [of(&self.kernel, kernel)].into_iter().chain(self.bias.iter().map(|b| of(b, bias.clone()))).listed()
    }

    /// `x` times a kernel whose first `axes` axes are `x`'s last ones, and the bias.
    fn project<'a>(&self, x: Term<'a>, weights: &mut &[Tensor], axes: usize) -> Term<'a> {
        let kernel = x.of(&weights[0]);
        let (into, out) = kernel.shape().split_at(axes);
        let (rows, columns) = (into.iter().product(), out.iter().product());
        let mut flat = x.dims();
        flat.truncate(flat.len().saturating_sub(axes));
        let mut shape = flat.clone();
        flat.push(rows);
        shape.extend_from_slice(out);
        if flat.iter().product::<usize>() != x.size() {
            let expected = format_args!("an input whose last dimension is {rows}");
            return x.fail(Error::shape(self.class, expected, x.shape()));
        }
        let mut y = x.reshape(&flat).matmul(kernel.reshape(&[rows, columns])).reshape(&shape);
        if self.bias.is_some() {
            y = y + x.of(&weights[1]);
        }
        *weights = &weights[1 + usize::from(self.bias.is_some())..];
        y
    }

    /// `[batch, steps, heads, size]` to `[batch, all heads, steps, size]`.
    fn split<'a>(&self, x: Term<'a>) -> Term<'a> {
        let [batch, steps, heads, size] = **x.shape() else {
            return x.fail(Error::shape(self.class, "projections of rank 4", x.shape()));
        };
        let x = x.permute(&[0, 2, 1, 3]);
        if heads == self.heads {
            return x;
        }
        let each = self.heads / heads.max(1);
        x.expand(2).broadcast(&[batch, heads, each, steps, size]).reshape(&[batch, self.heads, steps, size])
    }

    /// Which keys each query reads: `[batch, 1, queries, keys]`.
    fn mask<'a>(&self, query: Term<'a>, value: &Tensor, call: &Call<'_>) -> Option<Term<'a>> {
        let at = |input: usize, axis: isize| call.mask(input).map(|mask| query.of(mask).expand(axis).expand(1));
        let earlier = self.causal.then(|| causal(query, query.dim(1), value.shape()[1]));
        both(both(at(0, -1), at(1, -2)), both(at(2, -2), earlier))
    }
}

impl Layer for Heads {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        if self.class != "MultiHeadAttention" {
            to.set("num_query_heads", self.heads);
            to.set("num_key_value_heads", self.shared);
            to.set("head_dim", self.key);
        } else {
            to.set("num_heads", self.heads);
            to.set("key_dim", self.key);
            to.set("value_dim", self.value);
            to.set("output_shape", self.output.clone());
            to.set("attention_axes", self.axes.clone());
        }
        to.set("use_bias", self.bias.is_some());
        to.set("use_gate", self.gate);
        to.set("dropout", self.dropout);
        to.set("seed", self.seed.clone());
        write_weight(to, &self.kernel);
        self.bias.iter().for_each(|b| write_weight(to, b));
        if self.causal {
            to.set("use_causal_mask", true);
        }
    }

    fn weights(&self, inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        let (query, value, key) = roles(self.class, inputs)?;
        for input in [query, value, key] {
            if input.len() != 3 {
                return Err(Error::shape(self.class, "inputs of rank 3", show(input)));
            }
        }
        let width = |input: &Dims| known(self.class, input, 2);
        let into = |name: &str, from: usize, heads: usize, size: usize| {
            self.projection(name, vec![from, heads, size], vec![heads, size])
        };
        let mut specs = into("query", width(query)?, self.heads, self.key);
        specs.extend(into("key", width(key)?, self.shared, self.key));
        if self.gate {
            specs.extend(into("gate", width(query)?, self.heads, self.value));
        }
        specs.extend(into("value", width(value)?, self.shared, self.value));
        let output = self.output(query)?;
        let kernel = [&[self.heads, self.value], &output[..]].concat();
        specs.extend(self.projection("attention_output", kernel, output));
        Ok(specs)
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let (query, ..) = roles(self.class, inputs)?;
        if query.len() != 3 {
            return Err(Error::shape(self.class, "inputs of rank 3", show(query)));
        }
        let output = self.output(query)?.into_iter().map(Some);
        Ok(vec![query[..2].iter().copied().chain(output).listed()])
    }

    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let (query, value, key) = roles(self.class, inputs)?;
        if let Some(x) = inputs.iter().find(|x| x.rank() != 3) {
            return Err(Error::shape(self.class, "inputs of rank 3", x.shape()));
        }
        let mut rest = weights;
        let calc = Calc::default();
        let query = calc.of(query);
        let q = self.split(self.project(query, &mut rest, 1));
        let k = self.split(self.project(calc.of(key), &mut rest, 1));
        let gate = self.gate.then(|| self.project(query, &mut rest, 1));
        let v = self.split(self.project(calc.of(value), &mut rest, 1));
        let mut scores = products(q * (1.0 / (self.key as f64).sqrt()), k);
        let mask = self.mask(query, value, call);
        if let Some(mask) = mask {
            scores = scores.where_else(mask, -1e9);
        }
        let mut shares = scores.then(&|x| ops::softmax(x, -1));
        if self.dropout > 0.0 {
            // What reads nothing is 0 then, and the mean of all values otherwise, as in Keras.
            if let Some(mask) = mask {
                shares = shares.where_else(mask, 0.0);
            }
            if call.training {
                shares = dropped(shares, self.dropout, call, self.seed.as_ref());
            }
        }
        let mut y = shares.matmul(v).permute(&[0, 2, 1, 3]);
        if let Some(gate) = gate {
            y = y * gate.map(ops::sigmoid);
        }
        calc.result(self.project(y, &mut rest, 2)).map(Output::of)
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}
