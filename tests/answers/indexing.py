"""Index vectors, placing with reductions, segments, searching and counting: indices outside, repeats, empty axes, every dtype."""

import numpy as np

from answers import Answers

a = Answers("indexing", f"NumPy {np.__version__}")
LOWEST, HIGHEST = np.iinfo(np.int32).min, np.iinfo(np.int32).max
UFUNCS = {"Sum": np.add, "Prod": np.multiply, "Max": np.maximum, "Min": np.minimum}


def neutral(name, dtype):
    """The value of an empty reduction."""
    if name in ("Sum", "Prod"):
        return dtype.type(name == "Prod")
    low, high = {"f": (-np.inf, np.inf), "i": (LOWEST, HIGHEST), "b": (False, True)}[dtype.kind]
    return dtype.type(low if name == "Max" else high)


def values(dtype, *shape):
    if dtype == np.float32:
        return a.normal(*shape)
    return a.integers(-9, 10, *shape) if dtype == np.int32 else a.integers(0, 2, *shape).astype(np.bool_)


def wide(x):
    return x.astype(np.float64) if x.dtype == np.float32 else x


def segments(name, x, ids, n):
    if name == "Mean":
        total, count = segments("Sum", x.astype(np.float32), ids, n), segments("Sum", np.ones(ids.shape, np.float32), ids, n)
        return total / np.maximum(count, 1).reshape([n] + [1] * (x.ndim - 1))
    x = wide(x.astype(np.int32) if x.dtype == np.bool_ and name in ("Sum", "Prod") else x)
    y = np.full((n, *x.shape[1:]), neutral(name, x.dtype), x.dtype)
    for i, s in enumerate(ids):
        if 0 <= s < n:
            y[s] = UFUNCS[name](y[s], x[i])
    return y


for name in ("Sum", "Prod", "Max", "Min", "Mean"):
    for dtype in (np.float32, np.int32, np.bool_):
        for shape, n in (((8, 3), 4), ((6,), 3), ((0, 2), 2), ((5, 2, 2), 1), ((4, 0), 3), ((300,), 5), ((3,), 0)):
            x, ids = values(dtype, *shape), a.integers(-1, n + 2, shape[0])
            a.case(f"unsortedSegment{name}", [x, ids], [segments(name, x, ids, n)], [n])
    x, ids = np.array([1, np.nan, np.inf, -np.inf, 2], np.float32), np.array([0, 0, 1, 2, 2], np.int32)
    a.case(f"unsortedSegment{name}", [x, ids], [segments(name, x, ids, 4)], [4], note="float edges")
x, ids = np.array([HIGHEST, 1, LOWEST, -1], np.int32), np.array([0, 0, 1, 1], np.int32)
for name in ("Sum", "Prod", "Max", "Min"):
    a.case(f"unsortedSegment{name}", [x, ids], [segments(name, x, ids, 2)], [2], note="integers wrap")


def vectors(index, shape):
    """The place of each index vector, or None outside."""
    for at in index.reshape(int(np.prod(index.shape[:-1], dtype=np.int64)), index.shape[-1]):
        yield tuple(at) if all(0 <= v < d for v, d in zip(at, shape)) else None


def gather_nd(x, index):
    outer, inner = index.shape[:-1], x.shape[index.shape[-1]:]
    rows = [np.zeros(inner, x.dtype) if at is None else x[at] for at in vectors(index, x.shape)]
    return np.array(rows, x.dtype).reshape(outer + inner)


def scatter(x, index, updates, kind):
    y = wide(x).copy()
    each = wide(updates).reshape((-1, *x.shape[index.shape[-1]:])) if updates.size else []
    for at, u in zip(vectors(index, x.shape), each):
        if at is not None:
            y[at] = u if kind == 0 else list(UFUNCS.values())[kind - 1](y[at], u)
    return y


for shape, of_index, end in (((3, 4, 2), (5, 2), 4), ((4, 5), (2, 3, 2), 4), ((6, 2), (9, 1), 7), ((3, 2), (2, 0), 1), ((3, 2), (0, 2), 1), ((50,), (150, 1), 50), ((0, 2), (3, 1), 1)):
    index = a.integers(-1, end, *of_index)
    outer, inner = of_index[:-1], shape[of_index[-1]:]
    for dtype in (np.float32, np.int32, np.bool_):
        x, updates = values(dtype, *shape), values(dtype, *outer, *inner)
        a.case("gatherND", [x, index], [gather_nd(x, index)])
        zeros = np.zeros(shape, np.int32 if dtype == np.bool_ else dtype)
        a.case("scatterND", [index, updates], [scatter(zeros, index, updates, 1)], shape)
        for kind in range(5):
            if dtype != np.bool_ or kind not in (1, 2):
                a.case("tensorScatter", [x, index, updates], [scatter(x, index, updates, kind)], [kind])
for shape, index in (((4, 3), a.integers(0, 3, 5, 2)), ((9,), a.integers(0, 9, 6)), ((5,), np.int32(2)), ((4, 3), a.integers(-2, 5, 7, 2)), ((3,), a.integers(0, 3, 0))):
    rows = np.reshape(index, (-1, len(shape)))
    for dtype in (np.float32, np.int32, np.bool_):
        default = values(dtype)
        for given in (values(dtype, len(rows)), values(dtype)):
            all_of = np.broadcast_to(given, (len(rows),))
            a.case("sparseToDense", [index, given, default], [scatter(np.full(shape, default), rows, all_of, 0)], shape)

for shape, m in (((7,), 5), ((2, 6), 4), ((3, 1), 2), ((2, 0), 3), ((2, 3, 5), 4), ((1, 900), 30), ((2, 4), 0)):
    for dtype in (np.float32, np.int32):
        sequence = np.sort(values(dtype, *shape), -1)
        wanted = values(dtype, *shape[:-1], m)
        pairs = list(zip(sequence.reshape(int(np.prod(shape[:-1])), shape[-1]), wanted.reshape(int(np.prod(shape[:-1])), m)))
        for right in (0, 1):
            places = [np.searchsorted(s, v, "right" if right else "left") for s, v in pairs]
            a.case("searchSorted", [sequence, wanted], [np.array(places, np.int32).reshape(wanted.shape)], [right])
sequence = np.array([-np.inf, 0, 0, 1, np.inf, np.nan, np.nan], np.float32)
wanted = np.array([np.nan, np.inf, -np.inf, 0, -0.0, 2], np.float32)
for right in (0, 1):
    a.case("searchSorted", [sequence, wanted], [np.searchsorted(sequence, wanted, "right" if right else "left").astype(np.int32)], [right], note="float edges")
    mixed = np.array([-3, 0, 2], np.int32)
    a.case("searchSorted", [mixed, wanted[3:]], [np.searchsorted(mixed, wanted[3:], "right" if right else "left").astype(np.int32)], [right], note="mixed dtypes")

for shape, size in (((20,), 6), ((3, 8), 5), ((0,), 3), ((2, 0), 3), ((5,), 0), ((400,), 70), ((2, 2, 6), 4)):
    x = a.integers(-1, size + 2, *shape)
    rows = x.reshape(int(np.prod(shape[:-1], dtype=np.int64)), shape[-1])
    hits = (rows[:, :, None] == np.arange(size)).astype(np.float64)
    out = (*shape[:-1], size)
    a.case("bincount", [x], [hits.sum(1).reshape(out)], [size, 0])
    a.case("bincount", [x], [(hits.sum(1) > 0).astype(np.float32).reshape(out)], [size, 1])
    for dtype in (np.float32, np.int32):
        weights = values(dtype, *shape)
        total = (hits * weights.reshape(rows.shape)[:, :, None]).sum(1).reshape(out)
        a.case("bincount", [x, weights], [total.astype(np.float64 if dtype == np.float32 else np.int32)], [size, 0])
a.write()
