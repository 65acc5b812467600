"""Layers of volumes, and products by equations. `python volumes.py` writes layers/{volumes,equations}.json.gz."""

from keras import constraints, initializers, layers as L

from freeze import Input, case, distinct, write
from layers import REGULARIZED

volume = Input(2, 4, 3, 5, 2)
first = Input(1, 2, 4, 3, 5)
small = Input(1, 2, 3, 2, 2)


def convolution():
    yield case(L.Conv3D(3, (2, 3, 2), activation="tanh"), volume)
    yield case(L.Conv3D(2, (3, 2, 2), strides=(2, 1, 3), padding="same", use_bias=False), volume)
    yield case(L.Conv3D(2, 2, dilation_rate=(1, 2, 2)), volume)
    yield case(L.Conv3D(4, 2, groups=2), small)
    yield case(L.Conv3D(2, 2, data_format="channels_first"), first)
    yield case(L.Conv3D(2, 2, **REGULARIZED), Input(1, 2, 2, 3, 2))
    yield case(L.Conv3DTranspose(2, (2, 3, 2), strides=(2, 1, 2), padding="same"), small)
    yield case(L.Conv3DTranspose(1, 2, strides=(3, 2, 1), activation="tanh", use_bias=False), small)
    yield case(L.Conv3DTranspose(2, 3, strides=2, padding="same", output_padding=(1, 0, 1)), small)
    yield case(L.Conv3DTranspose(1, 2, dilation_rate=2), small)
    yield case(L.Conv3DTranspose(2, 2, data_format="channels_first"), Input(1, 2, 2, 3, 2))
    yield case(L.Conv3DTranspose(1, 2, **REGULARIZED), Input(1, 2, 2, 1, 2))


def pooling():
    values = Input(2, 4, 3, 5, 2, values=distinct)
    for make in [L.MaxPooling3D, L.AveragePooling3D]:
        yield case(make(2), values)
        yield case(make((3, 2, 2), strides=(2, 1, 3), padding="same"), values)
        yield case(make(2, strides=1), values)
        yield case(make(2, data_format="channels_first"), Input(1, 2, 4, 3, 5, values=distinct))
    for make in [L.GlobalMaxPooling3D, L.GlobalAveragePooling3D]:
        yield case(make(), values)
        yield case(make(data_format="channels_first", keepdims=True), values)


def shaping():
    yield case(L.ZeroPadding3D(), small)
    yield case(L.ZeroPadding3D(((1, 0), (2, 1), (0, 2))), small)
    yield case(L.ZeroPadding3D((1, 0, 2), data_format="channels_first"), Input(1, 1, 2, 3, 2))
    yield case(L.Cropping3D(((1, 0), (1, 1), (2, 1))), volume)
    yield case(L.Cropping3D(1), volume)
    yield case(L.Cropping3D((1, 0, 2), data_format="channels_first"), first)
    yield case(L.UpSampling3D(), small)
    yield case(L.UpSampling3D((3, 1, 2)), small)
    yield case(L.UpSampling3D((1, 2, 3), data_format="channels_first"), Input(1, 1, 2, 3, 2))
    yield case(L.SpatialDropout3D(0.3, seed=2, data_format="channels_first"), small)


def recurrent():
    steps = Input(1, 2, 3, 2, 3, 2)
    yield case(L.ConvLSTM3D(1, 2), steps)
    yield case(L.ConvLSTM3D(2, (2, 1, 2), padding="same", return_sequences=True, return_state=True, recurrent_activation="softsign"), steps)
    yield case(L.ConvLSTM3D(1, 2, strides=(1, 2, 1), padding="same", go_backwards=True, unit_forget_bias=False, activation="softsign"), steps)
    yield case(L.ConvLSTM3D(1, 2, data_format="channels_first", use_bias=False), Input(1, 2, 1, 2, 3, 2))


def equations():
    sequence = Input(2, 3, 4)
    rows = Input(3, 4)
    yield case(L.EinsumDense("ab,bc->ac", output_shape=5, bias_axes="c", activation="tanh"), rows)
    yield case(L.EinsumDense("abc,cd->abd", output_shape=(None, 5), bias_axes="d"), sequence)
    yield case(L.EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="de"), sequence)
    yield case(L.EinsumDense("abc,cde->abde", output_shape=(3, 2, 3), bias_axes="be"), sequence)
    yield case(L.EinsumDense("abcd,cde->abe", output_shape=(None, 3)), Input(2, 3, 2, 2))
    yield case(L.EinsumDense("...x,xy->...y", output_shape=3, bias_axes="y"), Input(2, 2, 3, 4))
    yield case(L.EinsumDense("...bc,cd->...bd", output_shape=(3, 3), bias_axes="bd"), Input(2, 2, 3, 4))
    yield case(L.EinsumDense("ab...,bc->ac...", output_shape=3, bias_axes="c"), Input(2, 3, 2, 2))
    yield case(L.EinsumDense("abc,cd->adb", output_shape=(2, None)), sequence)
    yield case(
        L.EinsumDense(
            "ab,bc->ac", output_shape=2, bias_axes="c", kernel_initializer=initializers.Constant(2.0), bias_initializer="ones", kernel_regularizer="l1",
            bias_regularizer="l2", activity_regularizer="l1", kernel_constraint=constraints.MaxNorm(1), bias_constraint="non_neg",
        ),
        rows,
    )


if __name__ == "__main__":
    write("volumes", [*convolution(), *pooling(), *shaping(), *recurrent()])
    write("equations", list(equations()))
