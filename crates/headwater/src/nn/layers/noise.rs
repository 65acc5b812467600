//! Layers that are random in training and nothing in inference.

#[cfg(feature = "layers-normalization")]
use headwater_core::calc::Calc;
use headwater_core::selection::GRADIENTS;
use headwater_core::{ops, Error, Result, Shape, Tensor};

use super::super::config::{data_format, Config};
use super::super::layer::{own_seed, pass, ranked, single, Call, Dims, Layer, Output};
use super::super::value::{Map, Value};
use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Dropout", |c| layer(Noise::new(c, Kind::Dropout, "rate")?)),
    ("SpatialDropout1D", |c| layer(Noise::new(c, Kind::SpatialDropout, "rate")?)),
    ("SpatialDropout2D", |c| layer(Noise::new(c, Kind::SpatialDropout, "rate")?)),
    #[cfg(feature = "layers-volumes")]
    ("SpatialDropout3D", |c| layer(Noise::new(c, Kind::SpatialDropout, "rate")?)),
    #[cfg(feature = "layers-normalization")]
    ("AlphaDropout", |c| layer(Noise::new(c, Kind::Alpha, "rate")?)),
    ("GaussianNoise", |c| layer(Noise::new(c, Kind::Gaussian, "stddev")?)),
    ("GaussianDropout", |c| layer(Noise::new(c, Kind::GaussianDropout, "rate")?)),
];

enum Kind {
    Dropout,
    SpatialDropout,
    #[cfg(feature = "layers-normalization")]
    Alpha,
    Gaussian,
    GaussianDropout,
}

struct Noise {
    class: &'static str,
    kind: Kind,
    key: &'static str,
    amount: f64,
    channels_first: bool,
    /// What is drawn once: a size of 1; null is the input's.
    shape: Option<Value>,
    seed: Option<Value>,
}

impl Noise {
    fn new(c: &Config<'_>, kind: Kind, key: &'static str) -> Result<Noise> {
        Ok(Noise {
            class: c.class,
            kind,
            key,
            amount: c.number(key, 0.0)?,
            channels_first: c.channels_first()?,
            shape: c.get("noise_shape").cloned(),
            seed: c.get("seed").cloned(),
        })
    }

    /// The shape of what is drawn for a dropout.
    fn drawn(&self, x: &Shape) -> Result<Shape> {
        let Some(shape) = &self.shape else { return Ok(x.clone()) };
        let wrong = || Error::argument(self.class, format_args!("{} sizes as 'noise_shape'", x.rank()), shape);
        let sizes = shape.list().filter(|sizes| sizes.len() == x.rank()).ok_or_else(wrong)?;
        Ok(sizes.iter().zip(x.iter()).map(|(size, &n)| size.size().unwrap_or(n)).collect())
    }
}

impl Layer for Noise {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self, to: &mut Map) {
        to.set(self.key, self.amount);
        to.set("seed", self.seed.clone());
        if matches!(self.class, "Dropout" | "AlphaDropout") {
            to.set("noise_shape", self.shape.clone());
        }
        if matches!(self.class, "SpatialDropout2D" | "SpatialDropout3D") {
            to.set("data_format", data_format(self.channels_first));
        }
    }

    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>> {
        let input = match self.class {
            "SpatialDropout1D" => ranked(self.class, inputs, 3),
            "SpatialDropout2D" => ranked(self.class, inputs, 4),
            _ => single(self.class, inputs),
        };
        Ok(vec![input?.clone()])
    }

    fn call(&self, inputs: &[Tensor], _weights: &[Tensor], call: &Call<'_>) -> Result<Output> {
        let x = single(self.class, inputs)?;
        if !GRADIENTS || !call.training || self.amount == 0.0 {
            return Ok(Output::of(x.clone()));
        }
        let amount = self.amount as f32;
        let seed = own_seed(call, self.seed.as_ref());
        let normal = |mean: f32, deviation: f32| ops::random_normal(x.device(), x.shape(), mean, deviation, seed);
        let y = match self.kind {
            Kind::Dropout => ops::dropout(x, amount, Some(&self.drawn(x.shape())?), seed)?,
            #[cfg(feature = "layers-normalization")]
            // What is dropped becomes the least value of SELU, mean and variance stay (Klambauer et al. 2017).
            Kind::Alpha => {
                let (least, rate) = (-1.758_099_340_847_376_6, self.amount);
                let calc = Calc::default();
                let x = calc.of(x);
                let kept = x.then(&|x| ops::random_uniform(x.device(), &self.drawn(x.shape())?, 0.0, 1.0, seed));
                let kept = kept.by(rate, ops::greater_equal);
                let a = ((1.0 - rate) * (1.0 + rate * least * least)).sqrt().recip();
                calc.result(x.where_else(kept, least) * a + -a * least * rate)?
            }
            Kind::SpatialDropout => {
                // Whole channels are dropped together.
                let channel = if self.channels_first { 1 } else { x.rank().saturating_sub(1) };
                let noise: Shape =
                    x.shape().iter().enumerate().map(|(d, &n)| if d == 0 || d == channel { n } else { 1 }).collect();
                ops::dropout(x, amount, Some(&noise), seed)?
            }
            Kind::Gaussian => ops::add(x, &normal(0.0, amount)?)?,
            Kind::GaussianDropout => ops::mul(x, &normal(1.0, (amount / (1.0 - amount)).sqrt())?)?,
        };
        Ok(Output::of(y))
    }

    fn masks(&self, _inputs: &[Tensor], masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        pass(masks)
    }
}
