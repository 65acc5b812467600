"""Freezes what Keras computes for layers: configurations, weights, outputs, masks, gradients and losses."""

import gzip
import json
import os
import sys
import zlib

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras
import numpy as np
import tensorflow as tf

# Keys of every layer that say nothing of what it computes.
UNTOLD = ("name", "trainable", "dtype")


class Input:
    """An input of a shape: normal numbers, unless `values` (numbers or a function of the generator) says otherwise."""

    def __init__(self, *shape, dtype="float32", values=None, mask=None):
        self.shape, self.dtype, self.values, self.mask = shape, dtype, values, mask

    def draw(self, random):
        values = self.values(random, self.shape) if callable(self.values) else self.values
        if values is None:
            values = normal(random, self.shape)
        return np.asarray(values, self.dtype).reshape(self.shape)


def normal(random, shape):
    """Few digits keep the files small; none is 0, where activations have kinks."""
    x = np.round(random.standard_normal(shape), 2)
    return np.where(np.abs(x) < 0.02, 0.25, x)


def distinct(random, shape):
    """Different numbers: a maximum has one place."""
    return (random.permutation(int(np.prod(shape))).reshape(shape) - np.prod(shape) / 2) / 7 // 0.01 / 100


def short(x):
    """A number with the digits that single precision has."""
    x = float(x)
    if x != x or x in (float("inf"), float("-inf")):
        return str(x)
    x = float(f"{np.float32(x):.9g}")
    return int(x) if x == int(x) and abs(x) < 1e9 else x


def frozen(x):
    x = np.asarray(x)
    return [str(x.dtype), list(x.shape), [short(v) for v in x.astype("float64").ravel()]]


def optional(x):
    return None if x is None else frozen(x)


def told(config):
    return {k: v for k, v in config.items() if k not in UNTOLD}


def class_of(layer):
    return type(layer).__name__


def call(layer, xs, kwargs):
    positional, named = kwargs.get("_call", lambda xs: ([xs[0] if len(xs) == 1 else list(xs)], {}))(xs)
    rest = {k: v for k, v in kwargs.items() if not k.startswith("_")}
    return layer(*positional, **named, **rest)


def weights_of(layer):
    """Keras's weights, and after them the states that a recurrent layer carries from call to call."""
    return [*layer.weights, *flat(getattr(layer, "states", None) or [])]


def short_name(w):
    """`kernel`: Keras 2 says `lstm/lstm_cell/kernel:0`."""
    return w.name.split("/")[-1].split(":")[0]


def flat(x):
    return [t for t in tf.nest.flatten(x) if t is not None]


def case(layer, *inputs, training=None, weights=None, how=None, named=None, gradients=True, note=None):
    """One case. `weights` draws a weight by name; `how(xs)` gives the positional and named arguments of the call, `named` more of them.
    Without `gradients` where Keras's are not those of its outputs."""
    key = json.dumps([class_of(layer), told(layer.get_config()), [i.shape for i in inputs], note], sort_keys=True, default=str)
    random = np.random.default_rng(zlib.crc32(key.encode()))
    xs = [i.draw(random) for i in inputs]
    kwargs = dict(named or {}) | ({} if training is None else {"training": training})
    if how is not None:
        kwargs["_call"] = how
    # Built by a call; what another one of the same configuration begins with too is not random.
    other = type(layer).from_config(layer.get_config())
    for made in [layer, other]:
        call(made, [tf.constant(x) for x in xs], kwargs | ({} if training is None else {"training": False}))
    initial = []
    for w, v in zip(weights_of(layer), weights_of(other)):
        a, b = np.asarray(w), np.asarray(v)
        initial.append(frozen(a) if a.size and np.array_equal(a, b) and w.name != "rnn_state" else None)
    for w in weights_of(layer):
        if "seed" in w.name or not tf.as_dtype(w.dtype).is_floating:
            continue
        value = (weights or {}).get(short_name(w))
        value = value(random, w.shape) if value is not None else normal(random, w.shape)
        if "variance" in w.name:
            value = np.abs(value) + 0.5
        w.assign(value)
    before = [np.asarray(w) for w in weights_of(layer)]

    variables = [tf.Variable(x) if x.dtype == np.float32 else tf.constant(x) for x in xs]
    with tf.GradientTape() as tape:
        given = []
        for v, i in zip(variables, inputs):
            t = tf.identity(v)
            if i.mask is not None:
                t._keras_mask = tf.constant(np.asarray(i.mask, bool))
            given.append(t)
        outputs = flat(call(layer, given, kwargs))
        factors = [normal(random, o.shape) if o.dtype.is_floating else None for o in outputs]
        total = sum(tf.reduce_sum(o * f.astype("float32")) for o, f in zip(outputs, factors) if f is not None)
    masks = [getattr(o, "_keras_mask", None) for o in outputs]
    trained = [w if isinstance(w, tf.Variable) else w.value for w in layer.trainable_weights]
    names = {id(w): i for i, w in enumerate(layer.trainable_weights)}
    wanted = [v for v in variables if isinstance(v, tf.Variable)]
    try:
        grads = tape.gradient(total, trained + wanted) if gradients and any(f is not None for f in factors) else None
    except LookupError:
        # Some of TensorFlow's operations have none.
        grads = None
    grads = grads or [None] * (len(trained) + len(wanted))
    grads = [None if g is None else tf.convert_to_tensor(g) for g in grads]
    of_weights = [grads[names[id(w)]] if id(w) in names else None for w in weights_of(layer)]
    rest = iter(grads[len(trained):])
    of_inputs = [next(rest) if isinstance(v, tf.Variable) else None for v in variables]

    after = [np.asarray(w) for w in weights_of(layer)]
    result = {
        "class": class_of(layer),
        "config": layer.get_config(),
        "inputs": [frozen(x) for x in xs],
        "weights": [[short_name(w), bool(w.trainable), frozen(b)] for w, b in zip(weights_of(layer), before)],
        "outputs": [frozen(o) for o in outputs],
        "factors": [optional(f if f is None else f.astype("float32")) for f in factors],
        "weight_gradients": [optional(g) for g in of_weights],
        "input_gradients": [optional(g) for g in of_inputs],
    }
    if any(i is not None for i in initial):
        result["initial"] = initial
    if any(i.mask is not None for i in inputs):
        result["masks"] = [optional(None if i.mask is None else np.asarray(i.mask, bool)) for i in inputs]
    if any(m is not None for m in masks):
        result["output_masks"] = [optional(m) for m in masks]
    if training:
        result["training"] = True
    if any(not np.array_equal(a, b) for a, b in zip(after, before)):
        result["updates"] = [None if np.array_equal(a, b) else frozen(a) for a, b in zip(after, before)]
    for w, b in zip(weights_of(layer), before):
        w.assign(b)
    if layer.losses:
        result["loss"] = short(sum(float(v) for v in layer.losses))
    constraints = [getattr(w, "constraint", None) for w in weights_of(layer)]
    if any(c is not None for c in constraints):
        result["constrained"] = [None if c is None else frozen(c(tf.constant(b))) for c, b in zip(constraints, before)]
    # An argument of Keras's call is a key of the configuration here.
    result["config"] = {**result["config"], **(named or {})}
    if note is not None:
        result["note"] = note
    return result


def clean(value):
    if isinstance(value, dict):
        skipped = ("module", "registered_name", "build_config")
        return {k: clean(v) for k, v in value.items() if k not in skipped and not (k in UNTOLD and k != "name")}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    return value


def write(family, cases):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers", f"{family}.json.gz")
    lines = ",\n".join(json.dumps(clean(c), separators=(",", ":")) for c in cases)
    text = '{"keras": "%s", "cases": [\n%s\n]}\n' % (keras.__version__, lines)
    with open(path, "wb") as file:
        # The same bytes at any time.
        file.write(gzip.compress(text.encode(), mtime=0))
    print(f"{family}: {len(cases)} cases, {os.path.getsize(path)} bytes", file=sys.stderr)
