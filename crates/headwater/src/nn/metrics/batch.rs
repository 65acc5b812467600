//! What a metric looks at: targets, predictions and weights that fit together.

use headwater_core::ops::{mul, reshape, sum};
use headwater_core::{DType, Error, Result, Shape, Tensor};

/// A batch. Numbers are float32.
pub(super) struct Batch {
    class: &'static str,
    pub truth: Tensor,
    pub predicted: Tensor,
    pub weight: Option<Tensor>,
}

impl Batch {
    pub fn new(class: &'static str, truth: &Tensor, predicted: &Tensor, weight: Option<&Tensor>) -> Result<Batch> {
        let float = |x: &Tensor| x.cast(DType::F32);
        let weight = weight.map(float).transpose()?;
        Ok(Batch { class, truth: float(truth)?, predicted: float(predicted)?, weight })
    }

    /// The batch with other weights.
    pub fn with_weight(&self, weight: Option<Tensor>) -> Batch {
        Batch { class: self.class, truth: self.truth.clone(), predicted: self.predicted.clone(), weight }
    }

    pub fn wrong(&self, expected: &str, received: impl std::fmt::Display) -> Error {
        Error::shape(self.class, expected, received)
    }

    /// Targets and predictions of one shape. A trailing axis of 1 that only one of them has is given to the other.
    pub fn paired(&self) -> Result<(Tensor, Tensor)> {
        let (t, y) = (&self.truth, &self.predicted);
        let trails = |long: &Tensor, short: &Tensor| {
            long.rank() == short.rank() + 1
                && long.shape().last() == Some(&1)
                && long.shape()[..short.rank()] == short.shape()[..]
        };
        if trails(t, y) || trails(y, t) {
            // Of vectors the longer form remains, of others the shorter one.
            let shape = if (t.rank() < y.rank()) == (t.rank().min(y.rank()) == 1) { y.shape() } else { t.shape() };
            return Ok((reshape(t, shape)?, reshape(y, shape)?));
        }
        if t.shape() != y.shape() {
            return Err(self.wrong(&format!("targets of shape {}", y.shape()), t.shape()));
        }
        Ok((t.clone(), y.clone()))
    }

    /// The weights in a shape that multiplies `values`, which they have the leading axes of.
    pub fn weight_for(&self, values: &Tensor) -> Result<Option<Tensor>> {
        let Some(weight) = &self.weight else { return Ok(None) };
        let mut dims = weight.shape().to_vec();
        while dims.len() > values.rank() && dims.last() == Some(&1) {
            dims.pop();
        }
        dims.resize(dims.len().max(values.rank()), 1);
        let fits =
            dims.len() == values.rank() && dims.iter().zip(values.shape().iter()).all(|(&d, &n)| d == 1 || d == n);
        if !fits {
            return Err(self.wrong(&format!("weights with the leading axes of {}", values.shape()), weight.shape()));
        }
        reshape(weight, Shape::from(&dims[..])).map(Some)
    }

    /// `values` times the weights.
    pub fn weighted(&self, values: &Tensor) -> Result<Tensor> {
        match self.weight_for(values)? {
            Some(weight) => mul(values, &weight),
            None => Ok(values.clone()),
        }
    }

    /// The sum over samples of their mean value, and the weight of the samples.
    pub fn mean_terms(&self, values: &Tensor) -> Result<Vec<Tensor>> {
        let samples = values.shape().first().copied().unwrap_or(1) as f64;
        let total = |x: &Tensor| mul(&sum(x, None, false)?, &x.constant(samples / x.size().max(1) as f64));
        let count = match self.weight_for(values)? {
            Some(weight) => total(&weight)?,
            None => values.constant(samples),
        };
        Ok(vec![total(&self.weighted(values)?)?, count])
    }
}
