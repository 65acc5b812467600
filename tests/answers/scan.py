"""Cumulative operations, sorting and rotations: every axis, both directions, long rows, empty and single axes, NaN, integer edges."""

import numpy as np

from answers import Answers

a = Answers("scan", f"NumPy {np.__version__}")
np.seterr(all="ignore")
EDGES = np.array([[2.0, -np.inf, 3.0, np.inf, 1.0], [0.0, 5.0, np.nan, 7.0, -1.0]], np.float32)
NEUTRAL = {"cumsum": 0, "cumprod": 1, "logCumsumExp": -np.inf}


def wide(x):
    return x.astype(np.float64) if x.dtype == np.float32 else x.astype(np.int32)


def cumulative(name, x, axis, exclusive=False, reverse=False):
    f = {"cumsum": np.add, "cumprod": np.multiply, "cummax": np.maximum, "cummin": np.minimum, "logCumsumExp": np.logaddexp}[name]
    x = wide(x)
    if name == "logCumsumExp":
        x = x.astype(np.float64)
    x = np.moveaxis(x, axis, 0)
    if reverse:
        x = x[::-1]
    if exclusive:
        x = np.concatenate([np.full_like(x[:1], NEUTRAL[name]), x[:-1]])
    y = f.accumulate(x, axis=0, dtype=x.dtype) if x.size else x
    return np.moveaxis(y[::-1] if reverse else y, 0, axis)


for name in ("cumsum", "cumprod", "cummax", "cummin", "logCumsumExp"):
    extremum = name in ("cummax", "cummin")

    def scan(x, axis, exclusive=False, reverse=False, **more):
        attrs = [axis, reverse] if extremum else [axis, exclusive, reverse]
        a.case(name, [x], [cumulative(name, x, axis, exclusive, reverse)], attrs, **more)

    for axis in (0, 1, -1):
        for reverse in (False, True):
            for exclusive in (False,) if extremum else (False, True):
                scan(a.normal(2, 3, 4), axis, exclusive, reverse)
                scan(a.integers(-9, 10, 3, 5), min(axis, 1), exclusive, reverse)
    # Several shapes of one structure, long enough for lines to be split; short numbers keep the file small.
    for shape, axis in (((1, 5000), 1), ((2, 600), 1), ((3, 70), 1), ((300, 3), 0), ((2, 100, 2), 1)):
        if name == "logCumsumExp" and shape == (1, 5000):
            continue
        x = a.integers(-9, 10, *shape).astype(np.float32)
        scan(np.where(x < 0, -1, 1).astype(np.float32) if name == "cumprod" else x, axis)
    for shape, axis in (((0,), 0), ((2, 0, 3), 1), ((2, 0, 3), 0), ((1,), 0), ((4, 1), 1), ((4, 1), 0)):
        scan(a.normal(*shape), axis, not extremum)
    scan(EDGES, 1, note="float edges")
    scan(np.array([True, True, False, True]), 0)
    scan(np.array([2**31 - 1, 1, -(2**31), -1], np.int32), 0, note="integers wrap")


def argsort(x, axis, descending):
    """Stable, NaN last in both directions."""
    keys = wide(x).astype(np.float64)
    return np.argsort(-keys if descending else keys, axis=axis, kind="stable").astype(np.int32)


def sort(x, axis=-1, descending=False, **more):
    order = argsort(x, axis, descending)
    a.case("sort", [x], [np.take_along_axis(x, order, axis)], [axis, descending], **more)
    a.case("argsort", [x], [order], [axis, descending], **more)


WHOLE = np.array([7, -(2**31), 2**31 - 1, 0, -(2**31), -1, 7, 2**31 - 1], np.int32)
for descending in (False, True):
    for axis in (0, 1, -1):
        sort(a.normal(3, 4, 5), axis, descending)
        sort(a.integers(-3, 4, 4, 40), min(axis, 1), descending, note="ties")
    for shape in ((1, 900 if descending else 5000), (2, 300), (3, 33), (4, 1), (2, 0), (0, 3)):
        sort(a.integers(-999, 1000, *shape).astype(np.float32), 1, descending)
    sort(EDGES, 1, descending, note="float edges")
    sort(np.array([0.0, -0.0, np.nan, -1e-45, 0.0, 1e-45, -0.0], np.float32), 0, descending, note="zeros are equal")
    sort(WHOLE, 0, descending, note="integer edges")
    sort(a.integers(0, 2, 3, 37).astype(np.bool_), 1, descending)
for shape, k in (((2, 5), 0), ((2, 5), 3), ((1, 2000), 5), ((2, 200), 200), ((0, 4), 2), ((7,), 1)):
    for x in (a.integers(-99, 100, *shape).astype(np.float32), a.integers(-9, 10, *shape)):
        order = argsort(x, -1, True)[..., :k]
        a.case("topk", [x], [np.take_along_axis(x, order, -1), order], [k])
order = argsort(EDGES, -1, True)[..., :4]
a.case("topk", [EDGES], [np.take_along_axis(EDGES, order, -1), order], [4], note="float edges")
for shape, shifts, axes in (((3, 4), [1], [0]), ((3, 4), [-5], [-1]), ((2, 3, 4), [1, 2], [0, 2]), ((5,), [12], [0]), ((0, 3), [1], [0]), ((2, 1), [3], [1])):
    for x in (a.normal(*shape), a.integers(-9, 10, *shape), a.integers(0, 2, *shape).astype(np.bool_)):
        a.case("roll", [x], [np.roll(x, shifts, axes)], [*shifts, *axes])
for left, right in (((2, 3), (3, 2)), ((4,), (2, 3)), ((2, 1, 3), (2,)), ((), (2, 2)), ((0, 2), (3, 3))):
    x, y = a.normal(*left), a.normal(*right)
    a.case("kron", [x, y], [np.kron(wide(x), wide(y))])
    x, y = a.integers(-9, 10, *left), a.integers(-9, 10, *right)
    a.case("kron", [x, y], [np.kron(x, y)])
a.write()
