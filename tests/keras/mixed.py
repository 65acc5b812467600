"""What Keras computes under mixed precision, for `pkg/test/mixed.test.mjs`.

`python mixed.py` (Python 3.11 with Keras 3 and TensorFlow) writes `mixed.json`: layers of the policies mixed_float16 and mixed_bfloat16 with their
weights, outputs, gradients of a weighted sum of the outputs by weights and inputs, and moving averages after a call; and what a
LossScaleOptimizer makes of gradients some of which are not finite. `crates/headwater/tests/mixed.rs` reads it, too.
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import tensorflow as tf
from keras import layers as kl
from keras import optimizers as ko

flat = lambda t: [float(f"{x:.9g}") for x in np.asarray(tf.cast(t, tf.float32)).reshape(-1)]


def case(policy, make, shape, name):
    random = np.random.default_rng(len(name) + 7 * len(policy))
    draw = lambda s: random.standard_normal(s).astype(np.float32)
    keras.utils.set_random_seed(1)
    layer = make(policy)
    x = tf.constant(draw(shape))
    layer.build(x.shape)
    layer.set_weights([draw(w.shape) if "variance" not in w.name else np.abs(draw(w.shape)) + 0.5 for w in layer.weights])
    stored = [{"name": w.name, "shape": list(w.shape), "values": flat(w.numpy())} for w in layer.weights]
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=True)
        weight = draw(y.shape)
        loss = tf.reduce_sum(tf.cast(y, tf.float32) * weight)
    trained = [w.value for w in layer.trainable_weights]
    gradients = tape.gradient(loss, [x, *trained])
    assert all(g.dtype == tf.float32 for g in gradients)
    return {
        "layer": type(layer).__name__, "policy": policy, "config": {k: v for k, v in layer.get_config().items() if isinstance(v, (int, float, str, list, tuple, bool))},
        "shape": list(shape), "x": flat(x), "weights": stored, "output_dtype": y.dtype.name, "y": flat(y), "dy": flat(weight),
        "dx": flat(gradients[0]), "gradients": [flat(g) for g in gradients[1:]], "after": [flat(w.numpy()) for w in layer.non_trainable_weights],
    }


cases = [
    case(policy, make, shape, name)
    for policy in ("mixed_float16", "mixed_bfloat16")
    for name, make, shape in [
        ("dense", lambda p: kl.Dense(3, activation="relu", dtype=p), (4, 5)),
        ("dense softmax", lambda p: kl.Dense(3, activation="softmax", use_bias=False, dtype=p), (4, 5)),
        ("conv", lambda p: kl.Conv2D(2, 3, padding="same", activation="tanh", dtype=p), (2, 4, 5, 3)),
        ("batch norm", lambda p: kl.BatchNormalization(momentum=0.8, dtype=p), (6, 3)),
        ("layer norm", lambda p: kl.LayerNormalization(dtype=p), (4, 6)),
        ("wide batch norm", lambda p: kl.BatchNormalization(axis=-1, scale=False, dtype=p), (2, 3, 3, 2)),
    ]
]

SHAPES = [(2, 2), (3,)]
STEPS = 14
BAD = {0: np.inf, 1: np.nan, 7: -np.inf, 8: np.inf, 12: np.nan}


def scaled(name, config, **scale):
    random = np.random.default_rng(5)
    optimizer = ko.LossScaleOptimizer(getattr(ko, name)(**config), **scale)
    variables = [keras.Variable(random.standard_normal(s).astype(np.float32), name=f"v{i}") for i, s in enumerate(SHAPES)]
    start = [flat(v.numpy()) for v in variables]
    optimizer.build(variables)
    steps = []
    for step in range(STEPS):
        gradients = [random.standard_normal(s).astype(np.float32) for s in SHAPES]
        now = float(optimizer.dynamic_scale.numpy())
        given = [g * np.float32(now) for g in gradients]
        if step in BAD:
            given[step % 2].reshape(-1)[1] = BAD[step]
        optimizer.apply([tf.constant(g) for g in given], variables)
        steps.append({
            "gradients": [flat(g) for g in gradients], "weights": [flat(v.numpy()) for v in variables],
            "bad": None if step not in BAD else [step % 2, str(BAD[step])], "scale": float(optimizer.dynamic_scale.numpy()),
            "iterations": int(optimizer.iterations.numpy()),
        })
    optimizer.finalize_variable_values(variables)
    config = {k: v if k != "learning_rate" or isinstance(v, float) else v.get_config() for k, v in config.items()}
    return {"optimizer": name, "config": config, "scale": scale, "start": start, "steps": steps, "final": [flat(v.numpy()) for v in variables]}


runs = [
    scaled("SGD", {"learning_rate": 0.1}),
    scaled("SGD", {"learning_rate": 0.1, "momentum": 0.9, "global_clipnorm": 1.0}, initial_scale=8.0, dynamic_growth_steps=3),
    scaled("Adam", {"learning_rate": 0.05, "epsilon": 1e-9}, initial_scale=1024.0, dynamic_growth_steps=2),
    scaled("Adam", {"learning_rate": 0.05, "epsilon": 1e-9, "amsgrad": True, "weight_decay": 0.1}, dynamic_growth_steps=4),
    scaled("Adamax", {"learning_rate": 0.05}),
    scaled("Lamb", {"learning_rate": 0.05, "epsilon": 1e-9}),
    scaled("RMSprop", {"learning_rate": 0.05}),
    scaled("Ftrl", {"learning_rate": 0.05}),
    # What depends on the number of the step: skipped ones do not count.
    scaled("Nadam", {"learning_rate": 0.05, "epsilon": 1e-9}),
    scaled("SGD", {"learning_rate": ko.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5)}),
    scaled("Adam", {"learning_rate": 0.05, "epsilon": 1e-9, "use_ema": True, "ema_momentum": 0.8}),
    scaled("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 4}),
]
dump = lambda x: json.dumps(x, separators=(",", ":"))
lines = lambda xs: ",\n".join(map(dump, xs)).replace("NaN", "null")
text = f'{{"source":"Keras {keras.__version__}","shapes":{dump(SHAPES)},\n"layers":[\n{lines(cases)}\n],"runs":[\n{lines(runs)}\n]}}\n'
path = Path(__file__).with_suffix(".json")
path.write_text(text)
print(f"{path.name}: {len(cases)} layers, {len(runs)} runs, {len(text)} bytes")
