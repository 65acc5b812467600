//! Where training takes batches from.

use headwater_core::ops::{self, hash_key};
use headwater_core::Listed;
use headwater_core::{AllOk, Device, Error, HostSlice, Result, Tensor};

/// A batch, samples along the first dimension of each tensor.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// A tensor for each input of the model.
    pub inputs: Vec<Tensor>,
    /// A tensor for each output; none for prediction.
    pub targets: Vec<Tensor>,
    /// What each sample counts in the loss.
    pub weights: Option<Tensor>,
}

impl Batch {
    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.inputs.first().and_then(|x| x.shape().first().copied()).unwrap_or(0)
    }

    /// Checks that there is a sample, and equally many in each tensor.
    pub(super) fn check(&self, who: &str) -> Result<()> {
        let samples = self.samples();
        if samples > 0 && self.tensors().all(|t| t.shape().first() == Some(&samples)) {
            return Ok(());
        }
        let shapes: Vec<String> = self.tensors().map(|t| t.shape().to_string()).listed();
        let expected = "inputs and targets with equally many samples, at least one";
        Err(Error::shape(who, expected, shapes.join(" and ")))
    }

    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.inputs.iter().chain(&self.targets).chain(&self.weights)
    }

    /// What `f` makes of each tensor.
    fn map(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Batch> {
        let all = |list: &[Tensor]| list.iter().map(&f).all_ok();
        let weights = self.weights.as_ref().map(&f).transpose()?;
        Ok(Batch { inputs: all(&self.inputs)?, targets: all(&self.targets)?, weights })
    }
}

/// A pass over the data.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// Samples of a batch, for sources that are not in batches.
    pub batch_size: usize,
    /// What the order is drawn from; in the order of the source where there is nothing.
    pub shuffle: Option<u32>,
}

/// The batches of a pass.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Batch>> + 'a>;

/// Gives batches, pass after pass: [`Samples`] in memory, a [`Dataset`](crate::data::Dataset), or a source of one's own.
pub trait Source {
    /// The number of batches, where it is known.
    fn batches(&self, batch_size: usize) -> Option<usize>;

    /// Begins a pass.
    ///
    /// # Errors
    /// What opening the source gives.
    fn pass<'a>(&'a self, device: &Device, pass: Pass) -> Result<Batches<'a>>;
}

/// Samples in memory.
///
/// ```
/// use headwater::train::Samples;
/// use headwater::{cpu, ops, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = ops::range(&device, 0.0, 10.0, 1.0, DType::F32)?.reshape([10, 1])?;
/// let samples = Samples::new(&[&x], &[&x])?.weighted(&device.ones([10], DType::F32)?)?;
/// // The last fifth is for validation.
/// let (train, validation) = samples.split(0.2)?;
/// assert_eq!((train.len(), validation.len()), (8, 2));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Samples {
    all: Batch,
}

impl Samples {
    /// Samples along the first dimension of inputs and targets.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the numbers of samples differ or are 0.
    pub fn new(inputs: &[&Tensor], targets: &[&Tensor]) -> Result<Samples> {
        let own = |list: &[&Tensor]| list.iter().map(|&t| t.clone()).collect();
        Samples { all: Batch { inputs: own(inputs), targets: own(targets), weights: None } }.checked()
    }

    /// Gives each sample a weight in the loss.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when there is another number of weights than of samples.
    pub fn weighted(mut self, weights: &Tensor) -> Result<Samples> {
        self.all.weights = Some(weights.clone());
        self.checked()
    }

    fn checked(self) -> Result<Samples> {
        self.all.check("samples").map(|()| self)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.samples()
    }

    /// Whether there are none, which cannot be.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first part and the last, which is `fraction` of the samples, as Keras's `validation_split` takes them.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when one of them would be empty.
    pub fn split(&self, fraction: f64) -> Result<(Samples, Samples)> {
        let first = (self.len() as f64 * (1.0 - fraction)).floor() as usize;
        if !(1..self.len()).contains(&first) {
            let expected = format_args!("a part of {} samples between 0 and 1 that leaves some", self.len());
            return Err(Error::argument("split", expected, fraction));
        }
        let part = |from: usize, to: usize| -> Result<Samples> { Ok(Samples { all: self.rows(from, to)? }) };
        Ok((part(0, first)?, part(first, self.len())?))
    }

    fn rows(&self, from: usize, to: usize) -> Result<Batch> {
        self.all.map(|t| {
            let mut begin = vec![0; t.rank()];
            let mut size = t.shape().to_vec();
            (begin[0], size[0]) = (from, to - from);
            ops::slice(t, &begin, &size)
        })
    }
}

impl Source for Samples {
    fn batches(&self, batch_size: usize) -> Option<usize> {
        Some(self.len().div_ceil(batch_size.max(1)))
    }

    fn pass<'a>(&'a self, device: &Device, pass: Pass) -> Result<Batches<'a>> {
        let (n, size) = (self.len(), pass.batch_size);
        if size == 0 {
            return Err(Error::argument("samples", "batches of at least 1 sample", 0));
        }
        let starts = (0..n).step_by(size);
        let Some(seed) = pass.shuffle else {
            return Ok(Box::new(starts.map(move |from| self.rows(from, (from + size).min(n)))));
        };
        let (order, device) = (shuffled(n, seed), device.clone());
        Ok(Box::new(starts.map(move |from| {
            let picked = &order[from..(from + size).min(n)];
            let index = device.tensor(HostSlice::I32(picked), [picked.len()])?;
            self.all.map(|t| ops::gather(t, &index, 0, 0))
        })))
    }
}

/// A permutation of `0..n` that depends on `seed` alone (Fisher and Yates).
fn shuffled(n: usize, seed: u32) -> Vec<i32> {
    let mut order: Vec<i32> = (0..n as i32).listed();
    for i in (1..n).rev() {
        order.swap(i, hash_key(seed, i as u32) as usize % (i + 1));
    }
    order
}
