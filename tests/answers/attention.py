"""Attention and normalisation over features, from JAX in float64; what JAX defines otherwise is written out in NumPy."""

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
import numpy as np
import scipy
import scipy.special as special

from answers import Answers

a = Answers("attention", f"JAX {jax.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}")
OP = "scaledDotProductAttention"


def jax_attention(q, k, v, mask=None, causal=False, scale=None):
    """Of `[batch, heads, length, dim]`; JAX has `[batch, length, heads, dim]`."""
    turned = [jnp.asarray(x, jnp.float64).swapaxes(1, 2) for x in (q, k, v)]
    given = {}
    if mask is not None:
        given["mask" if mask.dtype == np.bool_ else "bias"] = jnp.asarray(mask)
    return np.asarray(jax.nn.dot_product_attention(*turned, is_causal=causal, scale=scale, **given).swapaxes(1, 2))


def plain(q, k, v, seen, scale):
    """As defined, with zeros for a query that sees no key."""
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    scores = np.where(seen, np.einsum("...qd,...kd->...qk", q, k) * scale, -np.inf)
    largest = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(largest), largest, 0))
    total = weights.sum(-1, keepdims=True)
    return np.einsum("...qk,...kd->...qd", weights / np.where(total == 0, 1, total), v)


def case(q, k, v, mask=None, causal=False, scale=None, answer=None, note=""):
    answer = jax_attention(q, k, v, mask, causal, scale) if answer is None else answer
    inputs = [q, k, v] + ([] if mask is None else [mask])
    a.case(OP, inputs, [answer], [causal, q.shape[-1] ** -0.5 if scale is None else scale], note=note)


qkv = lambda q, k, v: (a.normal(*q), a.normal(*k), a.normal(*v))
same = ((2, 3, 5, 4),) * 3
case(*qkv(*same))
case(*qkv(*same), causal=True)
case(*qkv(*same), scale=0.3)
case(*qkv((1, 2, 3, 4), (1, 2, 7, 4), (1, 2, 7, 4)), note="other lengths")
for causal in (False, True):
    case(*qkv((2, 6, 4, 4), (2, 2, 4, 4), (2, 2, 4, 4)), causal=causal, note="grouped queries")
case(*qkv((2, 4, 4, 4), (2, 1, 4, 4), (2, 1, 4, 4)), note="one head of keys")
for causal in (False, True):
    mask = a.random.random((2, 3, 5, 5)) < 0.6
    mask[..., 0] = True
    case(*qkv(*same), mask=mask, causal=causal, note="bool mask")
case(*qkv(*same), mask=np.array([[[[True, True, False, True, False]]]]), note="mask of keys")
case(*qkv(*same), mask=a.normal(2, 3, 5, 5), note="bias")
case(*qkv(*same), mask=a.normal(1, 3, 5, 5), causal=True, note="bias by heads")
q, k, v = qkv(*same)
case(q, k, 1000 * v, mask=np.full((1, 1, 5, 5), 80, np.float32) * np.tri(5, dtype=np.float32), note="large scores")

# Rows that see no key.
q, k, v = qkv(*same)
seen = a.random.random((2, 1, 5, 5)) < 0.3
seen[:, :, 1] = False
zeros = plain(q, k, v, seen, 0.5)
case(q, k, v, mask=seen, answer=zeros, note="rows that see nothing")
case(q, k, v, mask=np.where(seen, 0, -np.inf).astype(np.float32), answer=zeros, note="minus infinity hides")
case(q, k, v, mask=np.where(seen, 0, np.finfo(np.float32).min).astype(np.float32), answer=zeros, note="the lowest number hides")
# The first query belongs to the first key.
for queries, keys in ((3, 6), (6, 3)):
    q, k, v = qkv((1, 2, queries, 4), (1, 2, keys, 4), (1, 2, keys, 4))
    case(q, k, v, causal=True, answer=plain(q, k, v, np.tri(queries, keys, dtype=bool), 0.5), note="causal, other lengths")
q, k, v = qkv((1, 2, 3, 4), (1, 2, 7, 4), (1, 2, 7, 6))
case(q, k, v, answer=plain(q, k, v, True, 0.5), note="another value dimension")
# Nothing.
case(*qkv((2, 2, 0, 4), (2, 2, 3, 4), (2, 2, 3, 4)), answer=np.zeros((2, 2, 0, 4)), note="no queries")
case(*qkv((2, 2, 3, 4), (2, 2, 0, 4), (2, 2, 0, 5)), answer=np.zeros((2, 2, 3, 5)), note="no keys")
q, k, v = qkv((4, 3), (5, 3), (5, 3))
case(q, k, v, answer=plain(q, k, v, True, 3**-0.5), note="without batch and heads")
# NaN reaches its row alone, and its column where that is seen.
q, k, v = qkv((1, 1, 3, 2), (1, 1, 3, 2), (1, 1, 3, 2))
q[0, 0, 1, 0] = np.nan
wrong = plain(q, k, v, True, 2**-0.5)
wrong[0, 0, 1] = np.nan
case(q, k, v, answer=wrong, note="NaN")
# More than one tile of keys.
q, k, v = qkv((1, 1, 3, 2), (1, 1, 600, 2), (1, 1, 600, 2))
case(q, 3 * k, v, answer=jax_attention(q, 3 * k, v), note="long")

wide = lambda x: x.astype(np.float64)


def normal(x, axes, epsilon, centred=True):
    x = wide(x)
    x = x - x.mean(axes, keepdims=True) if centred else x
    return x / np.sqrt((x * x).mean(axes, keepdims=True) + epsilon)


x, scale, offset = a.normal(3, 4, 6) * 3 + 7, a.normal(6), a.normal(6)
a.case("layerNorm", [x, scale, offset], [normal(x, -1, 1e-3) * scale + offset], [1, 1, 1e-3, -1], 1e-4)
a.case("layerNorm", [x, offset], [normal(x, -1, 1e-3) + offset], [0, 1, 1e-3, -1], 1e-4)
a.case("layerNorm", [x], [normal(x, (0, 2), 1e-5)], [0, 0, 1e-5, 0, -1], 1e-4)
a.case("layerNorm", [x], [normal(x, None, 0)], [0, 0, 0], 1e-4, note="all axes")
a.case("layerNorm", [np.zeros((0, 3), np.float32)], [np.zeros((0, 3))], [0, 0, 1e-3, -1], note="nothing")
a.case("layerNorm", [np.full((2, 1), 5, np.float32)], [np.zeros((2, 1))], [0, 0, 1e-3, -1], note="one element")
a.case("layerNorm", [np.array([[3, 5], [7, 7]], np.int32)], [normal(np.array([[3, 5], [7, 7]]), -1, 1e-3)], [0, 0, 1e-3, -1], note="whole numbers")
for groups in (1, 2, 6):
    split = x.reshape(3, 4, groups, 6 // groups)
    y = normal(split, (1, 3), 1e-3).reshape(x.shape)
    a.case("groupNorm", [x, scale, offset], [y * scale + offset], [1, 1, 1e-3, groups], 1e-4)
a.case("rmsNorm", [x, scale], [normal(x, -1, 1e-6, False) * scale], [1e-6, -1])
a.case("rmsNorm", [x], [normal(x, (1, 2), 1e-6, False)], [1e-6, 1, 2])
a.case("l2Normalize", [x], [wide(x) / np.linalg.norm(wide(x), axis=1, keepdims=True)], [1e-12, 1])
a.case("l2Normalize", [np.zeros((2, 2), np.float32)], [np.zeros((2, 2))], [1e-12], note="zeros")

edges = np.array([np.nan, np.inf, -np.inf, 0.0, 1.0, -1e-20], np.float32)
x = np.concatenate([a.random.uniform(-12, 12, 60), a.random.uniform(0, 1, 20), [50, 1e3, 1e6, 1e10]]).astype(np.float32)
with np.errstate(all="ignore"):
    a.case("gelu", [x], [wide(x) * special.ndtr(wide(x))])
    a.case("gelu", [edges[[0, 1, 3, 4]]], [np.array([np.nan, np.inf, 0, special.ndtr(1.0)])], note="float edges")
    a.case("hardSwish", [x], [wide(x) * np.clip(wide(x) + 3, 0, 6) / 6])
    left, right = np.repeat(edges, len(edges)), np.tile(edges, len(edges))
    a.case("logaddexp", [left, right], [np.logaddexp(left, right)], note="float edges")
    left, right = a.normal(4, 1) * 50, a.normal(3) * 50
    a.case("logaddexp", [left, right], [np.logaddexp(wide(left), wide(right))])
    small = x[np.abs(x) < 13]
    for values, note in ((small, ""), (x[x > 13], "large"), (edges, "float edges")):
        # SciPy has -inf at -inf, where C and JAX have inf.
        a.case("lgamma", [values], [np.where(np.isinf(values), np.inf, special.gammaln(wide(values)))], note=note)
    apart = small[(small > 0) | (np.abs(small - np.round(small)) > 0.05)]
    for values, note in ((apart, ""), (x[x > 13], "large"), (np.array([np.nan, np.inf, 0.0], np.float32), "float edges")):
        a.case("digamma", [values], [special.psi(wide(values))], note=note)
a.write()
