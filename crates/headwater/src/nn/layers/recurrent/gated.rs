//! Cells made of matrix products: simple, LSTM (Hochreiter & Schmidhuber 1997) and GRU (Cho et al. 2014).

use headwater_core::calc::{Calc, Term};
use headwater_core::ops::hash_key;
use headwater_core::Listed;
use headwater_core::{Device, Error, Result, Shape, Tensor};

use super::super::super::activations::activation;
use super::super::super::config::Config;
use super::super::super::layer::{known, own_seed, show, Call, Dims, WeightSpec};
use super::super::super::value::{Map, Value};
use super::super::core::{weight, write_weight, write_weight_as};
use super::cell::{drop_of, sizes, Cell, Drops};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Simple,
    Lstm,
    Gru,
}

/// What all cells have: weights, activations and rates.
pub(super) struct Parts {
    pub activation: String,
    pub recurrent_activation: String,
    pub kernel: WeightSpec,
    pub recurrent: WeightSpec,
    pub bias: Option<WeightSpec>,
    /// The forget gate's bias begins at 1 (Jozefowicz et al. 2015).
    pub unit_forget_bias: bool,
    pub dropout: f64,
    pub recurrent_dropout: f64,
    pub seed: Option<Value>,
}

impl Parts {
    pub fn new(c: &Config<'_>) -> Result<Parts> {
        let rate = |key: &str| Ok(c.number(key, 0.0)?.clamp(0.0, 1.0));
        let mut recurrent = weight(c, "recurrent", "Orthogonal");
        recurrent.name = "recurrent_kernel".into();
        Ok(Parts {
            activation: c.activation_of("activation", "tanh")?,
            recurrent_activation: c.activation_of("recurrent_activation", "sigmoid")?,
            kernel: weight(c, "kernel", "GlorotUniform"),
            recurrent,
            bias: c.flag("use_bias", true)?.then(|| weight(c, "bias", "Zeros")),
            unit_forget_bias: c.flag("unit_forget_bias", true)?,
            dropout: rate("dropout")?,
            recurrent_dropout: rate("recurrent_dropout")?,
            seed: c.get("seed").cloned(),
        })
    }

    pub fn write(&self, to: &mut Map) {
        to.set("activation", self.activation.as_str());
        to.set("use_bias", self.bias.is_some());
        write_weight(to, &self.kernel);
        write_weight_as(to, "recurrent", &self.recurrent);
        self.bias.iter().for_each(|b| write_weight(to, b));
        to.set("dropout", self.dropout);
        to.set("recurrent_dropout", self.recurrent_dropout);
        to.set("seed", self.seed.clone());
    }

    /// The bias of an LSTM for so many units.
    pub fn lstm_bias(&self, units: usize) -> Option<WeightSpec> {
        let bias = self.bias.as_ref()?;
        let mut spec = WeightSpec { shape: Shape::from([4 * units]), ..bias.clone() };
        if self.unit_forget_bias {
            let mut config = Map::default();
            config.set("bias_initializer", bias.initializer.clone());
            let mut initializer = Map::default();
            initializer.set("class_name", "UnitForgetBias");
            initializer.set("config", config);
            spec.initializer = initializer.into();
        }
        Some(spec)
    }

    /// What a call drops of an input and a state of these shapes.
    pub fn drops(&self, device: &Device, step: &Shape, state: &Shape, call: &Call<'_>) -> Result<Vec<Drops>> {
        let seed = own_seed(call, self.seed.as_ref());
        let input = drop_of(device, step, self.dropout, hash_key(seed, 1))?;
        let recurrent = drop_of(device, state, self.recurrent_dropout, hash_key(seed, 2))?;
        Ok(vec![Drops { input, recurrent }])
    }

    /// Output and carry of an LSTM from its four gates' sums along the last axis.
    pub fn lstm<'a>(&self, gates: Term<'a>, carry: Term<'a>) -> [Term<'a>; 2] {
        let (last, units) = (gates.rank().saturating_sub(1), gates.last() / 4);
        let part = |i: usize, name: &str| named(gates.part(last, i * units, units), name);
        let gate = |i: usize| part(i, &self.recurrent_activation);
        let fresh = gate(0) * part(2, &self.activation);
        let carry = gate(1) * carry + fresh;
        [gate(3) * named(carry, &self.activation), carry]
    }
}

/// The activation of a name.
fn named<'a>(x: Term<'a>, name: &str) -> Term<'a> {
    x.then(&|x| activation(name, x))
}

pub(super) struct Gated {
    class: &'static str,
    kind: Kind,
    units: usize,
    parts: Parts,
    /// The reset gate of a GRU acts on the product of the state, not on the state (Chung et al. 2014, as in cuDNN).
    reset_after: bool,
    implementation: Option<Value>,
}

impl Gated {
    pub fn new(c: &Config<'_>, kind: Kind) -> Result<Gated> {
        Ok(Gated {
            class: match kind {
                Kind::Simple => "SimpleRNNCell",
                Kind::Lstm => "LSTMCell",
                Kind::Gru => "GRUCell",
            },
            kind,
            units: c.size("units")?,
            parts: Parts::new(c)?,
            reset_after: c.flag("reset_after", true)?,
            implementation: c.get("implementation").cloned(),
        })
    }

    fn gates(&self) -> usize {
        match self.kind {
            Kind::Simple => 1,
            Kind::Lstm => 4,
            Kind::Gru => 3,
        }
    }

    /// A GRU's bias of the state: the second of two rows.
    fn recurrent_bias<'a>(&self, beside: Term<'a>, weights: &[Tensor]) -> Option<Term<'a>> {
        let some = self.kind == Kind::Gru && self.reset_after && self.parts.bias.is_some();
        some.then(|| beside.of(&weights[2]).slice(&[1, 0], &[1, 3 * self.units]))
    }

    fn gru<'a>(&self, x: Term<'a>, h: Term<'a>, weights: &[Tensor], dropped: Term<'a>) -> Term<'a> {
        let (n, kernel) = (self.units, x.of(&weights[1]));
        let mut inner = dropped.matmul(if self.reset_after { kernel } else { kernel.part(1, 0, 2 * n) });
        if let Some(bias) = self.recurrent_bias(x, weights) {
            inner = inner + bias;
        }
        let of = |x: Term<'a>, i: usize| x.part(1, i * n, n);
        let gate = |i: usize| named(of(x, i) + of(inner, i), &self.parts.recurrent_activation);
        let (update, reset) = (gate(0), gate(1));
        let recurrent =
            if self.reset_after { reset * of(inner, 2) } else { (reset * dropped).matmul(kernel.part(1, 2 * n, n)) };
        let fresh = named(of(x, 2) + recurrent, &self.parts.activation);
        update * h + (1.0 - update) * fresh
    }
}

impl Cell for Gated {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set("units", self.units);
        self.parts.write(to);
        if self.kind != Kind::Simple {
            to.set("recurrent_activation", self.parts.recurrent_activation.as_str());
        }
        if self.kind == Kind::Lstm {
            to.set("unit_forget_bias", self.parts.unit_forget_bias);
        }
        if self.kind == Kind::Gru {
            to.set("reset_after", self.reset_after);
        }
        if let Some(implementation) = &self.implementation {
            to.set("implementation", implementation.clone());
        }
    }

    fn weights(&self, step: &Dims) -> Result<Vec<WeightSpec>> {
        if step.len() != 2 {
            return Err(Error::shape(self.class, "steps of rank 2", show(step)));
        }
        let width = self.gates() * self.units;
        let of = |spec: &WeightSpec, rows: usize| WeightSpec { shape: Shape::from([rows, width]), ..spec.clone() };
        let kernel = of(&self.parts.kernel, known(self.class, step, 1)?);
        let bias = match self.kind {
            Kind::Lstm => self.parts.lstm_bias(self.units),
            Kind::Gru if self.reset_after => self.parts.bias.as_ref().map(|bias| of(bias, 2)),
            _ => self.parts.bias.as_ref().map(|bias| WeightSpec { shape: Shape::from([width]), ..bias.clone() }),
        };
        Ok([kernel, of(&self.parts.recurrent, self.units)].into_iter().chain(bias).listed())
    }

    fn weight_count(&self) -> usize {
        2 + usize::from(self.parts.bias.is_some())
    }

    fn state_count(&self) -> usize {
        if self.kind == Kind::Lstm {
            2
        } else {
            1
        }
    }

    fn states(&self, step: &Dims) -> Result<Vec<Dims>> {
        let state = vec![step.first().copied().flatten(), Some(self.units)];
        Ok(vec![state; self.state_count()])
    }

    fn project(&self, x: &Tensor, weights: &[Tensor]) -> Result<Tensor> {
        let calc = Calc::default();
        let mut y = calc.of(x).matmul(calc.of(&weights[0]));
        if self.parts.bias.is_some() {
            let mut bias = calc.of(&weights[2]);
            if self.kind == Kind::Gru && self.reset_after {
                bias = bias.slice(&[0, 0], &[1, 3 * self.units]);
            }
            y = y + bias;
        }
        calc.result(y)
    }

    fn step(&self, x: &Tensor, states: &[Tensor], weights: &[Tensor], drops: &[Drops]) -> Result<Vec<Tensor>> {
        let calc = Calc::default();
        let before = calc.of(&states[0]);
        let mut h = before;
        if let Some(factor) = drops.first().and_then(|d| d.recurrent.as_ref()) {
            h = h * calc.of(factor);
        }
        let x = calc.of(x);
        if self.kind == Kind::Gru {
            return calc.results(&[self.gru(x, before, weights, h)]);
        }
        let sums = x + h.matmul(calc.of(&weights[1]));
        match self.kind {
            Kind::Lstm => calc.results(&self.parts.lstm(sums, calc.of(&states[1]))),
            _ => calc.results(&[named(sums, &self.parts.activation)]),
        }
    }

    fn drops(&self, device: &Device, step: &Shape, call: &Call<'_>) -> Result<Vec<Drops>> {
        let state = sizes(self.class, &vec![step.first().copied(), Some(self.units)])?;
        self.parts.drops(device, step, &state, call)
    }
}
