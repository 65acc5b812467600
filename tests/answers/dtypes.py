"""The dtypes that TensorFlow.js lacks: promotion, conversions, and each kind of op in each of them. Answers are what NumPy (with
ml_dtypes for bfloat16) computes from operands of the dtype, rounded to it once; promotion is JAX's within 32 bits."""

import itertools

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from answers import DTYPES, Answers, name_of

a = Answers("dtypes", f"NumPy {np.__version__}, ml_dtypes {ml_dtypes.__version__}, JAX {jax.__version__}")
np.seterr(all="ignore")
TYPES = {name: np.dtype(getattr(ml_dtypes, name)) if name == "bfloat16" else np.dtype(name) for name in DTYPES}
FLOATS = ["float16", "bfloat16"]
WHOLE = ["uint8", "int8", "uint32"]
NEW = FLOATS + WHOLE
is_float = lambda name: "float" in name
# One unit in the last place, for what is not rounded correctly everywhere.
UNIT = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float32": 1e-5}
EDGES = {
    "float32": [0, -0.0, 0.5, -0.5, 1.5, -1.5, 2.5, 127.5, 128, -129, 255.9, 256, 1e-8, 6e-8, 6.1e-5, 2049, 2051, 65504, 65519.9, 65520, -7e4,
                2147483520, 2147483648, -2147483648, 4294967040, 4294967296, 1e10, -1e10, 3.39e38, np.inf, -np.inf, np.nan],
    "int32": [0, 1, -1, 127, 128, -128, -129, 255, 256, -256, 1000, 2049, 65535, 65520, 16777217, 2**31 - 1, -(2**31)],
    "bool": [0, 1],
    "float16": [0, -0.0, 6e-8, -6e-8, 6.1e-5, 0.5, 1.5, -1.5, 127.5, -129, 256, 2049, 65504, -65504, np.inf, -np.inf, np.nan],
    "bfloat16": [0, -0.0, 1e-3, 0.5, 1.5, -1.5, 127.5, -129, 256, 65504, 65536, 3e9, 5e9, -3e9, 3.38e38, np.inf, -np.inf, np.nan],
    "uint8": [0, 1, 7, 127, 128, 200, 255],
    "int8": [0, 1, -1, 7, 127, -128],
    "uint32": [0, 1, 255, 256, 65521, 16777217, 2**31 - 1, 2**31, 2**31 + 129, 4000000000, 2**32 - 1],
}
edges = {name: np.array(values, np.float64 if is_float(name) else np.int64).astype(TYPES[name]) for name, values in EDGES.items()}


def pairs(x):
    """Each element beside some of the others, itself and its neighbour among them."""
    return np.tile(x, 4), np.concatenate([np.roll(x, by) for by in (0, 1, 3, 5)])


def draw(name, *shape):
    if is_float(name):
        return (a.normal(*shape) * 3).astype(TYPES[name])
    if name == "bool":
        return a.random.integers(0, 2, shape).astype(bool)
    low, high = (-9, 10) if name == "int32" else (np.iinfo(TYPES[name]).min, np.iinfo(TYPES[name]).max + 1)
    return a.random.integers(low, high, shape).astype(TYPES[name])


def convert(x, name):
    """As the library converts: floats to whole numbers truncate and stop at the limits, NaN gives 0."""
    x = np.asarray(x)
    if is_float(name_of(x.dtype)) and not is_float(name) and name != "bool":
        limits = np.iinfo(TYPES[name])
        wide = np.nan_to_num(np.trunc(x.astype(np.float64)), nan=0.0, posinf=1e30, neginf=-1e30)
        return np.clip(wide, limits.min, limits.max).astype(TYPES[name])
    if is_float(name) and not is_float(name_of(x.dtype)):
        return x.astype(np.float64).astype(np.float32).astype(TYPES[name])
    return x.astype(TYPES[name])


def rounded(f, dtype):
    """`f` of operands in float64, rounded once; of whole numbers in int64, wrapped."""
    wide = np.float64 if is_float(dtype) else np.int64
    return lambda *x: np.asarray(f(*[v.astype(wide) for v in x])).astype(TYPES[dtype])


for source, target in itertools.product(DTYPES, DTYPES):
    a.case("cast", [edges[source]], [convert(edges[source], target)], [DTYPES.index(target)], note=f"{source} to {target}")

for one, other in itertools.product(DTYPES, DTYPES):
    common = name_of(jax.dtypes.canonicalize_dtype(jnp.promote_types(TYPES[one], TYPES[other])))
    x, y = draw(one, 2, 3), draw(other, 3)
    p, q = convert(x, common), convert(y, common)
    result = "int32" if common == "bool" else common
    p32 = lambda v: v if result == common else v.astype(np.int32)
    a.case("add", [x, y], [rounded(np.add, result)(p32(p), p32(q))], note=f"{one} and {other}")
    a.case("maximum", [x, y], [np.maximum(p32(p), p32(q))], note=f"{one} and {other}")
    a.case("less", [x, y], [np.less(p, q)], note=f"{one} and {other}")
    a.case("where", [np.array([True, False, True]), x, y], [np.where([True, False, True], p, q)], note=f"{one} and {other}")
    a.case("concat", [x, y[None]], [np.concatenate([p, q[None]])], [0], note=f"{one} and {other}")
    divided = result if is_float(result) else "float32"
    if not is_float(common) and one != "bool" and other != "bool":
        safe = np.where(q == 0, 1, q).astype(TYPES[common])
        a.case("div", [x, safe], [p // safe], note=f"{one} by {common}")
    else:
        safe = np.abs(convert(y, divided)) + TYPES[divided].type(1)
        a.case("div", [x, safe], [rounded(np.divide, divided)(convert(x, divided), safe)], tolerance=UNIT[divided], note=f"{one} by {divided}")

arithmetic = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
              "squaredDifference": lambda x, y: (x - y) ** 2}
compare = {"equal": np.equal, "notEqual": np.not_equal, "less": np.less, "lessEqual": np.less_equal, "greater": np.greater,
           "greaterEqual": np.greater_equal}
bits = {"bitwiseAnd": np.bitwise_and, "bitwiseOr": np.bitwise_or, "bitwiseXor": np.bitwise_xor, "leftShift": np.left_shift,
        "rightShift": np.right_shift}
functions = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "reciprocal": lambda x: 1 / x, "log1p": np.log1p,
             "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "asinh": np.arcsinh, "atan": np.arctan}
for dtype in NEW:
    x, y = pairs(edges[dtype])
    for name, f in arithmetic.items():
        # (a - b)² rounds the difference as well, in float32: the edges' are exact in it or infinite.
        if name == "squaredDifference" and is_float(dtype):
            continue
        a.case(name, [x, y], [rounded(f, dtype)(x, y)], note=f"{dtype} edges")
    for name, f in compare.items():
        a.case(name, [x, y], [f(x, y)], note=f"{dtype} edges")
    some = edges[dtype]
    a.case("abs", [some], [np.abs(some)], note=dtype) if dtype != "int8" else a.case("abs", [some], [np.abs(some.astype(int)).astype(np.int8)], note=dtype)
    a.case("neg", [some], [rounded(np.negative, dtype)(some)], note=dtype)
    a.case("square", [some], [rounded(np.square, dtype)(some)], note=dtype)
    a.case("relu", [some], [np.maximum(some, np.zeros_like(some))], note=dtype)
    a.case("sign", [some], [np.where(some == some, rounded(np.sign, dtype)(some), 0).astype(TYPES[dtype])], note=dtype)
    a.case("clipByValue", [some, TYPES[dtype].type(3), TYPES[dtype].type(100)], [np.clip(some, TYPES[dtype].type(3), TYPES[dtype].type(100)).astype(TYPES[dtype])], note=dtype)
    for name in ("isNaN", "isInf", "isFinite"):
        f = {"isNaN": np.isnan, "isInf": np.isinf, "isFinite": np.isfinite}[name]
        a.case(name, [some], [f(some.astype(np.float32))], note=dtype)
    positive = np.abs(draw(dtype, 40).astype(np.float64)).astype(TYPES[dtype])
    target = dtype if is_float(dtype) else "float32"
    for name, f in functions.items():
        x = positive if dtype != "uint32" else (positive >> 16)
        if name == "exp":
            x = np.minimum(x, TYPES[dtype].type(60))
        if name in ("log", "reciprocal"):
            x = np.maximum(x, TYPES[dtype].type(1))
        y = f(x.astype(np.float64)).astype(np.float32).astype(TYPES[target])
        a.case(name, [x], [y], tolerance=UNIT[target], note=dtype)
    if dtype in WHOLE:
        for name, f in bits.items():
            x, y = np.repeat(some, 4), np.tile(np.array([0, 1, 3, 7], TYPES[dtype]), len(some))
            a.case(name, [x, y], [f(x, y)], note=dtype)
        x, y = pairs(some)
        keep = y != 0
        wide = (x[keep].astype(np.int64), y[keep].astype(np.int64))
        a.case("floorDiv", [x[keep], y[keep]], [(wide[0] // wide[1]).astype(TYPES[dtype])], note=dtype)
        a.case("mod", [x[keep], y[keep]], [(wide[0] % wide[1]).astype(TYPES[dtype])], note=dtype)
        a.case("floorDiv", [some, np.zeros_like(some)], [np.zeros_like(some)], note=f"{dtype} by zero")
        a.case("pow", [np.arange(6).astype(TYPES[dtype]), np.array([0, 1, 2, 3, 2, 1], TYPES[dtype])], [np.array([1, 1, 4, 27, 16, 5], TYPES[dtype])], note=dtype)

    total = "int32" if dtype in ("uint8", "int8") else dtype
    wide = np.float64 if is_float(dtype) else np.int64
    for shape, axes in [((2, 3, 4), ()), ((2, 3, 4), (1,)), ((1, 300), (1,)), ((1, 1), (0,)), ((0, 3), (0,)), ((2, 0), (1,))]:
        x = draw(dtype, *shape)
        axis = axes or None
        for keep in {len(axes) == 0, shape == (2, 0)}:
            attrs = [int(keep), *axes]
            tolerance = UNIT.get(total, 1e-5)
            a.case("sum", [x], [x.astype(wide).sum(axis, keepdims=keep).astype(TYPES[total])], attrs, tolerance=tolerance, note=dtype)
            if x.size and dtype != "uint32":
                mean = np.asarray(x.astype(np.float64).mean(axis, keepdims=keep))
                a.case("mean", [x], [mean.astype(np.float32).astype(TYPES[dtype if is_float(dtype) else "float32"])], attrs, tolerance=UNIT.get(dtype, 1e-5), note=dtype)
            if x.size:
                a.case("max", [x], [np.asarray(x.max(axis, keepdims=keep))], attrs, note=dtype)
                a.case("min", [x], [np.asarray(x.min(axis, keepdims=keep))], attrs, note=dtype)
            else:
                low, high = (-np.inf, np.inf) if is_float(dtype) else (np.iinfo(TYPES[dtype]).min, np.iinfo(TYPES[dtype]).max)
                shaped = x.astype(wide).sum(axis, keepdims=keep).shape
                a.case("max", [x], [np.full(shaped, low).astype(TYPES[dtype])], attrs, note=f"{dtype} of nothing")
                a.case("min", [x], [np.full(shaped, high).astype(TYPES[dtype])], attrs, note=f"{dtype} of nothing")
            a.case("any", [x], [x.astype(bool).any(axis, keepdims=keep)], attrs, note=dtype)
            a.case("all", [x], [x.astype(bool).all(axis, keepdims=keep)], attrs, note=dtype)
    x = draw(dtype, 5, 7)
    for axis in (0, 1):
        a.case("argMax", [x], [x.argmax(axis).astype(np.int32)], [axis], note=dtype)
        a.case("argMin", [x], [x.argmin(axis).astype(np.int32)], [axis], note=dtype)
    small = np.array([[2, 3], [1, 5]], TYPES[dtype])
    a.case("prod", [small], [np.array(30, TYPES[total])], [0], note=dtype)
    order = np.argsort(-x.astype(np.float64), axis=1, kind="stable")[:, :3]
    a.case("topk", [x], [np.take_along_axis(x, order, 1), order.astype(np.int32)], [3], note=dtype)

    x = draw(dtype, 2, 3, 4)
    a.case("reshape", [x], [x.reshape(4, 6)], [4, 6], note=dtype)
    a.case("transpose", [x], [x.transpose(2, 0, 1)], [2, 0, 1], note=dtype)
    a.case("slice", [x], [x[1:, :2, 1:4]], [1, 0, 1, 1, 2, 3], note=dtype)
    a.case("reverse", [x], [x[:, ::-1]], [1], note=dtype)
    a.case("tile", [x], [np.tile(x, (2, 1, 2))], [2, 1, 2], note=dtype)
    a.case("broadcastTo", [x[:, :1]], [np.broadcast_to(x[:, :1], (2, 5, 4))], [2, 5, 4], note=dtype)
    a.case("pad", [x], [np.pad(x, [(1, 0), (0, 2), (1, 1)], constant_values=TYPES[dtype].type(9))], [9, 1, 0, 0, 2, 1, 1], note=dtype)
    a.case("concat", [x, x[:, :1]], [np.concatenate([x, x[:, :1]], 1)], [1], note=dtype)
    index = np.array([2, 0, 2, 1], np.int32)
    a.case("gather", [x, index], [x[:, index]], [1, 0], note=dtype)
    segments = np.zeros((3, 12), wide)
    np.add.at(segments, [0, 2], x.reshape(2, 12).astype(wide))
    a.case("unsortedSegmentSum", [x.reshape(2, 12), np.array([0, 2], np.int32)], [segments.astype(TYPES[total])], [3], tolerance=UNIT.get(total, 1e-5), note=dtype)
    code = DTYPES.index(dtype)
    a.case("fill", [], [np.full((2, 2), 7, TYPES[dtype])], [code, 7, 2, 2], note=dtype)
    a.case("zeros", [], [np.zeros((3,), TYPES[dtype])], [code, 3], note=dtype)
    a.case("ones", [], [np.ones((3,), TYPES[dtype])], [code, 3], note=dtype)
    a.case("range", [], [np.arange(2, 90, 7).astype(TYPES[dtype])], [2, 90, 7, code], note=dtype)
    a.case("oneHot", [np.array([1, 0, 3], np.int32)], [np.eye(4).astype(TYPES[dtype])[[1, 0, 3]]], [4, 1, 0, code], note=dtype)

    # Small enough to be exact in float32, and for floats to round once.
    p, q = ((a.integers(-5, 6, *s) if is_float(dtype) or dtype == "int8" else a.integers(0, 12, *s)).astype(TYPES[dtype]) for s in ((2, 9, 17), (17, 8)))
    product = (p.astype(np.float64) @ q.astype(np.float64)).astype(TYPES[total])
    a.case("matMul", [p, q], [product], [0, 0], note=dtype)
    images, filters = p.reshape(-1)[: 2 * 5 * 5 * 3].reshape(2, 5, 5, 3), q.reshape(-1)[:108].reshape(3, 3, 3, 4)
    out = np.zeros((2, 3, 3, 4))
    for i, j in itertools.product(range(3), range(3)):
        out += images[:, i : i + 3, j : j + 3].astype(np.float64) @ filters[i, j].astype(np.float64)
    conv = "float32" if dtype == "uint32" else total
    a.case("conv2d", [images, filters], [out.astype(TYPES[conv])], [1, 1, 1, 1, 1, 0, 0, 0, 0, 0], note=dtype)
    pooled = images[:, :4, :4].reshape(2, 2, 2, 2, 2, 3).astype(np.float64)
    a.case("maxPool", [images], [pooled.max((2, 4)).astype(TYPES[target])], [2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0], note=dtype)
    a.case("avgPool", [images], [pooled.mean((2, 4)).astype(TYPES[target])], [2, 2, 2, 2, 1, 1, 0, 0, 0, 0, 0], note=dtype)
    if is_float(dtype):
        x = draw(dtype, 4, 6)
        e = np.exp(x.astype(np.float64) - x.astype(np.float64).max(1, keepdims=True))
        a.case("softmax", [x], [(e / e.sum(1, keepdims=True)).astype(TYPES[dtype])], [-1], tolerance=UNIT[dtype], note=dtype)
a.write()
