"""Cells of recurrent networks, and moving averages."""

import numpy as np
from scipy.special import expit

from answers import Answers

a = Answers("recurrent", f"NumPy {np.__version__}")
wide = lambda *xs: [x.astype(np.float64) for x in xs]


def lstm(forget, kernel, bias, data, c, h):
    gates = np.concatenate([data, h], 1) @ kernel + bias
    i, j, f, o = np.split(gates, 4, 1)
    c = expit(i) * np.tanh(j) + c * expit(f + forget)
    return [c, expit(o) * np.tanh(c)]


for batch, inputs, units in [(2, 4, 3), (1, 1, 1), (0, 2, 2), (3, 0, 2), (2, 3, 0), (5, 8, 16)]:
    x = [np.float32(1), a.normal(inputs + units, 4 * units), a.normal(4 * units), a.normal(batch, inputs), a.normal(batch, units), a.normal(batch, units)]
    a.case("basicLSTMCell", x, lstm(*wide(*map(np.asarray, x))))
for shape in [(), (3,), (2, 1, 3), (0, 2)]:
    for decay in (0.0, 0.6, 0.99):
        v, x, d = np.asarray(a.normal(*shape)), np.asarray(a.normal(*shape)), np.float32(decay)
        a.case("movingAverage", [v, x, d], [v + (wide(x)[0] - v) * (1 - np.float64(d))])
        for step in (1, 7):
            debiased = v + (wide(x)[0] - v) * (1 - np.float64(d)) / (1 - np.float64(d) ** step)
            a.case("movingAverage", [v, x, d, np.float32(step)], [debiased])
            a.case("movingAverage", [v, x, d, np.int32(step)], [debiased], note="a whole step")
a.write()
