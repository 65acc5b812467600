"""Elementwise operations: every dtype, broadcasting, empty and single axes, NaN and infinities, integer edges."""

import numpy as np
import scipy
import scipy.special as special

from answers import Answers

a = Answers("pointwise", f"NumPy {np.__version__}, SciPy {scipy.__version__}")
SHAPES = [((2, 3), (2, 3)), ((3, 1), (4,)), ((), (2, 2)), ((0, 3), (1, 3)), ((1,), (1, 1))]
EDGES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5, 3e38], np.float32)
WHOLE = np.array([-(2**31), 2**31 - 1, -7, 7, 0, 1, -1, 40], np.int32)
wide = lambda x: x.astype(np.float64) if x.dtype == np.float32 else x

np.seterr(all="ignore")
two = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "maximum": np.maximum, "minimum": np.minimum,
    "squaredDifference": lambda x, y: (x - y) * (x - y),
}
compare = {
    "equal": np.equal, "notEqual": np.not_equal, "less": np.less, "lessEqual": np.less_equal,
    "greater": np.greater, "greaterEqual": np.greater_equal,
}
for table in (two, compare):
    for name, f in table.items():
        for left, right in SHAPES:
            x, y = a.normal(*left), a.normal(*right)
            a.case(name, [x, y], [f(wide(x), wide(y))])
            x, y = a.integers(-9, 10, *left), a.integers(-9, 10, *right)
            a.case(name, [x, y], [f(x, y)])
        x, y = np.repeat(EDGES, len(EDGES)), np.tile(EDGES, len(EDGES))
        a.case(name, [x, y], [f(x, y)], note="float edges")
        x, y = np.repeat(WHOLE, len(WHOLE)), np.tile(WHOLE, len(WHOLE))
        a.case(name, [x, y], [f(x, y)], note="integer edges wrap")
for name, f in {"logicalAnd": np.logical_and, "logicalOr": np.logical_or, "logicalXor": np.logical_xor}.items():
    x, y = np.array([[False], [True]]), np.array([False, True])
    a.case(name, [x, y], [f(x, y)])
for name, f in {"bitwiseAnd": np.bitwise_and, "bitwiseOr": np.bitwise_or, "bitwiseXor": np.bitwise_xor}.items():
    x, y = np.repeat(WHOLE, len(WHOLE)), np.tile(WHOLE, len(WHOLE))
    a.case(name, [x, y], [f(x, y)])
x, y = np.repeat(WHOLE, 3), np.tile(np.array([2, -3, 7], np.int32), len(WHOLE))
a.case("floorDiv", [x, y], [x // y])
a.case("mod", [x, y], [x % y])
one = {
    "abs": np.abs, "neg": np.negative, "square": np.square, "floor": np.floor, "ceil": np.ceil, "round": np.round,
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "reciprocal": lambda x: 1 / x,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "erf": special.erf, "sigmoid": special.expit, "isNaN": np.isnan, "isInf": np.isinf, "isFinite": np.isfinite,
}
for name, f in one.items():
    inside = (-0.9, 0.9) if name in ("asin", "acos", "atanh") else (1.1, 6) if name in ("acosh",) else (0.1, 6) if name in ("log", "sqrt", "reciprocal") else (-0.9, 4)
    x = a.random.uniform(*inside, (3, 1, 5)).astype(np.float32)
    a.case(name, [x], [f(wide(x))])
    a.case(name, [np.zeros((0, 2), np.float32)], [f(np.zeros((0, 2), np.float32))])
    edges = np.array([np.nan, np.inf, -np.inf, 0.0], np.float32)
    if name not in ("sin", "cos", "tan"):
        a.case(name, [edges], [f(edges)], note="float edges")
a.write()
