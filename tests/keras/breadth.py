"""Layers of sequences, attention and the rarer normalizations. `python breadth.py` writes layers/{sequences,attention,groups}.json.gz."""

from keras import constraints, initializers, layers as L

from freeze import Input, case, distinct, write
from layers import REGULARIZED, STEPS

sequence = Input(2, 6, 3)
first = Input(2, 3, 6)
rows = Input(3, 4)


def sequences():
    yield case(L.Conv1D(2, 3, activation="tanh"), sequence)
    yield case(L.Conv1D(2, 3, strides=2, padding="same"), sequence)
    yield case(L.Conv1D(2, 3, padding="causal", dilation_rate=2), sequence)
    yield case(L.Conv1D(4, 2, groups=2, use_bias=False), Input(2, 5, 2))
    yield case(L.Conv1D(2, 2, data_format="channels_first"), first)
    yield case(L.Conv1D(2, 2, **REGULARIZED), Input(1, 3, 2))
    yield case(L.Conv1DTranspose(2, 3, strides=2, padding="same"), sequence)
    yield case(L.Conv1DTranspose(2, 2, strides=3, output_padding=1, activation="tanh"), sequence)
    yield case(L.Conv1DTranspose(2, 2, dilation_rate=2, data_format="channels_first", use_bias=False), first)
    yield case(L.SeparableConv1D(2, 3, depth_multiplier=2), sequence)
    yield case(L.SeparableConv1D(2, 2, activation="tanh", use_bias=False), sequence)
    yield case(L.SeparableConv1D(2, 2, strides=2, padding="same", pointwise_constraint="non_neg", depthwise_regularizer="l2"), sequence)
    yield case(L.DepthwiseConv1D(3, depth_multiplier=2, padding="same"), sequence)
    yield case(L.DepthwiseConv1D(2, strides=2, use_bias=False), sequence)
    yield case(L.DepthwiseConv1D(2, dilation_rate=2, data_format="channels_first"), first)
    steps = Input(2, 7, 2, values=distinct)
    for make in [L.MaxPooling1D, L.AveragePooling1D]:
        yield case(make(2), steps)
        yield case(make(3, strides=2, padding="same"), steps)
        yield case(make(2, strides=1, data_format="channels_first"), steps)
    for make in [L.GlobalMaxPooling1D, L.GlobalAveragePooling1D]:
        yield case(make(), steps)
        yield case(make(data_format="channels_first", keepdims=True), steps)
        yield case(make(), Input(2, 3, 2, values=distinct, mask=STEPS))
    yield case(L.GlobalAveragePooling1D(data_format="channels_first", keepdims=True), Input(2, 2, 3, mask=STEPS))
    yield case(L.UpSampling1D(3), Input(2, 3, 2))
    yield case(L.ZeroPadding1D((1, 2)), sequence)
    yield case(L.ZeroPadding1D(2), sequence)
    yield case(L.Cropping1D((2, 1)), sequence)
    yield case(L.Cropping1D(1), sequence)
    zero = [[[0, 0], [1, 0], [2, 3]], [[5, 5], [0, 0], [5, 0]]]
    yield case(L.Masking(), Input(2, 3, 2, values=zero))
    yield case(L.Masking(mask_value=5.0), Input(2, 3, 2, values=zero))
    yield case(L.Identity(), Input(2, 3, 2, mask=STEPS))
    yield case(L.ActivityRegularization(l1=0.2, l2=0.3), rows)
    yield case(L.AlphaDropout(0.3, noise_shape=(None, 1), seed=2), rows)


def attention():
    query, value, key = Input(2, 3, 4), Input(2, 2, 4), Input(2, 2, 4)
    masks = [Input(2, 3, 4, mask=STEPS), Input(2, 2, 4, mask=[[True, False], [True, True]])]
    yield case(L.Attention(), query, value)
    yield case(L.Attention(use_scale=True), query, Input(2, 2, 5), key)
    yield case(L.Attention(score_mode="concat"), query, value)
    yield case(L.Attention(use_scale=True, score_mode="concat", dropout=0.2, seed=4), query, value, key)
    yield case(L.Attention(), *masks)
    yield case(L.AdditiveAttention(), query, value)
    yield case(L.AdditiveAttention(use_scale=False), *masks)
    separate = lambda xs: (xs, {})
    yield case(L.MultiHeadAttention(2, 3), query, value, how=separate)
    yield case(L.MultiHeadAttention(2, 3, value_dim=2, output_shape=5), query, Input(2, 2, 5), key, how=separate)
    yield case(L.MultiHeadAttention(2, 2, use_bias=False, output_shape=(2, 3)), query, query, how=separate)
    yield case(L.MultiHeadAttention(2, 2, use_gate=True), query, value, how=separate)
    yield case(L.MultiHeadAttention(2, 2), *masks, how=separate)
    yield case(
        L.MultiHeadAttention(
            1, 2, dropout=0.3, seed=3, kernel_initializer="ones", bias_initializer=initializers.Constant(2.0),
            kernel_regularizer="l1", bias_regularizer="l2", kernel_constraint="non_neg", bias_constraint=constraints.MaxNorm(1),
        ),
        query, value, how=separate,
    )
    yield case(L.GroupQueryAttention(2, 4, 2), query, value, how=separate)
    yield case(L.GroupQueryAttention(3, 2, 1, use_bias=False, use_gate=True), query, value, key, how=separate)
    yield case(L.GroupQueryAttention(2, 2, 2, kernel_regularizer="l1", dropout=0.2), *masks, how=separate)
    causal = {"use_causal_mask": True}
    yield case(L.Attention(), query, Input(2, 4, 4), named=causal)
    yield case(L.Attention(), *masks, named=causal)
    yield case(L.MultiHeadAttention(2, 2), query, Input(2, 4, 4), how=separate, named=causal)
    yield case(L.MultiHeadAttention(2, 2), *masks, how=separate, named=causal)
    yield case(L.Dot(axes=1), rows, rows)
    yield case(L.Dot(axes=-1, normalize=True), rows, rows)
    yield case(L.Dot(axes=(2, 1)), Input(2, 3, 4), Input(2, 4, 5))
    yield case(L.Dot(axes=(1, 2), normalize=True), Input(2, 3, 4), Input(2, 5, 3))
    yield case(L.Dot(axes=2), Input(2, 3, 4), Input(2, 2, 4))
    yield case(L.Dot(axes=(1, 3)), Input(2, 3), Input(2, 2, 4, 3))


def groups():
    image = Input(2, 3, 2, 4)
    for number in [1, 2, 4, -1]:
        yield case(L.GroupNormalization(groups=number), image)
    yield case(L.GroupNormalization(groups=2, axis=1, epsilon=0.1, scale=False), Input(2, 4, 3))
    yield case(L.GroupNormalization(groups=2, center=False, gamma_initializer=initializers.Constant(2.0), gamma_regularizer="l1", gamma_constraint="non_neg"), Input(2, 3, 4, mask=STEPS))
    yield case(L.GroupNormalization(groups=2, beta_initializer="ones", beta_regularizer="l2", beta_constraint=constraints.MaxNorm(1)), rows)
    yield case(L.RMSNormalization(), rows)
    yield case(L.RMSNormalization(axis=[1, 2], epsilon=0.1), Input(2, 3, 4))
    yield case(L.UnitNormalization(), Input(2, 3, 4, mask=STEPS))
    yield case(L.UnitNormalization(axis=[1, 2]), Input(2, 3, 4))
    yield case(L.SpectralNormalization(L.Dense(3)), rows)
    yield case(L.SpectralNormalization(L.Dense(3, kernel_regularizer="l2")), rows, training=True)
    yield case(L.SpectralNormalization(L.Conv2D(2, 2), power_iterations=3), image, training=True)


if __name__ == "__main__":
    write("sequences", list(sequences()))
    write("attention", list(attention()))
    write("groups", list(groups()))
