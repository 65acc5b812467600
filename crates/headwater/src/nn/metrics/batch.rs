//! What a metric looks at: targets, predictions and weights that fit together.

use headwater_core::Error;

use headwater_core::calc::Term;

/// A batch.
#[derive(Clone, Copy)]
pub(super) struct Batch<'a> {
    /// The metric's class, for messages.
    pub class: &'static str,
    pub truth: Term<'a>,
    pub predicted: Term<'a>,
    pub weight: Option<Term<'a>>,
}

impl<'a> Batch<'a> {
    /// Refuses the shape of a value.
    #[cold]
    #[inline(never)]
    pub fn refuse(&self, expected: &str, received: Term<'a>) -> Term<'a> {
        received.fail(Error::shape(self.class, expected, received.shape()))
    }

    /// Targets and predictions of one shape. A trailing axis of 1 that only one of them has is given to the other.
    #[inline(never)]
    pub fn paired(&self) -> (Term<'a>, Term<'a>) {
        let (t, y) = (self.truth, self.predicted);
        let (of_t, of_y) = (t.shape(), y.shape());
        let (short, long) = if of_t.rank() < of_y.rank() { (of_t, of_y) } else { (of_y, of_t) };
        if short.rank() + 1 == long.rank() && long.last() == Some(&1) && long.starts_with(short) {
            // Of vectors the longer form remains, of others the shorter one.
            let dims = if short.rank() == 1 { long } else { short };
            return (t.reshape(dims), y.reshape(dims));
        }
        if of_t != of_y {
            self.refuse("targets of the predictions' shape", t);
        }
        (t, y)
    }

    /// The weights in a shape that multiplies `values`, which they have the leading axes of.
    #[inline(never)]
    pub fn weight_for(&self, values: Term<'a>) -> Option<Term<'a>> {
        let weight = self.weight?;
        let (mut dims, shape) = (weight.dims(), values.shape());
        while dims.len() > shape.rank() && dims.last() == Some(&1) {
            dims.pop();
        }
        dims.resize(dims.len().max(shape.rank()), 1);
        let fits = dims.len() == shape.rank() && dims.iter().zip(shape.iter()).all(|(&d, &n)| d == 1 || d == n);
        if !fits {
            return Some(self.refuse("weights with the leading axes of the targets", weight));
        }
        Some(weight.reshape(&dims))
    }

    /// `values` times the weights.
    pub fn weighted(&self, values: Term<'a>) -> Term<'a> {
        self.weight_for(values).map_or(values, |weight| values * weight)
    }

    /// The sum over samples of their mean value, and the weight of the samples.
    #[inline(never)]
    pub fn mean_terms(&self, values: Term<'a>) -> Vec<Term<'a>> {
        let samples = values.shape().first().copied().unwrap_or(1) as f64;
        let total = |x: Term<'a>| x.total() * (samples / x.size().max(1) as f64);
        let weight = self.weight_for(values);
        vec![total(self.weighted(values)), weight.map_or_else(|| values.constant(samples), total)]
    }
}
