"""Blocks between batch, depth and space, borders that mirror, grids and diagonals."""

import numpy as np
import tensorflow as tf

from answers import Answers

a = Answers("layout", f"NumPy {np.__version__}, TensorFlow {tf.__version__}")
DTYPES = {"float32": lambda *s: a.normal(*s), "int32": lambda *s: a.integers(-99, 100, *s), "bool": lambda *s: a.integers(0, 2, *s).astype(bool)}
CODES = {"float32": 0, "int32": 1, "bool": 2}
# TensorFlow moves no bools in blocks.
moved = lambda op, x, **how: op(input=x.astype(np.int32) if x.dtype == bool else x, **how).numpy().astype(x.dtype)
flat = lambda pairs: [n for pair in pairs for n in pair]

for shape, block, crops in [
    ((4, 1, 1, 3), [2, 2], [(0, 0), (0, 0)]), ((12, 2, 3, 2), [2, 3], [(1, 0), (0, 2)]), ((6, 4), [3], [(2, 1)]), ((2, 3, 2), [1], [(0, 0)]),
    ((0, 2, 2), [2], [(0, 1)]), ((4, 2, 1, 5), [2, 2], [(2, 2), (0, 1)]), ((8, 1, 2, 1, 2), [2, 2, 2], [(0, 1), (1, 0), (0, 0)]),
]:
    for make in DTYPES.values():
        x = make(*shape)
        a.case("batchToSpaceND", [x], [moved(tf.raw_ops.BatchToSpaceND, x, block_shape=block, crops=crops)], block + flat(crops))
for shape, block, pads in [
    ((1, 2, 2, 3), [2, 2], [(0, 0), (0, 0)]), ((2, 3, 4, 2), [2, 3], [(1, 0), (0, 2)]), ((2, 5), [3], [(2, 2)]), ((3, 4, 2), [1], [(0, 0)]),
    ((0, 3, 2), [2], [(0, 1)]), ((1, 0, 2), [2], [(1, 1)]), ((1, 1, 2, 3, 2), [2, 2, 2], [(0, 1), (1, 1), (0, 1)]),
]:
    for make in DTYPES.values():
        x = make(*shape)
        a.case("spaceToBatchND", [x], [moved(tf.raw_ops.SpaceToBatchND, x, block_shape=block, paddings=pads)], block + flat(pads))
for shape, block in [((1, 1, 1, 4), 2), ((2, 2, 3, 12), 2), ((1, 2, 1, 18), 3), ((0, 2, 2, 4), 2)]:
    for make in (DTYPES["float32"], DTYPES["int32"]):
        x = make(*shape)
        y = tf.nn.depth_to_space(x, block).numpy()
        a.case("depthToSpace", [x], [y], [block])
        a.case("spaceToDepth", [y], [x], [block])
for shape, pads in [((3,), [(2, 1)]), ((3, 4), [(1, 2), (0, 3)]), ((2, 3, 2), [(1, 0), (0, 0), (1, 1)]), ((1, 3), [(0, 0), (2, 2)]), ((0, 2), [(0, 0), (1, 0)])]:
    for mode in (0, 1):
        for make in DTYPES.values():
            x = make(*shape)
            a.case("mirrorPad", [x], [np.pad(x, pads, ["reflect", "symmetric"][mode])], [mode] + flat(pads))
for sizes in [(3,), (3, 4), (1, 2), (0, 3), (2, 3, 4), (2, 1, 3, 2)]:
    for xy in (0, 1):
        axes = [a.normal(n) for n in sizes]
        a.case("meshgrid", axes, np.meshgrid(*axes, indexing=["ij", "xy"][xy]), [xy])
x, y = a.integers(0, 9, 3), np.array([True, False])
a.case("meshgrid", [x, y], np.meshgrid(x, y), [1], note="a dtype of its own for each")
for rows, columns in [(3, 3), (2, 4), (4, 2), (1, 1), (0, 3), (0, 0)]:
    for dtype, code in CODES.items():
        a.case("eye", [], [np.eye(rows, columns, dtype=dtype)], [code, rows, columns])
for shape in [(), (1,), (3,), (2, 3), (0,), (2, 1, 2)]:
    for make in DTYPES.values():
        x = np.asarray(make(*shape))
        n = x.size
        matrix = np.zeros((n, n), x.dtype)
        np.fill_diagonal(matrix, x.reshape(-1))
        a.case("diag", [x], [matrix.reshape(shape + shape)])
x = np.array([np.nan, np.inf, -np.inf, 1], np.float32)
a.case("diag", [x], [np.diag(x)], note="zeros beside what is not finite")
for shape in [(3, 3), (2, 4), (4, 2), (1, 1), (0, 3), (2, 3, 4), (3, 2, 2, 3)]:
    for offset in (0, 1, -1, 3, -5):
        for axes in [(0, 1), (-1, 0)]:
            x = a.normal(*shape)
            a.case("diagonal", [x], [np.diagonal(x, offset, *axes)], [offset, *axes])
x = a.integers(0, 9, 3, 3)
a.case("diagonal", [x], [np.diagonal(x)], [0, 0, 1])
a.write()
