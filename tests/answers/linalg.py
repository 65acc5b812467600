"""Linear algebra. Factors have NumPy's values and the library's signs: see `signed` and `qr`."""

import numpy as np
import scipy
from scipy.linalg import solve_triangular

from answers import Answers

a = Answers("linalg", f"NumPy {np.__version__}, SciPy {scipy.__version__}")
SQUARE = [(3, 3), (2, 4, 4), (1, 1), (7, 7), (2, 0, 0), (0, 3, 3)]
ANY = [(3, 3), (5, 3), (2, 3, 5), (4, 1), (1, 4), (0, 2), (3, 0), (0, 3, 2)]
NONE = -1
wide = lambda x: x.astype(np.float64)
transposed = lambda x: np.swapaxes(x, -1, -2)
np.seterr(all="ignore")


def regular(shape):
    return a.normal(*shape) + 3 * np.eye(shape[-1], dtype=np.float32)


def symmetric(shape):
    x = a.normal(*shape)
    return x + transposed(x)


def definite(shape):
    x = a.normal(*shape)
    return x @ transposed(x) + np.eye(shape[-1], dtype=np.float32)


def each(f, x, *shapes):
    """`f` of every matrix of a batch, for functions that take one."""
    outer = x.shape[:-2]
    results = [f(x[i]) for i in np.ndindex(*outer)]
    return [np.array([r[n] for r in results], np.float64).reshape(*outer, *s) for n, s in enumerate(shapes)]


def signed(v):
    """1 or -1 for each column: what makes the first element of at least 3/4 of the largest's magnitude positive."""
    if v.size == 0:
        return np.ones((*v.shape[:-2], 1, v.shape[-1]))
    large = np.abs(v) >= 0.75 * np.abs(v).max(-2, keepdims=True)
    first = np.take_along_axis(v, np.argmax(large, -2)[..., None, :], -2)
    return np.where(first < 0, -1.0, 1.0)


def qr(x, full):
    """NumPy's, but that the last row of a square or wide matrix is reflected, too."""
    m, n = x.shape[-2:]
    q, r = np.linalg.qr(wide(x), mode="complete" if full else "reduced")
    if m <= n:
        flip = np.where(np.arange(m) == m - 1, -1.0, 1.0)
        q, r = q * flip, flip[:, None] * r
    return q, r


for shape in SQUARE:
    n = shape[-1]
    x = definite(shape)
    a.case("cholesky", [x], [np.linalg.cholesky(wide(x))], tolerance=2e-5)
    skewed = x + np.triu(np.ones((n, n), np.float32), 1) * 0.25 - np.tril(np.ones((n, n), np.float32), -1) * 0.25
    a.case("cholesky", [skewed], [np.linalg.cholesky(wide(x))], tolerance=2e-5, note="the symmetric part")
    x = regular(shape)
    a.case("inv", [x], [np.linalg.inv(wide(x))], tolerance=1e-4)
    a.case("det", [x], [np.linalg.det(wide(x))], tolerance=1e-4)
    a.case("slogdet", [x], list(np.linalg.slogdet(wide(x))), tolerance=1e-4)
    y = a.normal(*shape[:-1], 2)
    a.case("solve", [x, y], [np.linalg.solve(wide(x), wide(y))], tolerance=1e-4)
    a.case("solve", [x, y[..., :1]], [np.linalg.solve(wide(x), wide(y[..., :1]))], tolerance=1e-4)
    vector = a.normal(n)
    expected = np.linalg.solve(wide(x), np.broadcast_to(wide(vector)[:, None], (*shape[:-1], 1)))[..., 0]
    a.case("solve", [x, vector], [expected], tolerance=1e-4, note="a vector")
    for lower in (1, 0):
        for adjoint in (0, 1):
            f = lambda m: [solve_triangular(wide(m), np.ones((n, 2)), trans=adjoint, lower=bool(lower))] if n else [np.ones((0, 2))]
            ones = np.ones((n, 2), np.float32)
            a.case("triangularSolve", [x, ones], each(f, x, (n, 2)), [lower, adjoint], tolerance=1e-4)
    x = symmetric(shape)
    w, v = np.linalg.eigh(wide(x))
    a.case("eigh", [x], [w, v * signed(v)], tolerance=1e-4)
for shape in ANY:
    m, n = shape[-2:]
    x = a.normal(*shape)
    for full in (0, 1):
        a.case("qr", [x], list(qr(x, full)), [full], tolerance=1e-4)
    u, s, v = np.linalg.svd(wide(x), full_matrices=False) if m and n else (np.zeros((*shape[:-2], m, 0)), np.zeros((*shape[:-2], 0)), np.zeros((*shape[:-2], 0, n)))
    v = transposed(v)
    sign = signed(u if m >= n else v)
    a.case("svd", [x], [u * sign, s, v * sign], tolerance=1e-4)
    inverse = np.linalg.pinv(wide(x)) if x.size else np.zeros((*shape[:-2], n, m))
    a.case("pinv", [x], [inverse], [NONE], tolerance=1e-4)
    y = a.normal(*shape[:-1], 2)
    a.case("lstsq", [x, y], [inverse @ wide(y)], [NONE], tolerance=1e-4)
    a.case("matrixRank", [x], [np.linalg.matrix_rank(x).astype(np.int32) if x.size else np.zeros(shape[:-2], np.int32)], [NONE])
    for t in (x, a.integers(-9, 9, *shape), a.integers(0, 2, *shape).astype(bool)):
        a.case("diagPart", [t], [np.diagonal(t, axis1=-2, axis2=-1)])
    a.case("trace", [x], [np.trace(wide(x), axis1=-2, axis2=-1)])
    whole = a.integers(-9, 9, *shape)
    a.case("trace", [whole], [np.trace(whole, axis1=-2, axis2=-1).astype(np.int32)])
    for low, high in [(0, 0), (1, 0), (-1, 1), (0, -1)]:
        row, column = np.indices((m, n))
        inside = ((low < 0) | (row - column <= low)) & ((high < 0) | (column - row <= high))
        counts = [np.array(low, np.int32), np.array(high, np.int32)]
        a.case("bandPart", [x, *counts], [np.where(inside, x, 0)])
        a.case("bandPart", [whole, *counts], [np.where(inside, whole, 0)])

# Broadcast batches.
x, y = regular((2, 1, 3, 3)), a.normal(4, 3, 2)
a.case("solve", [x, y], [np.linalg.solve(wide(x), wide(y))], tolerance=1e-4)
x, y = a.normal(3, 4, 2), a.normal(4, 1)
a.case("lstsq", [x, y], [np.linalg.pinv(wide(x)) @ wide(y)], [NONE], tolerance=1e-4)
# Whole numbers count as float32.
x = np.array([[2, 1], [1, 2]], np.int32)
a.case("inv", [x], [np.linalg.inv(x)])
w, v = np.linalg.eigh(x)
a.case("eigh", [x], [w, v * signed(v)], note="elements of one magnitude")
# Of lower rank.
x = np.array([[1, 2, 3], [2, 4, 6], [1, 0, 1], [0, 0, 0]], np.float32)
a.case("matrixRank", [x], [np.int32(2)], [NONE])
a.case("pinv", [x], [np.linalg.pinv(wide(x))], [NONE])
y = a.normal(4)
a.case("lstsq", [x, y], [np.linalg.pinv(wide(x)) @ wide(y)], [NONE], note="a vector")
x = np.diag(np.array([100, 1, 0.01], np.float32))
a.case("matrixRank", [x], [np.int32(2)], [1e-3], note="a tolerance")
a.case("pinv", [x], [np.diag([0.01, 1, 0])], [1e-3], note="a tolerance")
singular = np.zeros((2, 2), np.float32)
a.case("det", [singular], [np.float64(0)], note="singular")
a.case("slogdet", [singular], [np.float64(0), np.float64(-np.inf)], note="singular")
# What has no answer: NaN, in its own matrix.
x = np.stack([np.eye(2), -np.eye(2)]).astype(np.float32)
lower = np.tril(np.ones((2, 2))) * np.nan
lower[0, 1] = 0
a.case("cholesky", [x], [np.stack([np.eye(2), lower])], note="not positive definite")
bad = np.stack([np.eye(2), [[1, np.nan], [np.nan, 1]], [[np.inf, 0], [0, 1]]]).astype(np.float32)
nan = np.full((2, 2), np.nan)
a.case("eigh", [bad], [np.stack([[1, 1], [np.nan, np.nan], [np.nan, np.nan]]), np.stack([np.eye(2), nan, nan])], note="not finite")
a.case("svd", [bad], [np.stack([np.eye(2), nan, nan]), np.stack([[1, 1], [np.nan, np.nan], [np.nan, np.nan]]), np.stack([np.eye(2), nan, nan])], note="not finite")
# Band parts leave out what is not finite.
x = np.full((2, 2), np.nan, np.float32)
zero = np.array(0, np.int32)
a.case("bandPart", [x, zero, zero], [np.array([[np.nan, 0], [0, np.nan]])], note="NaN")
a.write()
