"""MobileNetV2 as a list of layers, from torchvision's published weights.

The weights' file is read without PyTorch: it is a sequence of pickles, followed by the raw numbers of each storage.
Batch normalisation is folded into the convolution before it, so that every format gets the same numbers.
"""

import collections
import pickle
import struct
from dataclasses import dataclass

import numpy as np

STORAGE_TYPES = {"FloatStorage": np.float32, "LongStorage": np.int64}
EPSILON = 1e-5

# Expansion, channels, repeats, stride of the first: table 2 of Sandler et al., "MobileNetV2", 2018.
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]


@dataclass
class Conv:
    """A convolution with bias. `kernel` is [out, in / groups, height, width]; padding is half the kernel on each side."""

    name: str
    kernel: np.ndarray
    bias: np.ndarray
    stride: int
    relu6: bool
    depthwise: bool

    @property
    def padding(self) -> int:
        return self.kernel.shape[2] // 2

    @property
    def pads_explicitly(self) -> bool:
        """Whether TensorFlow's SAME would pad differently from PyTorch: at the end only, where the stride is 2."""
        return self.padding > 0 and self.stride == 2


@dataclass
class Remember:
    """The value here is added again later."""


@dataclass
class AddRemembered:
    """Adds the value remembered last."""

    name: str


@dataclass
class MobileNet:
    """Layers from the image to the last feature map; then the mean over the image, and `features @ head.T + bias`."""

    layers: list
    head: np.ndarray
    head_bias: np.ndarray


class _Storage:
    def __init__(self, dtype):
        self.dtype = dtype
        self.numbers = None


class _Unpickler(pickle.Unpickler):
    """Accepts the few names that a file of weights refers to, and no others."""

    def __init__(self, file):
        super().__init__(file)
        self.storages = {}

    def find_class(self, module, name):
        if name == "OrderedDict":
            return collections.OrderedDict
        if name in ("_rebuild_tensor", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *_: (storage, offset, size, stride)
        if name in STORAGE_TYPES:
            return type(name, (), {})
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a file of weights")

    def persistent_load(self, identifier):
        _, storage_type, key, *_ = identifier
        return self.storages.setdefault(key, _Storage(STORAGE_TYPES[storage_type.__name__]))


def read_weights(path):
    """Name to array of a PyTorch file in the format from before version 1.6."""
    with open(path, "rb") as file:
        for _ in ("magic number", "protocol", "system"):
            pickle.load(file)
        unpickler = _Unpickler(file)
        tensors = unpickler.load()
        for key in pickle.load(file):
            storage = unpickler.storages[key]
            (count,) = struct.unpack("<q", file.read(8))
            storage.numbers = np.frombuffer(file.read(count * np.dtype(storage.dtype).itemsize), storage.dtype)
    weights = {}
    for name, (storage, offset, size, stride) in tensors.items():
        strides = [step * storage.numbers.itemsize for step in stride]
        weights[name] = np.lib.stride_tricks.as_strided(storage.numbers[offset:], size, strides).copy()
    return weights


def load(path) -> MobileNet:
    """The network with the weights in `path`."""
    weights = read_weights(path)

    def conv(name, key, norm, stride=1, relu6=True, depthwise=False):
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
        kernel = (weights[f"{key}.weight"] * scale[:, None, None, None]).astype(np.float32)
        bias = (weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale).astype(np.float32)
        return Conv(name, kernel, bias, stride, relu6, depthwise)

    layers = [conv("stem", "features.0.0", "features.0.1", stride=2)]
    channels_in, block = 32, 1
    for expansion, channels, repeats, first_stride in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            residual = stride == 1 and channels_in == channels
            key, part = f"features.{block}.conv", 0
            if residual:
                layers.append(Remember())
            if expansion != 1:
                layers.append(conv(f"block_{block}_expand", f"{key}.0.0", f"{key}.0.1"))
                part = 1
            layers.append(
                conv(f"block_{block}_depthwise", f"{key}.{part}.0", f"{key}.{part}.1", stride, depthwise=True)
            )
            layers.append(conv(f"block_{block}_project", f"{key}.{part + 1}", f"{key}.{part + 2}", relu6=False))
            if residual:
                layers.append(AddRemembered(f"block_{block}_add"))
            channels_in = channels
            block += 1
    layers.append(conv("last", "features.18.0", "features.18.1"))
    return MobileNet(layers, weights["classifier.1.weight"], weights["classifier.1.bias"])
