"""Stored models with masks, states and wrappers. `python models.py` writes models.json.gz."""

import gzip
import json
import os

from freeze import frozen, normal, short

import keras
import numpy as np
from keras import layers as L


def attention():
    """Masks and states from layer to layer, an attention that looks back only."""
    x, y = keras.Input((4,), dtype="int32", name="x"), keras.Input((2, 3), name="y")
    e = L.Embedding(5, 3, mask_zero=True, name="e")(x)
    h, s, _ = L.LSTM(3, return_sequences=True, return_state=True, name="l")(e)
    a = L.MultiHeadAttention(2, 2, name="a")(h, h, use_causal_mask=True)
    g = L.Add(name="s")([L.GRU(3, name="g")(a), L.GRU(3, name="k")(y, initial_state=s)])
    return keras.Model([x, y], L.Dense(1, name="d")(g)), [np.array([[1, 2, 3, 0], [4, 1, 0, 0]], "int32"), (2, 2, 3)], (2, 1)


def named():
    """Inputs of a layer by name, and a layer called twice."""
    a, b = keras.Input((3, 4), name="a"), keras.Input((2, 4), name="b")
    attend = L.MultiHeadAttention(1, 3, name="m")
    once = attend(query=a, value=b, key=b)
    return keras.Model([a, b], L.Add(name="s")([once, attend(once, b)])), [(2, 3, 4), (2, 2, 4)], (2, 3, 4)


def classifier():
    model = keras.Sequential([
        keras.Input((4,), dtype="int32"), L.Embedding(5, 3, mask_zero=True), L.Bidirectional(L.LSTM(2)), L.Dropout(0.3), L.LayerNormalization(),
        L.Dense(3, activation="softmax"),
    ])
    return model, np.array([[1, 2, 0, 0], [3, 0, 4, 1]], "int32"), (2, 3)


def convolutional():
    model = keras.Sequential([
        keras.Input((8, 2)), L.Conv1D(4, 3, padding="causal", activation="relu"), L.BatchNormalization(), L.MaxPooling1D(2),
        L.TimeDistributed(L.Dense(3)), L.GlobalAveragePooling1D(), L.Dense(1),
    ])
    return model, [(2, 8, 2)], (2, 1)


def stepwise():
    """A loss over the steps that count."""
    model = keras.Sequential([keras.Input((3, 2)), L.Masking(), L.GRU(3, return_sequences=True, reset_after=False), L.TimeDistributed(L.Dense(1))])
    x = np.array([[[1, 2], [0, 0], [0.5, -1]], [[0, 1], [2, 2], [0, 0]]], "float32")
    return model, x, (2, 3, 1)


def nested():
    """Models within: one called twice whose averages stand still, one within it, with names of layers that others have too."""
    image = keras.Input((6, 6, 1), name="i")
    h = L.Conv2D(2, 3, strides=2, name="c")(image)
    h = L.BatchNormalization(name="b")(h)
    h = keras.Sequential([keras.Input((2, 2, 2)), L.Flatten(), L.Dense(3, activation="tanh", name="d")], name="q")(h)
    backbone = keras.Model(image, h, name="backbone")
    x, y = keras.Input((6, 6, 1), name="x"), keras.Input((6, 6, 1), name="y")
    both = L.Concatenate(name="j")([backbone(y, training=False), backbone(x, training=False)])
    return keras.Model([x, y], L.Dense(1, name="d")(both), name="siamese"), [(2, 6, 6, 1), (2, 6, 6, 1)], (2, 1)


def transfer():
    """A chain that begins with a model."""
    image = keras.Input((4, 4, 1), name="i")
    backbone = keras.Model(image, L.GlobalAveragePooling2D(name="g")(L.Conv2D(3, 2, name="c")(image)), name="backbone")
    backbone.trainable = False
    return keras.Sequential([keras.Input((4, 4, 1)), backbone, L.Dropout(0.2), L.Dense(1)]), [(2, 4, 4, 1)], (2, 1)


def outputs():
    """Several inputs and outputs, of a model within too, in an order of their own."""
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    inner = keras.Model([b, a], [L.Subtract(name="s")([L.Dense(2, name="d")(a), b]), L.Dense(4, name="e")(b)], name="inner")
    x, y = keras.Input((2,), name="x"), keras.Input((3,), name="y")
    first, second = inner([x, y])
    return keras.Model([y, x], [second, L.Activation("tanh", name="t")(first), first], name="outer"), [(2, 3), (2, 2)], None


def hard():
    """An activation that Keras 2 and 3 have different functions for."""
    cell = L.LSTM(2, recurrent_activation="hard_sigmoid", return_sequences=True)
    model = keras.Sequential([keras.Input((3, 2)), L.Dense(2, activation="hard_sigmoid"), L.Bidirectional(cell), L.Activation("hard_sigmoid")])
    return model, [(2, 3, 2)], (2, 3, 4)


def decoder():
    """States that are given, beside which Keras 3 takes no mask, and hands it on."""
    x, y = keras.Input((4,), dtype="int32", name="x"), keras.Input((3,), dtype="int32", name="y")
    a, b = L.Embedding(5, 2, mask_zero=True, name="a")(x), L.Embedding(5, 3, mask_zero=True, name="b")(y)
    _, h, c = L.LSTM(2, return_state=True, name="l")(L.LayerNormalization(name="n")(a))
    d = L.LSTM(2, return_sequences=True, name="k")(b, initial_state=[h, c])
    return keras.Model([x, y], L.GRU(2, name="g")(d)), [np.array([[1, 2, 3, 0], [4, 1, 0, 0]], "int32"), np.array([[2, 0, 3], [4, 1, 0]], "int32")], (2, 2)


def main(name, makers):
    models = []
    for i, make in enumerate(makers):
        model, inputs, target = make()
        random = np.random.default_rng(i)
        xs = [normal(random, x).astype("float32") if isinstance(x, tuple) else x for x in (inputs if isinstance(inputs, list) else [inputs])]
        for w in model.weights:
            value = normal(random, w.shape)
            w.assign(np.abs(value) + 0.5 if "variance" in w.name else value)
        given = xs[0] if len(xs) == 1 else xs
        results = model(given)
        frozen_model = {
            "name": make.__name__,
            "inputs": [frozen(x) for x in xs],
            "weights": [frozen(w) for w in model.weights],
            "outputs": [frozen(y) for y in (results if isinstance(results, (list, tuple)) else [results])],
        }
        if target is not None:
            y = normal(random, target).astype("float32")
            model.compile(loss="mse", metrics=["mae"])
            losses = model.evaluate(given, y, verbose=0)
            frozen_model |= {"target": frozen(y), "losses": [short(v) for v in losses]}
        models.append(frozen_model | {"topology": json.loads(model.to_json())})
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, "wb") as file:
        file.write(gzip.compress(json.dumps(models, separators=(",", ":")).encode(), mtime=0))


if __name__ == "__main__":
    main("models.json.gz", [attention, named, classifier, convolutional, stepwise, nested, transfer, outputs, hard, decoder])
