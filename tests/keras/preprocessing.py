"""Layers before a model. `python preprocessing.py` writes layers/preprocessing.json.gz.

Random ones are judged where their factor leaves no choice, and in inference.
"""

from keras import layers as L

from freeze import Input, case, write

image = Input(2, 4, 5, 2)
first = Input(2, 2, 4, 5)
rows = Input(3, 4)


def features():
    yield case(L.Normalization(mean=2.0, variance=3.0), rows)
    yield case(L.Normalization(axis=None, mean=2.0, variance=3.0, invert=True), rows)
    yield case(L.Normalization(mean=[1.0, 2.0, 3.0, 4.0], variance=[0.5, 0.0, 2.0, 3.0]), rows)
    yield case(L.Normalization(axis=1, mean=[1.0, 2.0, 3.0], variance=[4.0, 5.0, 6.0]), Input(2, 3, 4))
    yield case(L.Normalization(axis=[1, 2], mean=[[1.0, 2.0], [3.0, 4.0]], variance=[[1.0, 2.0], [3.0, 4.0]]), Input(2, 2, 2))
    yield case(L.Discretization([-0.5, 0.0, 1.0]), rows)
    yield case(L.Discretization([-0.5, 0.0], output_mode="one_hot"), rows)
    yield case(L.Discretization([-0.5, 0.0], output_mode="multi_hot"), rows)
    yield case(L.Discretization([-0.5, 0.0], output_mode="count"), rows)
    index = Input(2, 3, dtype="int32", values=[[0, 4, 1], [4, 4, 2]])
    single = Input(3, 1, dtype="int32", values=[[0], [4], [1]])
    for mode in ["multi_hot", "one_hot", "count"]:
        yield case(L.CategoryEncoding(5, output_mode=mode), index)
    yield case(L.CategoryEncoding(6, output_mode="one_hot"), single)
    yield case(L.CategoryEncoding(5, output_mode="count"), index, Input(2, 3), how=lambda xs: ([xs[0]], {"count_weights": xs[1]}))


def images():
    yield case(L.Resizing(3, 7), image)
    yield case(L.Resizing(6, 3, interpolation="nearest"), image)
    yield case(L.Resizing(2, 4, crop_to_aspect_ratio=True), image)
    yield case(L.Resizing(4, 2, crop_to_aspect_ratio=True, data_format="channels_first"), first)
    yield case(L.Resizing(2, 4, pad_to_aspect_ratio=True, fill_value=0.5), image)
    yield case(L.Resizing(5, 2, pad_to_aspect_ratio=True), image)
    yield case(L.Resizing(3, 3), Input(4, 5, 2))
    yield case(L.CenterCrop(3, 2), image)
    yield case(L.CenterCrop(2, 4, data_format="channels_first"), first)
    yield case(L.CenterCrop(6, 4), image)
    for make in [L.RandomFlip, lambda: L.RandomFlip("vertical"), lambda: L.RandomRotation(0.2), lambda: L.RandomZoom(0.2), lambda: L.RandomTranslation(0.2, 0.3), lambda: L.RandomBrightness(0.2), lambda: L.RandomContrast(0.2)]:
        yield case(make(), image, training=False)
    yield case(L.RandomBrightness((0.25, 0.25), value_range=(-1.0, 1.0)), image, training=True)
    yield case(L.RandomContrast((0.0, 0.0), value_range=(-1.0, 1.0)), image, training=True)
    # TensorFlow's gradient of these is the transform back, which is another.
    for mode in ["reflect", "wrap", "nearest", "constant"]:
        yield case(L.RandomTranslation((0.45, 0.45), (-0.3, -0.3), fill_mode=mode, fill_value=0.5), image, training=True, gradients=False)
        yield case(L.RandomZoom((0.7, 0.7), fill_mode=mode), image, training=True, gradients=False)
    yield case(L.RandomTranslation((-0.6, -0.6), (0.7, 0.7), fill_mode="wrap"), image, training=True, gradients=False)
    yield case(L.RandomTranslation((-0.3, -0.3), (0.2, 0.2), interpolation="nearest"), image, training=True, gradients=False)
    yield case(L.RandomZoom((-0.3, -0.3), (0.25, 0.25)), image, training=True, gradients=False)
    yield case(L.RandomRotation((0.1, 0.1)), image, training=True, gradients=False)
    yield case(L.RandomRotation((-0.3, -0.3), fill_mode="constant", fill_value=0.25, data_format="channels_first"), first, training=True, gradients=False)


if __name__ == "__main__":
    write("preprocessing", [*features(), *images()])
