//! The options of layers, each declared once.

/// Declares the method of an option, or the three of a weight.
macro_rules! option {
    (@ $key:ident: $type:ty, $doc:literal) => {
        #[doc = $doc]
        #[must_use]
        pub fn $key(mut self, value: $type) -> Self {
            self.0.set(stringify!($key), value);
            self
        }
    };
    (@weight $initializer:ident $regularizer:ident $constraint:ident, $what:literal) => {
        option!(@ $initializer: impl Into<Value>, $what);
        option!(@ $regularizer: impl Into<Value>, "The regularizer of that weight.");
        option!(@ $constraint: impl Into<Value>, "The constraint of that weight.");
    };
    (kernel) => { option!(@weight kernel_initializer kernel_regularizer kernel_constraint, "The initializer of the kernel."); };
    (bias) => {
        option!(@ use_bias: bool, "Whether a bias is added, which it is where nothing is said.");
        option!(@weight bias_initializer bias_regularizer bias_constraint, "The initializer of the bias.");
    };
    (biased_axes) => {
        option!(@ bias_axes: &str, "The axes of the result that have a bias, as letters of the equation; none by default.");
        option!(@weight bias_initializer bias_regularizer bias_constraint, "The initializer of the bias.");
    };
    (recurrent) => {
        option!(@weight recurrent_initializer recurrent_regularizer recurrent_constraint, "The initializer of the kernel of states.");
    };
    (depthwise) => {
        option!(@ depth_multiplier: usize, "Outputs for each input channel.");
        option!(@weight depthwise_initializer depthwise_regularizer depthwise_constraint, "The initializer of the kernel of single channels.");
    };
    (pointwise) => {
        option!(@weight pointwise_initializer pointwise_regularizer pointwise_constraint, "The initializer of the kernel that mixes channels.");
    };
    (embeddings) => {
        option!(@weight embeddings_initializer embeddings_regularizer embeddings_constraint, "The initializer of the table.");
    };
    (slopes) => { option!(@weight alpha_initializer alpha_regularizer alpha_constraint, "The initializer of the slopes."); };
    (affine) => {
        option!(@ center: bool, "Whether `beta` is added.");
        option!(@ scale: bool, "Whether the output is multiplied by `gamma`.");
        option!(@weight beta_initializer beta_regularizer beta_constraint, "The initializer of what is added.");
        option!(@weight gamma_initializer gamma_regularizer gamma_constraint, "The initializer of the factors.");
    };
    (moving) => {
        option!(@ momentum: f64, "The part of moving averages that remains in a step, 0.99 by default.");
        option!(@ moving_mean_initializer: impl Into<Value>, "The initializer of the moving mean.");
        option!(@ moving_variance_initializer: impl Into<Value>, "The initializer of the moving variance.");
    };
    (windows) => {
        option!(@ strides: impl Into<Value>, "Steps from one window to the next.");
        option!(@ padding: &str, "`valid` (the default) or `same`.");
        option!(data_format);
    };
    (steps) => {
        option!(@ return_sequences: bool, "Whether the output of every step is given.");
        option!(@ return_state: bool, "Whether the last states are given, too.");
        option!(@ go_backwards: bool, "Whether steps are read from the last to the first.");
        option!(@ stateful: bool, "Whether a call begins with the states of the last one.");
        option!(@ unroll: bool, "Stored with the model; steps are unrolled in any case.");
        option!(@ zero_output_for_mask: bool, "Whether masked steps give zeros.");
        option!(activity_regularizer);
    };
    (cell) => {
        option!(activation);
        option!(dropout);
        option!(@ recurrent_dropout: f64, "The part of states that is dropped in training.");
        option!(seed);
        option!(kernel);
        option!(recurrent);
        option!(bias);
    };
    (edges) => {
        option!(@ fill_mode: &str, "What lies outside of images: `constant`, `reflect`, `wrap` or `nearest`.");
        option!(@ fill_value: f64, "What lies outside of images with `constant`.");
    };
    (outside) => {
        option!(edges);
        option!(interpolation);
        option!(data_format);
        option!(seed);
    };
    (activation) => { option!(@ activation: &str, "The activation of the output."); };
    (activity_regularizer) => { option!(@ activity_regularizer: impl Into<Value>, "The regularizer of the output."); };
    (alpha) => { option!(@ alpha: f64, "The slope of negative inputs, or their limit."); };
    (antialias) => { option!(@ antialias: bool, "Whether shrinking averages what it skips."); };
    (attention_axes) => { option!(@ attention_axes: impl Into<Value>, "The axes that are attended over."); };
    (axes) => { option!(@ axes: impl Into<Value>, "The axes of both inputs."); };
    (axis) => { option!(@ axis: impl Into<Value>, "The axis, or axes."); };
    (backward_layer) => {
        /// The layer that reads backwards, one like the other by default.
        #[must_use]
        pub fn backward_layer(mut self, value: impl Into<Definition>) -> Self {
            self.0.set("backward_layer", value.into().written());
            self
        }
    };
    (crop_to_aspect_ratio) => { option!(@ crop_to_aspect_ratio: bool, "Whether images are cropped to the wanted proportions first."); };
    (data_format) => { option!(@ data_format: &str, "`channels_last` (the default) or `channels_first`."); };
    (dilation_rate) => { option!(@ dilation_rate: impl Into<Value>, "Distances between what a filter reads."); };
    (dropout) => { option!(@ dropout: f64, "The part of inputs, or of attention, that is dropped in training."); };
    (epsilon) => { option!(@ epsilon: f64, "What keeps divisors above 0."); };
    (groups) => { option!(@ groups: usize, "Groups of channels that do not mix."); };
    (height_factor) => { option!(@ height_factor: impl Into<Value>, "How far heights vary."); };
    (implementation) => { option!(@ implementation: usize, "Stored with the model; does not change what is computed."); };
    (interpolation) => { option!(@ interpolation: &str, "`nearest` or `bilinear`."); };
    (invert) => { option!(@ invert: bool, "Whether the normalization is undone."); };
    (keepdims) => { option!(@ keepdims: bool, "Whether reduced axes stay, of size 1."); };
    (l1) => { option!(@ l1: f64, "The factor of absolute values."); };
    (l2) => { option!(@ l2: f64, "The factor of squares."); };
    (mask_value) => { option!(@ mask_value: f64, "The value of steps that do not count, 0 by default."); };
    (mask_zero) => { option!(@ mask_zero: bool, "Whether 0 marks steps that do not count."); };
    (max_value) => { option!(@ max_value: f64, "The largest output."); };
    (mean) => { option!(@ mean: impl Into<Value>, "The means of the values."); };
    (merge_mode) => { option!(@ merge_mode: impl Into<Value>, "How both directions are joined: `concat`, `sum`, `mul`, `ave` or null."); };
    (mode) => { option!(@ mode: &str, "`horizontal`, `vertical` or `horizontal_and_vertical`."); };
    (negative_slope) => { option!(@ negative_slope: f64, "The slope below the threshold."); };
    (noise_shape) => { option!(@ noise_shape: impl Into<Value>, "The shape of what is drawn: elements along axes of size 1 share it."); };
    (normalize) => { option!(@ normalize: bool, "Whether inputs are scaled to length 1 first."); };
    (offset) => { option!(@ offset: f64, "What is added to the scaled input."); };
    (output_mode) => { option!(@ output_mode: &str, "`int`, `one_hot`, `multi_hot` or `count`."); };
    (output_padding) => { option!(@ output_padding: impl Into<Value>, "What is added to the sizes of the output."); };
    (output_shape) => { option!(@ output_shape: impl Into<Value>, "The size of the output, that of the query by default."); };
    (pad_to_aspect_ratio) => { option!(@ pad_to_aspect_ratio: bool, "Whether images are padded to the wanted proportions first."); };
    (pool_size) => { option!(@ pool_size: impl Into<Value>, "The size of windows, 2 by default."); };
    (power_iterations) => { option!(@ power_iterations: usize, "Steps of the power iteration in a call."); };
    (recurrent_activation) => { option!(@ recurrent_activation: &str, "The activation of gates."); };
    (reset_after) => { option!(@ reset_after: bool, "Whether the reset gate applies after the product with the state."); };
    (score_mode) => { option!(@ score_mode: &str, "`dot` or `concat`."); };
    (seed) => { option!(@ seed: u32, "What is drawn from, besides the seed of a call."); };
    (shared_axes) => { option!(@ shared_axes: impl Into<Value>, "Axes along which slopes are shared."); };
    (size) => { option!(@ size: impl Into<Value>, "How many times rows and columns are repeated, 2 by default."); };
    (sparse) => { option!(@ sparse: bool, "Stored with the model."); };
    (theta) => { option!(@ theta: f64, "The threshold."); };
    (threshold) => { option!(@ threshold: f64, "Where the slope changes."); };
    (unit_forget_bias) => { option!(@ unit_forget_bias: bool, "Whether the bias of forget gates begins with 1."); };
    (use_causal_mask) => { option!(@ use_causal_mask: bool, "Whether a step sees only itself and those before it."); };
    (use_gate) => { option!(@ use_gate: bool, "Whether the output is gated."); };
    (use_scale) => { option!(@ use_scale: bool, "Whether scores are scaled by a weight."); };
    (value_dim) => { option!(@ value_dim: usize, "The size of each head's values, `key_dim` by default."); };
    (value_range) => { option!(@ value_range: impl Into<Value>, "The least and the greatest value of inputs."); };
    (variance) => { option!(@ variance: impl Into<Value>, "The variances of the values."); };
    (width_factor) => { option!(@ width_factor: impl Into<Value>, "How far widths vary."); };
}
pub(super) use option;
