"""Weights after each step of Keras's optimizers, and rates of its schedules, for the tests of optimizers and schedules.

`python optimizers.py` (Python 3.11 with Keras 3 and TensorFlow) writes `optimizers.json`. Keras computes in float64, from
weights and gradients that float32 has.
"""

import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
from keras import optimizers as ko
from keras.optimizers import schedules as ks

keras.config.set_floatx("float64")
STEPS = 20
SHAPES = {"kernel": (2, 3), "bias": (3,)}
random = np.random.default_rng(20261121)
draw = lambda shape: np.round(random.standard_normal(shape), 2).astype(np.float32).astype(np.float64)
weights = {name: draw(shape) for name, shape in SHAPES.items()}
gradients = [{name: draw(shape) for name, shape in SHAPES.items()} for _ in range(STEPS)]


def flat(tensors):
    return [float(f"{x:.9g}") for name in SHAPES for x in np.asarray(tensors[name]).reshape(-1)]


def run(name, final=False, **config):
    """The weights after each step; `final` adds those after training, where their averages take their places."""
    if name in ("Adam", "AdamW"):
        # Keras adds epsilon to the deviation before its correction, TensorFlow.js and the paper after it.
        config["epsilon"] = 1e-9
    optimizer = getattr(ko, name)(**config)
    variables = {n: keras.Variable(w, name=n) for n, w in weights.items()}
    stored = {k: v for k, v in keras.optimizers.serialize(optimizer).items() if k in ("class_name", "config")}
    trace = []
    for step in gradients:
        optimizer.apply([step[n] for n in SHAPES], list(variables.values()))
        trace.append(flat({n: v.numpy() for n, v in variables.items()}))
    if final:
        optimizer.finalize_variable_values(list(variables.values()))
        trace.append(flat({n: v.numpy() for n, v in variables.items()}))
    rate = config.get("learning_rate")
    if isinstance(rate, ks.LearningRateSchedule):
        config["learning_rate"] = schedule(rate)
    return {"optimizer": name, "config": config, "stored": stored, "weights": trace}


def schedule(s):
    return {"class_name": type(s).__name__, "config": {k: v for k, v in s.get_config().items() if k != "name"}}


RATES = [0, 1, 2, 3, 5, 9, 10, 11, 19, 20, 21, 35, 50, 99, 100, 101, 250]


def rates(s):
    return {**schedule(s), "steps": RATES, "rates": [float(f"{float(s(np.float64(i))):.9g}") for i in RATES]}


runs = [
    run("SGD", learning_rate=0.1),
    run("SGD", learning_rate=0.05, momentum=0.9),
    run("SGD", learning_rate=0.05, momentum=0.9, nesterov=True),
    run("Adam", learning_rate=0.05),
    run("Adam", learning_rate=0.05, beta_1=0.8, beta_2=0.95, amsgrad=True),
    run("Adam", learning_rate=0.05, amsgrad=True),
    run("AdamW", learning_rate=0.05),
    run("AdamW", learning_rate=0.05, weight_decay=0.1, amsgrad=True),
    run("Adamax", learning_rate=0.05),
    run("Adamax", learning_rate=0.05, beta_1=0.8, beta_2=0.9),
    run("Nadam", learning_rate=0.05),
    run("Nadam", learning_rate=0.02, beta_1=0.8, beta_2=0.99),
    run("Adagrad", learning_rate=0.1),
    run("Adagrad", learning_rate=0.1, initial_accumulator_value=0.5),
    run("Adadelta", learning_rate=1.0),
    run("Adadelta", learning_rate=10.0, rho=0.9, epsilon=1e-4),
    run("RMSprop", learning_rate=0.02),
    run("RMSprop", learning_rate=0.02, rho=0.8, momentum=0.9),
    run("RMSprop", learning_rate=0.02, centered=True, epsilon=1e-3),
    run("RMSprop", learning_rate=0.01, momentum=0.5, centered=True, epsilon=1e-3),
    run("Ftrl", learning_rate=0.1),
    run("Ftrl", learning_rate=0.1, learning_rate_power=-0.7, initial_accumulator_value=0.3, l1_regularization_strength=0.2, l2_regularization_strength=0.1),
    run("Ftrl", learning_rate=0.2, l2_shrinkage_regularization_strength=0.05, beta=0.3),
    run("Lion", learning_rate=0.01),
    run("Lion", learning_rate=0.02, beta_1=0.7, beta_2=0.8, weight_decay=0.5),
    run("Lamb", learning_rate=0.05),
    run("Lamb", learning_rate=0.05, beta_1=0.8, beta_2=0.9, weight_decay=0.2),
    run("SGD", learning_rate=0.1, weight_decay=0.5),
    run("SGD", learning_rate=0.1, clipvalue=0.4),
    run("SGD", learning_rate=0.1, clipnorm=1.0),
    run("SGD", learning_rate=0.1, global_clipnorm=1.5),
    run("Adam", learning_rate=0.05, clipnorm=0.5, weight_decay=0.1),
    run("RMSprop", learning_rate=0.02, momentum=0.9, global_clipnorm=0.7),
    run("SGD", final=True, learning_rate=0.1, use_ema=True, ema_momentum=0.9),
    run("Adam", final=True, learning_rate=0.05, use_ema=True, ema_momentum=0.8, ema_overwrite_frequency=6, weight_decay=0.1),
    run("SGD", learning_rate=ks.ExponentialDecay(0.2, 5, 0.7)),
    run("Adam", learning_rate=ks.CosineDecay(0.01, 12, alpha=0.1, warmup_target=0.1, warmup_steps=5)),
    run("AdamW", learning_rate=ks.PiecewiseConstantDecay([4, 9], [0.1, 0.05, 0.01]), weight_decay=0.2),
    run("SGD", learning_rate=0.1, momentum=0.9, clipnorm=0.6, weight_decay=0.1, gradient_accumulation_steps=3),
    run("Adam", learning_rate=ks.ExponentialDecay(0.1, 2, 0.5), gradient_accumulation_steps=4),
    run("SGD", learning_rate=ks.ExponentialDecay(0.2, 5, 0.5), momentum=0.9),
    run("SGD", learning_rate=ks.ExponentialDecay(0.2, 5, 0.5), momentum=0.8, nesterov=True),
    run("Adagrad", learning_rate=0.1, epsilon=0.02),
]
schedules = [
    rates(ks.ExponentialDecay(0.1, 20, 0.5)),
    rates(ks.ExponentialDecay(0.1, 20, 0.5, staircase=True)),
    rates(ks.InverseTimeDecay(0.1, 10, 0.5)),
    rates(ks.InverseTimeDecay(0.1, 10, 0.5, staircase=True)),
    rates(ks.PolynomialDecay(0.1, 50)),
    rates(ks.PolynomialDecay(0.1, 20, end_learning_rate=0.01, power=2.0)),
    rates(ks.PolynomialDecay(0.1, 20, end_learning_rate=0.01, power=0.5, cycle=True)),
    rates(ks.PiecewiseConstantDecay([10, 20, 99], [1.0, 0.5, 0.1, 0.01])),
    rates(ks.CosineDecay(0.1, 50)),
    rates(ks.CosineDecay(0.1, 50, alpha=0.05)),
    rates(ks.CosineDecay(0.01, 50, alpha=0.05, warmup_target=0.2, warmup_steps=10)),
    rates(ks.CosineDecayRestarts(0.1, 10)),
    rates(ks.CosineDecayRestarts(0.1, 10, t_mul=1.0, m_mul=0.8, alpha=0.01)),
    rates(ks.CosineDecayRestarts(0.1, 8, t_mul=1.5, m_mul=0.7, alpha=0.1)),
]

dump = lambda x: json.dumps(x, separators=(",", ":"))
lines = lambda xs: ",\n".join(map(dump, xs))
text = f"""{{"source":"Keras {keras.__version__}","shapes":{dump(list(SHAPES.values()))},"weights":{dump(flat(weights))},
"gradients":{dump([flat(g) for g in gradients])},
"runs":[
{lines(runs)}
],"schedules":[
{lines(schedules)}
]}}
"""
path = Path(__file__).with_suffix(".json")
path.write_text(text)
print(f"{path.name}: {len(runs)} runs, {len(schedules)} schedules, {len(text)} bytes")
