//! A builder for each layer.

mod options;

use super::super::definition::Definition;
use super::super::model::Policy;
use super::super::value::Value;
use options::option;

macro_rules! typed {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty $(=> $wrap:ident)?),*) $($option:ident)*;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone)]
            pub struct $name(Definition);

            impl $name {
                /// The layer, with what it cannot do without.
                #[allow(clippy::new_without_default)]
                pub fn new($($argument: $type),*) -> $name {
                    #[allow(unused_mut)]
                    let mut definition = Definition::class(stringify!($name));
                    $(definition.set(stringify!($argument), typed!(@value $argument $($wrap)?));)*
                    $name(definition)
                }

                /// Names the layer; the names of its weights begin so.
                #[must_use]
                pub fn name(self, name: &str) -> Self {
                    $name(self.0.name(name))
                }

                /// Whether training changes the layer's weights, which it does where nothing is said.
                #[must_use]
                pub fn trainable(self, yes: bool) -> Self {
                    $name(self.0.trainable(yes))
                }

                /// What the layer computes in, float32 where nothing is said.
                #[must_use]
                pub fn policy(self, policy: Policy) -> Self {
                    $name(self.0.policy(policy))
                }

                $(option!($option);)*
            }

            impl From<$name> for Definition {
                fn from(layer: $name) -> Definition {
                    layer.0
                }
            }
        )*

        /// The classes that have a builder.
        #[cfg(test)]
        pub(super) const CLASSES: &[&str] = &[$(stringify!($name)),*];
    };
    (@value $argument:ident) => { $argument };
    (@value $argument:ident inner) => { $argument.into().written() };
    (@value $argument:ident list) => { $argument.iter().map(Definition::written).collect::<Vec<_>>() };
}

typed! {
    /// `activation(x . kernel + bias)`: every unit reads all of the last axis.
    Dense(units: usize) activation kernel bias activity_regularizer;
    /// Products by an equation such as `abc,cd->abd`: of the input and a kernel whose axes are named by the second part.
    EinsumDense(equation: &str, output_shape: impl Into<Value>) activation kernel biased_axes activity_regularizer;
    /// A row of a table for each whole number below `input_dim`.
    Embedding(input_dim: usize, output_dim: usize) mask_zero embeddings activity_regularizer;
    /// An activation by name.
    Activation(activation: &str) activity_regularizer;
    /// The input.
    Identity() ;
    /// The input, with a loss of its values.
    ActivityRegularization() l1 l2;
    /// Inputs below the threshold become 0 or small.
    ReLU() max_value negative_slope threshold;
    /// Negative inputs times a slope.
    LeakyReLU() alpha negative_slope;
    /// `alpha * (exp(x) - 1)` of negative inputs (Clevert et al. 2016).
    ELU() alpha;
    /// Inputs above `theta`, and 0.
    ThresholdedReLU() theta;
    /// Negative inputs times slopes that are learnt (He et al. 2015).
    PReLU() shared_axes slopes activity_regularizer;
    /// Exponentials over their sum.
    Softmax() axis;

    /// Convolution along one axis.
    Conv1D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate groups activation kernel bias activity_regularizer;
    /// Convolution of images.
    Conv2D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate groups activation kernel bias activity_regularizer;
    /// Convolution of volumes.
    Conv3D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate groups activation kernel bias activity_regularizer;
    /// The adjoint of a convolution along one axis: enlarges.
    Conv1DTranspose(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate output_padding activation kernel bias activity_regularizer;
    /// The adjoint of a convolution of images: enlarges.
    Conv2DTranspose(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate output_padding activation kernel bias activity_regularizer;
    /// The adjoint of a convolution of volumes: enlarges.
    Conv3DTranspose(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate output_padding activation kernel bias activity_regularizer;
    /// A convolution of each channel alone, along one axis.
    DepthwiseConv1D(kernel_size: impl Into<Value>) windows dilation_rate activation depthwise bias activity_regularizer;
    /// A convolution of each channel alone.
    DepthwiseConv2D(kernel_size: impl Into<Value>) windows dilation_rate activation depthwise bias activity_regularizer;
    /// A convolution of each channel along one axis, then one that mixes them.
    SeparableConv1D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate activation depthwise pointwise bias activity_regularizer;
    /// A convolution of each channel, then one that mixes them (Chollet 2017).
    SeparableConv2D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate activation depthwise pointwise bias activity_regularizer;

    /// The greatest of each window of steps.
    MaxPooling1D() pool_size windows;
    /// The greatest of each window of an image.
    MaxPooling2D() pool_size windows;
    /// The greatest of each window of a volume.
    MaxPooling3D() pool_size windows;
    /// The mean of each window of steps.
    AveragePooling1D() pool_size windows;
    /// The mean of each window of an image.
    AveragePooling2D() pool_size windows;
    /// The mean of each window of a volume.
    AveragePooling3D() pool_size windows;
    /// The greatest of all steps.
    GlobalMaxPooling1D() keepdims data_format;
    /// The greatest of an image.
    GlobalMaxPooling2D() keepdims data_format;
    /// The greatest of a volume.
    GlobalMaxPooling3D() keepdims data_format;
    /// The mean of all steps.
    GlobalAveragePooling1D() keepdims data_format;
    /// The mean of an image.
    GlobalAveragePooling2D() keepdims data_format;
    /// The mean of a volume.
    GlobalAveragePooling3D() keepdims data_format;

    /// All axes but the batch as one.
    Flatten() data_format;
    /// Another shape, without the batch; -1 is what remains.
    Reshape(target_shape: impl Into<Value>) ;
    /// The axes in another order, from 1.
    Permute(dims: impl Into<Value>) ;
    /// The input `n` times, as steps.
    RepeatVector(n: usize) ;
    /// Steps of zeros before and after.
    ZeroPadding1D(padding: impl Into<Value>) data_format;
    /// Zeros around images.
    ZeroPadding2D(padding: impl Into<Value>) data_format;
    /// Zeros around volumes.
    ZeroPadding3D(padding: impl Into<Value>) data_format;
    /// Without steps at both ends.
    Cropping1D(cropping: impl Into<Value>) data_format;
    /// Without borders of images.
    Cropping2D(cropping: impl Into<Value>) data_format;
    /// Without borders of volumes.
    Cropping3D(cropping: impl Into<Value>) data_format;
    /// Every step several times.
    UpSampling1D() size;
    /// Larger images.
    UpSampling2D() size interpolation data_format;
    /// Larger volumes.
    UpSampling3D() size data_format;

    /// The sum of inputs.
    Add() ;
    /// The first input without the second.
    Subtract() ;
    /// The product of inputs.
    Multiply() ;
    /// The mean of inputs.
    Average() ;
    /// The greatest of inputs.
    Maximum() ;
    /// The least of inputs.
    Minimum() ;
    /// Inputs one after the other, along the last axis by default.
    Concatenate() axis;
    /// Products of two inputs, summed along axes.
    Dot(axes: impl Into<Value>) normalize;

    /// Drops a part of the inputs in training (Srivastava et al. 2014).
    Dropout(rate: f64) noise_shape seed;
    /// Drops whole channels of steps in training.
    SpatialDropout1D(rate: f64) seed;
    /// Drops whole channels of images in training.
    SpatialDropout2D(rate: f64) data_format seed;
    /// Drops whole channels of volumes in training.
    SpatialDropout3D(rate: f64) data_format seed;
    /// Dropout that keeps mean and variance after SELU (Klambauer et al. 2017).
    AlphaDropout(rate: f64) noise_shape seed;
    /// Normal noise in training.
    GaussianNoise(stddev: f64) seed;
    /// Normal factors around 1 in training.
    GaussianDropout(rate: f64) seed;

    /// Normalizes by the batch's mean and variance, in inference by moving averages (Ioffe & Szegedy 2015).
    BatchNormalization() axis epsilon affine moving;
    /// Normalizes each sample (Ba et al. 2016).
    LayerNormalization() axis epsilon affine;
    /// Normalizes groups of channels (Wu & He 2018).
    GroupNormalization(groups: isize) axis epsilon affine;
    /// Divides by the root mean square (Zhang & Sennrich 2019).
    RMSNormalization() axis epsilon;
    /// Scales to length 1.
    UnitNormalization() axis;
    /// A layer whose kernel is divided by its largest singular value (Miyato et al. 2018).
    SpectralNormalization(layer: impl Into<Definition> => inner) power_iterations;

    /// Steps whose features all have a value do not count.
    Masking() mask_value;
    /// A recurrent layer.
    SimpleRNN(units: usize) cell steps;
    /// Long short-term memory (Hochreiter & Schmidhuber 1997).
    LSTM(units: usize) recurrent_activation unit_forget_bias implementation cell steps;
    /// Gated recurrent units (Cho et al. 2014).
    GRU(units: usize) recurrent_activation reset_after implementation cell steps;
    /// LSTM whose products are convolutions along one axis.
    ConvLSTM1D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate recurrent_activation unit_forget_bias cell steps;
    /// LSTM whose products are convolutions of images (Shi et al. 2015).
    ConvLSTM2D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate recurrent_activation unit_forget_bias cell steps;
    /// LSTM whose products are convolutions of volumes.
    ConvLSTM3D(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate recurrent_activation unit_forget_bias cell steps;
    /// A cell, called for each step.
    RNN(cell: impl Into<Definition> => inner) steps;
    /// A recurrent layer's step.
    SimpleRNNCell(units: usize) cell;
    /// A step of [`LSTM`].
    LSTMCell(units: usize) recurrent_activation unit_forget_bias implementation cell;
    /// A step of [`GRU`].
    GRUCell(units: usize) recurrent_activation reset_after implementation cell;
    /// A step of [`ConvLSTM2D`].
    ConvLSTM2DCell(filters: usize, kernel_size: impl Into<Value>) windows dilation_rate recurrent_activation unit_forget_bias cell;
    /// Cells that read one another, as one.
    StackedRNNCells(cells: &[Definition] => list) ;
    /// A recurrent layer and one that reads backwards.
    Bidirectional(layer: impl Into<Definition> => inner) merge_mode backward_layer;
    /// A layer, called for each step.
    TimeDistributed(layer: impl Into<Definition> => inner) ;

    /// Attention of several heads (Vaswani et al. 2017); inputs: query, value, key.
    MultiHeadAttention(num_heads: usize, key_dim: usize) value_dim dropout output_shape attention_axes use_causal_mask use_gate seed kernel bias;
    /// Attention whose heads share keys and values (Ainslie et al. 2023); inputs: query, value, key.
    GroupedQueryAttention(head_dim: usize, num_query_heads: usize, num_key_value_heads: usize) dropout use_causal_mask use_gate seed kernel bias;
    /// Attention by products (Luong et al. 2015); inputs: query, value, key.
    Attention() use_scale score_mode dropout use_causal_mask seed;
    /// Attention by sums (Bahdanau et al. 2015); inputs: query, value, key.
    AdditiveAttention() use_scale dropout use_causal_mask seed;

    /// `(x - mean) / sqrt(variance)` with numbers that are given.
    Normalization() axis mean variance invert;
    /// Which of the intervals between boundaries a number is in.
    Discretization(bin_boundaries: impl Into<Value>) epsilon output_mode sparse;
    /// Whole numbers as vectors.
    CategoryEncoding(num_tokens: usize) output_mode sparse;
    /// `scale * x + offset`.
    Rescaling(scale: f64) offset;
    /// Images in another size.
    Resizing(height: usize, width: usize) interpolation crop_to_aspect_ratio pad_to_aspect_ratio antialias edges data_format;
    /// The middle of images.
    CenterCrop(height: usize, width: usize) data_format;
    /// Mirrors images at random.
    RandomFlip() mode data_format seed;
    /// Adds a random number to images.
    RandomBrightness(factor: impl Into<Value>) value_range data_format seed;
    /// Changes the contrast of images at random.
    RandomContrast(factor: impl Into<Value>) value_range data_format seed;
    /// A random part of images.
    RandomCrop(height: usize, width: usize) data_format seed;
    /// Random widths of images.
    RandomWidth(factor: impl Into<Value>) interpolation data_format seed;
    /// Random heights of images.
    RandomHeight(factor: impl Into<Value>) interpolation data_format seed;
    /// Turns images by random parts of a full turn.
    RandomRotation(factor: impl Into<Value>) outside;
    /// Enlarges or shrinks images at random.
    RandomZoom(height_factor: impl Into<Value>) width_factor outside;
    /// Moves images at random.
    RandomTranslation(height_factor: impl Into<Value>, width_factor: impl Into<Value>) outside;
}
