"""What Keras 2 has otherwise than Keras 3, as TensorFlow.js does. `python keras2.py` (with tf_keras) writes layers/keras2.json.gz and models2.json.gz."""

import sys

import tf_keras

sys.modules["keras"] = tf_keras
sys.modules["keras.layers"] = tf_keras.layers
import models
from freeze import Input, case, write

L = tf_keras.layers
STEPS = [[True, True, False, True], [True, False, True, False]]
sequence = Input(2, 4, 3)
masked = Input(2, 4, 3, mask=STEPS)
rows = Input(3, 4)


def given(xs):
    return [xs[0]], {"initial_state": xs[1:]}


def cases():
    yield case(L.ThresholdedReLU(theta=0.3), rows)
    yield case(L.LeakyReLU(alpha=0.4), rows)
    yield case(L.Activation("hard_sigmoid"), rows)
    yield case(L.Dense(2, activation="hard_sigmoid"), rows)
    for n in [3, 4, 5]:
        yield case(L.Conv2D(2, n, kernel_constraint=tf_keras.constraints.RadialConstraint()), Input(1, 5, 5, 2))
    for implementation in [1, 2]:
        yield case(L.LSTM(2, recurrent_activation="hard_sigmoid", implementation=implementation, return_sequences=True), sequence)
        yield case(L.GRU(2, recurrent_activation="hard_sigmoid", reset_after=False, implementation=implementation), masked)
        yield case(L.GRU(2, recurrent_activation="hard_sigmoid", reset_after=True, implementation=implementation), masked)
    # Here a mask holds beside states that are given.
    yield case(L.GRU(2), masked, Input(2, 2), how=given)
    yield case(L.ConvLSTM2D(1, 2), Input(2, 2, 3, 3, 1))
    yield case(L.Bidirectional(L.GRU(2, reset_after=False), merge_mode="mul"), masked)


if __name__ == "__main__":
    write("keras2", list(cases()))
    models.main("models2.json.gz", [models.attention, models.named, models.classifier, models.nested, models.transfer, models.outputs, models.hard, models.decoder])
