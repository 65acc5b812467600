"""Convolutions and pooling of sequences and volumes, and other windows: JAX's and TensorFlow's answers."""

import os

os.environ["CUDA_VISIBLE_DEVICES"], os.environ["TF_CPP_MIN_LOG_LEVEL"] = "", "3"

import jax
import jax.lax as lax
import numpy as np
import tensorflow as tf

from answers import Answers

a = Answers("volumes", f"TensorFlow {tf.__version__}, JAX {jax.__version__}")
MODES = {"VALID": 0, "SAME": 1}


def convolve(x, w, stride, padding, dilation, groups):
    """JAX's convolution of any number of dimensions, channels last."""
    names = "DHW"[3 - (x.ndim - 2) :]
    layout = (f"N{names}C", f"{names}IO", f"N{names}C")
    return lax.conv_general_dilated(x, w, stride, padding, rhs_dilation=dilation, dimension_numbers=layout, feature_group_count=groups, precision="highest")


def options(stride, dilation, groups, padding, dims):
    sides = [0] * (2 * dims) if isinstance(padding, str) else [p for pair in padding for p in pair]
    return [*stride, *dilation, groups, MODES[padding] if isinstance(padding, str) else 2, *sides]


def adjoint(op, x, w, out, stride, padding, dilation, groups):
    """JAX's gradient of the convolution by its input: the transposed convolution, with the input's shape."""
    dy = a.normal(*out.shape)
    (dx,) = jax.vjp(lambda x: convolve(x, w, stride, padding, dilation, groups), x)[1](dy)
    a.case(op, [dy, w], [np.asarray(dx)], [*x.shape[1:-1], *options(stride, dilation, groups, padding, x.ndim - 2)], note=f"{x.shape} {w.shape} {padding} {groups}")


sequences = [
    ((2, 9, 3), (4, 3, 5), 1, "VALID", 1, 1), ((2, 9, 3), (3, 3, 4), 2, "SAME", 1, 1), ((1, 8, 6), (3, 2, 9), 1, "SAME", 1, 3),
    ((2, 6, 2), (3, 2, 2), 1, [(3, 1)], 2, 1), ((1, 1, 1), (1, 1, 1), 1, "VALID", 1, 1), ((0, 5, 2), (2, 2, 3), 1, "VALID", 1, 1),
]
for xs, ws, stride, padding, dilation, groups in sequences:
    x, w = a.normal(*xs), a.normal(*ws)
    out = convolve(x, w, [stride], padding, [dilation], groups)
    a.case("conv1d", [x, w], [out], options([stride], [dilation], groups, padding, 1), note=f"{xs} {ws} {padding} {groups}")
    if xs[0]:
        adjoint("conv1dTranspose", x, w, out, [stride], padding, [dilation], groups)

volumes = [
    ((2, 4, 5, 4, 2), (2, 3, 2, 2, 3), (1, 1, 1), "VALID", (1, 1, 1), 1), ((1, 5, 4, 6, 2), (3, 2, 3, 2, 3), (2, 1, 3), "SAME", (1, 1, 1), 1),
    ((1, 6, 5, 5, 1), (2, 3, 2, 1, 2), (1, 1, 1), "VALID", (3, 1, 2), 1), ((1, 3, 4, 3, 2), (3, 2, 2, 2, 2), (1, 2, 1), [(1, 2), (0, 1), (2, 0)], (1, 1, 1), 1),
    ((1, 3, 3, 3, 6), (2, 2, 2, 2, 6), (1, 1, 1), "SAME", (1, 1, 1), 3), ((1, 4, 3, 3, 4), (2, 1, 2, 2, 4), (2, 1, 1), "VALID", (1, 1, 1), 2),
    ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1), (1, 1, 1), "SAME", (1, 1, 1), 1), ((0, 2, 2, 2, 1), (1, 2, 2, 1, 2), (1, 1, 1), "VALID", (1, 1, 1), 1),
    ((1, 5, 4, 4, 1), (1, 1, 1, 1, 1), (3, 2, 2), "SAME", (1, 1, 1), 1),
]
for xs, ws, stride, padding, dilation, groups in volumes:
    x, w = a.normal(*xs), a.normal(*ws)
    out = convolve(x, w, stride, padding, dilation, groups)
    if groups == 1 and isinstance(padding, str) and dilation == (1, 1, 1) and xs[0]:
        assert np.allclose(out, tf.nn.conv3d(x, w, (1, *stride, 1), padding).numpy(), atol=1e-4)
    numbers = options(stride, dilation, groups, padding, 3)
    a.case("conv3d", [x, w], [out], numbers, note=f"{xs} {ws} {padding} {groups}")
    if xs[0]:
        adjoint("conv3dTranspose", x, w, out, stride, padding, dilation, groups)

x = a.normal(2, 4, 5, 6, 2)
for window, stride, padding in (((2, 2, 2), (2, 2, 2), "VALID"), ((3, 2, 3), (1, 2, 2), "SAME"), ((1, 1, 1), (1, 1, 1), "SAME"), ((4, 5, 6), (1, 1, 1), "VALID")):
    numbers = [*window, *stride, 1, 1, 1, MODES[padding], 0, 0, 0, 0, 0, 0]
    a.case("maxPool3d", [x], [tf.nn.max_pool3d(x, window, stride, padding).numpy()], numbers, note=f"{window} {padding}")
    a.case("avgPool3d", [x], [tf.nn.avg_pool3d(x, window, stride, padding).numpy()], numbers, note=f"{window} {padding}")
images = a.normal(2, 5, 6, 3)
for window, stride, padding in (((2, 3), (2, 2), "SAME"), ((2, 2), (1, 2), "VALID"), ((1, 1), (1, 1), "VALID")):
    for batch in (False, True):
        found = tf.nn.max_pool_with_argmax(images, window, stride, padding, output_dtype=tf.int32, include_batch_in_index=batch)
        a.case("maxPoolWithArgmax", [images], [t.numpy() for t in found], [*window, *stride, 1, 1, MODES[padding], 0, 0, 0, 0, int(batch)], note=f"{window} {padding} {batch}")
filters = a.normal(2, 3, 3)
for stride, dilation, padding in (((1, 1), (1, 1), "VALID"), ((2, 3), (1, 1), "SAME"), ((1, 1), (2, 1), "SAME"), ((1, 1), (2, 2), "VALID")):
    out = tf.nn.dilation2d(images, filters, (1, *stride, 1), padding, "NHWC", (1, *dilation, 1)).numpy()
    a.case("dilation2d", [images, filters], [out], [*stride, *dilation, MODES[padding], 0, 0, 0, 0], note=f"{stride} {dilation} {padding}")
a.case("dilation2d", [images[:0], filters], [np.zeros((0, 4, 4, 3), np.float32)], [1, 1, 1, 1, 0, 0, 0, 0, 0], note="no images")
whole = a.integers(-9, 9, 1, 3, 3, 1)
a.case("dilation2d", [whole, np.array([[[1], [-2]]], np.int32)], [np.maximum(whole[:, :, :-1] + 1, whole[:, :, 1:] - 2)], [1, 1, 1, 1, 0, 0, 0, 0, 0], note="int32")
wide = a.normal(2, 2, 3, 7)
for radius, bias, alpha, beta in ((2, 1.5, 0.7, 0.75), (5, 1, 1, 0.5), (0, 2, 0.3, 1), (9, 1, 0.1, 0.5)):
    out = tf.nn.local_response_normalization(wide, radius, bias, alpha, beta).numpy()
    a.case("localResponseNormalization", [wide], [out], [radius, bias, alpha, beta], tolerance=2e-5)
a.case("localResponseNormalization", [wide[:0]], [wide[:0]], [2, 1, 1, 0.5], note="nothing")
a.write()
