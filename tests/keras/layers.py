"""The layers that models of images and of tables are made of. `python layers.py` writes layers/*.json.gz."""

import keras
from keras import constraints, initializers, layers as L, regularizers

from freeze import Input, case, distinct, write

REGULARIZED = dict(
    kernel_regularizer=regularizers.L1L2(0.1, 0.2), bias_regularizer=regularizers.L1(0.3),
    kernel_constraint=constraints.MaxNorm(0.7, axis=0), bias_constraint=constraints.NonNeg(),
    kernel_initializer=initializers.Constant(0.5), bias_initializer="ones", activity_regularizer=regularizers.L2(0.4),
)
image = Input(2, 5, 4, 2)
rows = Input(3, 4)
first = Input(2, 2, 5, 4)


def core():
    for activation in ["linear", "relu", "relu6", "elu", "selu", "sigmoid", "softplus", "softsign", "tanh", "softmax", "log_softmax", "gelu", "mish", "silu", "leaky_relu", "exponential", "hard_silu", "celu", "log_sigmoid"]:
        yield case(L.Activation(activation), rows)
    # On both sides of where their pieces meet.
    for activation in ["hard_shrink", "hard_tanh", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh_shrink"]:
        yield case(L.Activation(activation), Input(2, 5, values=[-2.5, -0.9, -0.4, -0.1, 0.2, 0.3, 0.7, 0.95, 1.6, 3]))
    yield case(L.Dense(5, activation="tanh"), rows)
    yield case(L.Dense(2, use_bias=False), Input(2, 3, 4))
    yield case(L.Dense(3, **REGULARIZED), rows)
    yield case(L.Dense(3, kernel_constraint=constraints.MinMaxNorm(0.5, 1.0, 0.8, axis=1), bias_constraint=constraints.UnitNorm()), rows)
    yield case(L.Dense(3, kernel_constraint=constraints.UnitNorm(axis=[0, 1])), rows)
    yield case(L.Dense(4, kernel_regularizer=regularizers.OrthogonalRegularizer(0.1)), rows)
    yield case(L.Dense(4, kernel_initializer=initializers.Identity(2.0), kernel_regularizer=regularizers.OrthogonalRegularizer(0.1, mode="columns")), rows)
    yield case(L.Dense(5, kernel_initializer=initializers.Identity(2.0)), rows)
    index = Input(2, 3, dtype="int32", values=[[0, 4, 1], [4, 4, 2]])
    yield case(L.Embedding(5, 3), index)
    yield case(L.Embedding(5, 2, embeddings_initializer=initializers.Constant(0.5), embeddings_regularizer="l2", embeddings_constraint="non_neg", activity_regularizer="l1"), index)
    yield case(L.Flatten(), image)
    yield case(L.Flatten(data_format="channels_first"), first)
    yield case(L.Reshape((4, -1, 5)), image)
    yield case(L.Permute((3, 1, 2)), image)
    yield case(L.RepeatVector(3), rows)
    yield case(L.ReLU(1.0, 0.1, 0.2), rows)
    yield case(L.ReLU(), rows)
    yield case(L.LeakyReLU(0.2), rows)
    yield case(L.ELU(0.7), rows)
    yield case(L.Softmax(), rows)
    yield case(L.Softmax(axis=1), Input(2, 3, 4))
    yield case(L.Softmax(axis=[1, 2]), Input(2, 3, 4))
    yield case(L.PReLU(), rows)
    yield case(L.PReLU(shared_axes=[1, 2], alpha_initializer="ones", alpha_regularizer="l2", alpha_constraint="non_neg"), image)
    yield case(L.Dropout(0.4, noise_shape=(None, 1), seed=3), rows)
    yield case(L.SpatialDropout1D(0.4), Input(2, 3, 4))
    yield case(L.SpatialDropout2D(0.4, data_format="channels_first"), first)
    yield case(L.GaussianNoise(0.5), rows)
    yield case(L.GaussianDropout(0.3), rows)


STEPS = [[True, True, False], [True, False, True]]


def masks():
    sequence = Input(2, 3, 4, mask=STEPS)
    index = Input(2, 3, dtype="int32", values=[[0, 4, 1], [4, 0, 2]])
    yield case(L.Embedding(5, 3, mask_zero=True), index)
    for layer in [L.Dense(2), L.Activation("relu"), L.ReLU(), L.LeakyReLU(), L.ELU(), L.PReLU(), L.Dropout(0.2), L.GaussianNoise(0.1), L.GaussianDropout(0.1), L.LayerNormalization(), L.Rescaling(2.0), L.Flatten(), L.Reshape((12,)), L.Permute((2, 1)), L.SpatialDropout1D(0.1)]:
        yield case(layer, sequence)
    yield case(L.BatchNormalization(), sequence, training=True)
    yield case(L.Softmax(), Input(2, 3, mask=STEPS))
    yield case(L.Softmax(axis=[0, 1]), Input(2, 3, mask=STEPS))
    for make in [L.Add, L.Multiply, L.Maximum]:
        yield case(make(), sequence, Input(2, 3, 4, mask=[[True, False, False], [True, True, True]]))
    yield case(L.Average(), sequence, Input(2, 3, 4))
    yield case(L.Concatenate(), sequence, Input(2, 3, 2))
    yield case(L.Concatenate(axis=1), sequence, Input(2, 2, 4, mask=[[False, True], [True, True]]))


def merge():
    three = [Input(2, 3), Input(2, 3), Input(2, 3)]
    for make in [L.Add, L.Multiply, L.Average, L.Maximum, L.Minimum]:
        yield case(make(), *three)
    yield case(L.Subtract(), Input(2, 3), Input(2, 1))
    yield case(L.Add(), Input(2, 3, 4), Input(2, 4))
    yield case(L.Concatenate(), Input(2, 3, 2), Input(2, 3, 4))
    yield case(L.Concatenate(axis=1), Input(2, 3, 2), Input(2, 1, 2))


def convolution():
    yield case(L.Conv2D(3, 3, activation="sigmoid"), image)
    yield case(L.Conv2D(4, (3, 2), strides=(2, 1), padding="same", groups=2), image)
    yield case(L.Conv2D(2, 2, dilation_rate=2, use_bias=False), image)
    yield case(L.Conv2D(2, (2, 3), dilation_rate=(1, 2), padding="same"), image)
    yield case(L.Conv2D(2, 2, **REGULARIZED), Input(1, 3, 3, 2))
    yield case(L.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), image)
    yield case(L.DepthwiseConv2D((2, 3), strides=2, activation="tanh", use_bias=False), image)
    yield case(L.DepthwiseConv2D(2, dilation_rate=2), image)
    yield case(L.DepthwiseConv2D(2, depthwise_regularizer="l1", depthwise_constraint=constraints.MaxNorm(1, axis=[0, 1]), depthwise_initializer="ones", bias_regularizer="l2", bias_constraint="non_neg", bias_initializer="ones", activity_regularizer="l2"), Input(1, 3, 3, 2))
    yield case(L.SeparableConv2D(3, 3, depth_multiplier=2), image)
    yield case(L.SeparableConv2D(2, 2, strides=2, padding="same", activation="relu", use_bias=False), image)
    yield case(L.SeparableConv2D(2, 2, dilation_rate=2), image)
    yield case(L.SeparableConv2D(2, 2, depthwise_regularizer="l1", pointwise_regularizer="l2", bias_regularizer="l1", depthwise_constraint="non_neg", pointwise_constraint="unit_norm", bias_constraint="non_neg", depthwise_initializer="ones", pointwise_initializer=initializers.Constant(2.0), bias_initializer="ones", activity_regularizer="l2"), Input(1, 3, 3, 2))
    yield case(L.Conv2DTranspose(3, 3, strides=2, padding="same"), image)
    yield case(L.Conv2DTranspose(2, (2, 3), strides=(3, 1), activation="tanh"), image)
    yield case(L.Conv2DTranspose(2, 2, dilation_rate=2, use_bias=False), image)
    yield case(L.Conv2DTranspose(2, 3, strides=2, output_padding=1), Input(1, 3, 3, 2))
    yield case(L.Conv2DTranspose(2, 3, strides=2, padding="same", output_padding=(0, 1)), Input(1, 3, 3, 2))
    yield case(L.Conv2DTranspose(2, 2, **REGULARIZED), Input(1, 2, 2, 2))
    for layer in [L.Conv2D(2, 2, strides=2), L.Conv2DTranspose(2, 2, strides=2), L.DepthwiseConv2D(2), L.SeparableConv2D(2, 2)]:
        layer.data_format = "channels_first"
        # Where an output is as wide as it has channels, Keras on TensorFlow adds the bias along the width.
        yield case(type(layer).from_config(layer.get_config()), Input(1, 2, 4, 6))
    # Along the last axis, which is not that of the channels.
    yield case(L.Conv2D(2, 2, activation="softmax", data_format="channels_first"), first)


def pooling():
    tall = Input(2, 6, 5, 2, values=distinct)
    for make in [L.MaxPooling2D, L.AveragePooling2D]:
        yield case(make(2), tall)
        yield case(make((3, 2), strides=2, padding="same"), tall)
        yield case(make(2, strides=(1, 3)), tall)
        yield case(make(2, data_format="channels_first"), Input(1, 2, 4, 5, values=distinct))
    for make in [L.GlobalMaxPooling2D, L.GlobalAveragePooling2D]:
        yield case(make(), tall)
        yield case(make(data_format="channels_first", keepdims=True), tall)


def shaping():
    yield case(L.ZeroPadding2D(((1, 0), (2, 3))), image)
    yield case(L.ZeroPadding2D((1, 2), data_format="channels_first"), first)
    yield case(L.Cropping2D((2, 1)), image)
    yield case(L.Cropping2D(((1, 0), (2, 1)), data_format="channels_first"), first)
    yield case(L.UpSampling2D((2, 3)), Input(1, 3, 2, 2))
    yield case(L.UpSampling2D((2, 3), interpolation="bilinear"), Input(1, 3, 2, 2))
    yield case(L.UpSampling2D(2, data_format="channels_first"), Input(1, 2, 3, 2))


def normalization():
    yield case(L.BatchNormalization(), image)
    yield case(L.BatchNormalization(momentum=0.8, epsilon=0.1), image, training=True)
    yield case(L.BatchNormalization(scale=False, axis=1), Input(2, 3, 4), training=True)
    yield case(L.BatchNormalization(center=False), rows)
    yield case(
        L.BatchNormalization(
            beta_initializer=initializers.Constant(2.0), gamma_initializer=initializers.Constant(3.0),
            moving_mean_initializer=initializers.Constant(4.0), moving_variance_initializer=initializers.Constant(5.0),
            beta_regularizer="l1", gamma_regularizer="l2", beta_constraint="non_neg", gamma_constraint=constraints.MaxNorm(1),
        ),
        rows,
    )
    yield case(L.LayerNormalization(), image)
    yield case(L.LayerNormalization(scale=False, axis=1, epsilon=0.1), Input(2, 3, 4))
    yield case(L.LayerNormalization(center=False, axis=[1, 2]), Input(2, 3, 4))
    yield case(L.LayerNormalization(axis=[1, 3]), Input(2, 3, 2, 2))
    yield case(
        L.LayerNormalization(
            beta_initializer=initializers.Constant(2.0), gamma_initializer=initializers.Constant(3.0),
            beta_regularizer="l1", gamma_regularizer="l2", beta_constraint="non_neg", gamma_constraint=constraints.MaxNorm(1),
        ),
        rows,
    )
    yield case(L.Rescaling([2.0, 0.5, 1.0, 3.0], offset=-1), rows)
    yield case(L.Rescaling(0.5, offset=[2.0, 0.5, 1.0, 3.0]), rows)


FAMILIES = dict(core=core, masks=masks, merge=merge, convolution=convolution, pooling=pooling, shaping=shaping, normalization=normalization)

if __name__ == "__main__":
    for name, make in FAMILIES.items():
        write(name, list(make()))
