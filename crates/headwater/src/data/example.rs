//! Examples and batches of them, on the host.

use headwater_core::{AllOk, DType, Device, Error, HostData, HostSlice, Result};

use super::{Dataset, Stream};
use crate::train::{Batch, Batches, Pass, Source};
use crate::HostTensor;

/// What a model is to learn from: its inputs and targets, without the batch's dimension.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Example {
    /// A tensor for each input of the model.
    pub inputs: Vec<HostTensor>,
    /// A tensor for each output; none for prediction.
    pub targets: Vec<HostTensor>,
    /// What it counts in the loss.
    pub weight: Option<f32>,
}

/// An input and a target.
impl From<(HostTensor, HostTensor)> for Example {
    fn from((input, target): (HostTensor, HostTensor)) -> Example {
        Example { inputs: vec![input], targets: vec![target], weight: None }
    }
}

/// An input.
impl From<HostTensor> for Example {
    fn from(input: HostTensor) -> Example {
        Example { inputs: vec![input], ..Example::default() }
    }
}

/// Examples together, along the first dimension of each tensor.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HostBatch {
    /// A tensor for each input of the model.
    pub inputs: Vec<HostTensor>,
    /// A tensor for each output; none for prediction.
    pub targets: Vec<HostTensor>,
    /// What each example counts in the loss.
    pub weights: Option<Vec<f32>>,
}

impl HostBatch {
    /// Examples whose tensors have the same shapes and dtypes.
    ///
    /// # Errors
    /// `ErrorKind::Shape` or `ErrorKind::Dtype` when they have not; `ErrorKind::Argument` when there are none.
    pub fn of(examples: &[Example]) -> Result<HostBatch> {
        let first = examples.first().ok_or_else(|| Error::argument("batch", "at least one example", "none"))?;
        type Part = fn(&Example) -> &Vec<HostTensor>;
        let stacked = |part: Part| -> Result<Vec<HostTensor>> {
            let tensors = part(first).len();
            if let Some(other) = examples.iter().find(|e| part(e).len() != tensors) {
                return Err(Error::argument("batch", format_args!("examples of {tensors} tensors"), part(other).len()));
            }
            (0..tensors).map(|i| stack(&examples.iter().map(|e| &part(e)[i]).collect::<Vec<_>>())).all_ok()
        };
        let weighted = examples.iter().any(|e| e.weight.is_some());
        let weights = weighted.then(|| examples.iter().map(|e| e.weight.unwrap_or(1.0)).collect());
        Ok(HostBatch { inputs: stacked(|e| &e.inputs)?, targets: stacked(|e| &e.targets)?, weights })
    }

    /// The batch on a device.
    ///
    /// # Errors
    /// What uploading gives.
    pub fn to_device(&self, device: &Device) -> Result<Batch> {
        let all = |list: &[HostTensor]| list.iter().map(|t| t.to_device(device)).all_ok();
        let weights = self.weights.as_ref().map(|w| device.tensor(HostSlice::F32(w), [w.len()])).transpose()?;
        Ok(Batch { inputs: all(&self.inputs)?, targets: all(&self.targets)?, weights })
    }
}

/// Tensors of one shape and dtype, along a new first dimension.
fn stack(tensors: &[&HostTensor]) -> Result<HostTensor> {
    let Some(first) = tensors.first() else { return Ok(HostTensor::f32(vec![0], Vec::new())) };
    let dtype = first.data.dtype();
    for other in tensors {
        if other.shape != first.shape {
            let expected = format_args!("examples of the first one's shape {:?}", first.shape);
            return Err(Error::shape("batch", expected, format_args!("{:?}", other.shape)));
        }
        if other.data.dtype() != dtype {
            return Err(Error::dtype(
                "batch",
                format_args!("examples of the first one's dtype {}", dtype.name()),
                other.data.dtype().name(),
            ));
        }
    }
    let shape = [tensors.len()].into_iter().chain(first.shape.iter().copied()).collect();
    macro_rules! joined {
        ($kind:ident) => {
            HostData::$kind(
                tensors
                    .iter()
                    .flat_map(|t| if let HostData::$kind(v) = &t.data { &v[..] } else { &[] })
                    .copied()
                    .collect(),
            )
        };
    }
    let data = match dtype {
        DType::F32 => joined!(F32),
        DType::I32 => joined!(I32),
        DType::Bool => joined!(Bool),
        DType::F16 => joined!(F16),
        DType::BF16 => joined!(BF16),
        DType::U8 => joined!(U8),
        DType::I8 => joined!(I8),
        DType::U32 => joined!(U32),
    };
    Ok(HostTensor { shape, data })
}

impl Dataset<Example> {
    /// The samples of tensors, along their first dimension.
    ///
    /// ```
    /// use headwater::data::Dataset;
    /// use headwater::HostTensor;
    ///
    /// # fn main() -> headwater::Result<()> {
    /// let x = HostTensor::f32(vec![5, 2], (0..10).map(|v| v as f32).collect());
    /// let y = HostTensor::f32(vec![5], vec![0.0, 1.0, 0.0, 1.0, 0.0]);
    /// let batches = Dataset::from_tensors(vec![x], vec![y])?.batch(2);
    /// assert_eq!(batches.len(), Some(3));
    /// let last = &batches.to_vec()?[2];
    /// assert_eq!((&last.inputs[0], &last.targets[0].shape), (&HostTensor::f32(vec![1, 2], vec![8.0, 9.0]), &vec![1]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the numbers of samples differ, or a tensor has another number of elements than its shape.
    pub fn from_tensors(inputs: Vec<HostTensor>, targets: Vec<HostTensor>) -> Result<Dataset<Example>> {
        let all = || inputs.iter().chain(&targets);
        let samples = all().next().and_then(|t| t.shape.first().copied()).unwrap_or(0);
        let whole = |t: &HostTensor| t.data.as_slice().len() == t.shape.iter().product::<usize>();
        if let Some(other) = all().find(|t| t.shape.first() != Some(&samples) || !whole(t)) {
            let expected = format_args!("whole tensors of {samples} samples");
            return Err(Error::shape("from_tensors", expected, format_args!("{:?}", other.shape)));
        }
        let parts = std::sync::Arc::new((inputs, targets));
        let examples = Dataset::from_fn(move |_| {
            let parts = parts.clone();
            (0..samples).map(move |i| Example {
                inputs: parts.0.iter().map(|t| row(t, i)).collect(),
                targets: parts.1.iter().map(|t| row(t, i)).collect(),
                weight: None,
            })
        });
        Ok(examples.sized(Some(samples)))
    }

    /// Batches of `size` examples; the last may be smaller.
    #[must_use]
    pub fn batch(&self, size: usize) -> Dataset<HostBatch> {
        self.chunks(size, false).map(|examples| HostBatch::of(&examples))
    }

    /// Batches of `size` examples. Those that remain are left out.
    #[must_use]
    pub fn whole_batches(&self, size: usize) -> Dataset<HostBatch> {
        self.chunks(size, true).map(|examples| HostBatch::of(&examples))
    }
}

/// Sample `i` of a tensor.
fn row(tensor: &HostTensor, i: usize) -> HostTensor {
    let shape = tensor.shape[1..].to_vec();
    let size: usize = shape.iter().product();
    let (from, to) = (i * size, (i + 1) * size);
    let data = match tensor.data.as_slice() {
        HostSlice::F32(v) => HostData::F32(v[from..to].to_vec()),
        HostSlice::I32(v) => HostData::I32(v[from..to].to_vec()),
        HostSlice::Bool(v) => HostData::Bool(v[from..to].to_vec()),
        HostSlice::F16(v) => HostData::F16(v[from..to].to_vec()),
        HostSlice::BF16(v) => HostData::BF16(v[from..to].to_vec()),
        HostSlice::U8(v) => HostData::U8(v[from..to].to_vec()),
        HostSlice::I8(v) => HostData::I8(v[from..to].to_vec()),
        HostSlice::U32(v) => HostData::U32(v[from..to].to_vec()),
    };
    HostTensor { shape, data }
}

impl Dataset<HostBatch> {
    /// The batches on a device. With [`Dataset::prefetch`] after it they are there before the steps that read them.
    #[must_use]
    pub fn to_device(&self, device: &Device) -> Dataset<Batch> {
        let device = device.clone();
        self.map(move |batch| batch.to_device(&device))
    }
}

/// What a pass draws its order from: another number in each epoch.
fn order(pass: Pass) -> u32 {
    pass.shuffle.unwrap_or(0)
}

/// Batches that are uploaded as they are asked for.
impl Source for Dataset<HostBatch> {
    fn batches(&self, _batch_size: usize) -> Option<usize> {
        self.len()
    }

    fn pass<'a>(&'a self, device: &Device, pass: Pass) -> Result<Batches<'a>> {
        let (device, stream) = (device.clone(), Dataset::pass(self, order(pass))?);
        Ok(Box::new(stream.map(move |batch| batch?.to_device(&device))))
    }
}

/// Batches that are on the model's device.
impl Source for Dataset<Batch> {
    fn batches(&self, _batch_size: usize) -> Option<usize> {
        self.len()
    }

    fn pass<'a>(&'a self, _device: &Device, pass: Pass) -> Result<Batches<'a>> {
        let stream: Stream<Batch> = Dataset::pass(self, order(pass))?;
        Ok(stream)
    }
}
