//! The layer contract.

use headwater_core::ops::hash_key;
use headwater_core::selection::has;
use headwater_core::Listed;
use headwater_core::{DType, Error, Result, Shape, Tensor};

use super::value::{Map, Value};

/// A shape with unknown dimensions (the batch).
pub type Dims = Vec<Option<usize>>;

/// A weight that a layer needs.
#[derive(Clone, Debug, PartialEq)]
pub struct WeightSpec {
    /// Its name within the layer, as in Keras.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Its dtype.
    pub dtype: DType,
    /// The initializer's configuration.
    pub initializer: Value,
    /// The regularizer's configuration.
    pub regularizer: Option<Value>,
    /// The constraint's configuration.
    pub constraint: Option<Value>,
    /// Whether training changes it.
    pub trainable: bool,
    /// Whether it is what a recurrent layer carries from call to call, which is not stored with a model.
    pub state: bool,
}

/// Whether this build has masks: layers that make one, or heed one that a caller gives.
pub(super) const MASKS: bool = cfg!(feature = "layers-masks")
    && (has("Masking")
        || has("Embedding")
        || has("Softmax")
        || has("GlobalAveragePooling1D")
        || has("Attention")
        || has("AdditiveAttention")
        || has("MultiHeadAttention")
        || has("GroupQueryAttention")
        || has("GroupedQueryAttention")
        || has("RNN")
        || has("SimpleRNN")
        || has("LSTM")
        || has("GRU")
        || has("ConvLSTM1D")
        || has("ConvLSTM2D")
        || has("ConvLSTM3D")
        || has("Bidirectional")
        || has("TimeDistributed"));

impl WeightSpec {
    /// A float32 weight without regularizer and constraint; `initializer` is a Keras configuration such as
    /// `Value::class("GlorotUniform")`.
    pub fn new(name: &str, shape: Shape, initializer: Value, trainable: bool) -> WeightSpec {
        WeightSpec {
            name: name.into(),
            shape,
            dtype: DType::F32,
            initializer,
            regularizer: None,
            constraint: None,
            trainable,
            state: false,
        }
    }
}

/// How a layer is called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Call<'a> {
    /// Training rather than inference.
    pub training: bool,
    /// What random layers draw from; another one for each call.
    pub seed: u32,
    /// Which steps of each input count, as bool tensors; none where missing: all do.
    pub masks: &'a [Option<Tensor>],
}

impl<'a> Call<'a> {
    /// The mask of input `index`; none in a build without masks, which leaves out what only they need.
    #[inline]
    pub fn mask(&self, index: usize) -> Option<&'a Tensor> {
        if MASKS {
            self.masks.get(index).and_then(Option::as_ref)
        } else {
            None
        }
    }
}

/// What a layer gives.
#[derive(Default)]
pub struct Output {
    /// The outputs.
    pub tensors: Vec<Tensor>,
    /// New values of weights that are not trained: moving averages.
    pub updates: Vec<(usize, Tensor)>,
    /// Scalars to add to the loss.
    pub losses: Vec<Tensor>,
}

impl Output {
    /// One output.
    pub fn of(tensor: Tensor) -> Output {
        Output { tensors: vec![tensor], ..Output::default() }
    }
}

/// A layer.
pub trait Layer: Send + Sync {
    /// Keras's class name.
    fn class_name(&self) -> &'static str;

    /// Writes Keras's configuration with defaults filled in. [`super::create`] makes the same layer of it.
    fn config(&self, to: &mut Map);

    /// The weights for inputs of these shapes.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the layer does not accept them.
    fn weights(&self, _inputs: &[Dims]) -> Result<Vec<WeightSpec>> {
        Ok(Vec::new())
    }

    /// The shapes of the outputs.
    ///
    /// # Errors
    /// `ErrorKind::Shape` when the layer does not accept such inputs.
    fn output_shape(&self, inputs: &[Dims]) -> Result<Vec<Dims>>;

    /// The outputs.
    ///
    /// # Errors
    /// What the layer's operations give.
    fn call(&self, inputs: &[Tensor], weights: &[Tensor], call: &Call<'_>) -> Result<Output>;

    /// Which steps of the outputs count, given those of the inputs. A layer that says nothing drops masks.
    ///
    /// # Errors
    /// What the operations on masks give.
    fn masks(&self, _inputs: &[Tensor], _masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
        Ok(Vec::new())
    }
}

/// What a call draws from for a layer with a seed of its own: another sequence, as repeatable as the caller's.
pub(super) fn own_seed(call: &Call<'_>, seed: Option<&Value>) -> u32 {
    let own = seed.and_then(Value::number);
    own.map_or(call.seed, |own| hash_key(call.seed, own as i64 as u32))
}

/// The first input's mask for the output.
pub(super) fn pass(masks: &[Option<Tensor>]) -> Result<Vec<Option<Tensor>>> {
    Ok(masks.iter().take(1).cloned().listed())
}

/// A shape for messages: `[null,224,224,3]`.
pub(super) fn show(dims: &Dims) -> String {
    let dims: Vec<String> = dims.iter().map(|d| d.map_or("null".into(), |d| d.to_string())).listed();
    format!("[{}]", dims.join(","))
}

/// The only input.
pub(super) fn single<'a, T>(layer: &str, inputs: &'a [T]) -> Result<&'a T> {
    match inputs {
        [input] => Ok(input),
        _ => Err(Error::argument(layer, "one input", inputs.len())),
    }
}

/// The only input, which must have `rank` dimensions.
pub(super) fn ranked<'a>(layer: &str, inputs: &'a [Dims], rank: usize) -> Result<&'a Dims> {
    let input = single(layer, inputs)?;
    if input.len() == rank {
        return Ok(input);
    }
    Err(Error::shape(
        layer,
        format_args!("an input of rank {rank}"),
        format_args!("rank {} shape {}", input.len(), show(input)),
    ))
}

/// The only input of a call, which must have `rank` dimensions.
pub(super) fn ranked_tensor<'a>(layer: &str, inputs: &'a [Tensor], rank: usize) -> Result<&'a Tensor> {
    let input = single(layer, inputs)?;
    if input.rank() == rank {
        return Ok(input);
    }
    let received = format!("rank {} shape {}", input.rank(), input.shape());
    Err(Error::shape(layer, format_args!("an input of rank {rank}"), received))
}

/// Which dimension an axis is, negative ones counted from the end.
pub(super) fn position(layer: &str, axis: isize, rank: usize) -> Result<usize> {
    let at = if axis < 0 { axis + rank as isize } else { axis };
    match usize::try_from(at) {
        Ok(at) if at < rank => Ok(at),
        _ => Err(Error::shape(layer, format_args!("an input with an axis {axis}"), format_args!("rank {rank}"))),
    }
}

/// A shape without unknown sizes.
#[cfg(any(feature = "layers-attention", feature = "layers-normalization", feature = "layers-recurrent"))]
pub(super) fn dims_of(shape: &[usize]) -> Dims {
    shape.iter().map(|&n| Some(n)).listed()
}

/// Dimension `axis`, which must be known.
pub(super) fn known(layer: &str, dims: &Dims, axis: usize) -> Result<usize> {
    dims.get(axis)
        .copied()
        .flatten()
        .ok_or_else(|| Error::shape(layer, format_args!("a known dimension {axis}"), show(dims)))
}
