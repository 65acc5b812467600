"""Quantisation, from NumPy: halves to even, limited to the range."""

import numpy as np

from answers import Answers

a = Answers("quantize", f"NumPy {np.__version__}")
TYPES = {0: np.int8, 1: np.uint8}


def spread(p, x, axis):
    return p if p.ndim == 0 or p.size == 1 else p.reshape([-1 if d == axis % x.ndim else 1 for d in range(x.ndim)])


def quantized(x, scale, zero, code, axis):
    steps = np.round(x / spread(scale, x, axis)) + spread(zero, x, axis).astype(np.float32)
    return np.nan_to_num(np.clip(steps, np.iinfo(TYPES[code]).min, np.iinfo(TYPES[code]).max), nan=0).astype(TYPES[code])


def dequantized(q, scale, zero, axis):
    return (q.astype(np.float64) - spread(zero, q, axis)) * spread(scale, q, axis)


# Scales that are powers of two divide exactly, so that halves are halves on every engine.
cases = [((2, 3, 4), (), None), ((2, 3, 4), (1,), None), ((2, 3, 4), (3,), 1), ((2, 3, 4), (4,), -1), ((0, 3), (3,), 1), ((5,), (5,), 0), ((1,), (1,), 0), ((), (), None)]
for shape, parameters, axis in cases:
    for code in TYPES:
        x = np.float32(a.integers(-1200, 1200, *shape) / 8)
        scale = np.float32(2.0 ** a.integers(-3, 2, *parameters))
        zero = a.integers(-5, 100, *parameters)
        q = quantized(x, scale, zero, code, axis)
        at = [] if axis is None else [axis]
        a.case("quantize", [x, scale, zero], [q], [code, *at])
        a.case("dequantize", [q, scale, zero], [dequantized(q, scale, zero, axis)], at)
        a.case("fakeQuantize", [x, scale, zero], [dequantized(q, scale, zero, axis)], [code, *at])
edges = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38, 0.5, 1.5, 2.5, -0.5, -1.5, 127.5, 128.0, -128.5, -129], np.float32)
for code in TYPES:
    a.case("quantize", [edges, np.float32(1), np.int32(0)], [quantized(edges, np.float32(1), np.int32(0), code, None)], [code], note="edges")
a.write()
