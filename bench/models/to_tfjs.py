"""Writes TensorFlow.js models: the network as a graph model and as a layers model."""

import base64
import json

import numpy as np

from mobilenet import AddRemembered, MobileNet, Remember


def tensorflow_kernel(layer) -> np.ndarray:
    """[height, width, in, out], or [height, width, channels, 1] for a depthwise one."""
    return np.ascontiguousarray(layer.kernel.transpose((2, 3, 0, 1) if layer.depthwise else (2, 3, 1, 0)))


class Weights:
    """The weights of a model: one file, and its manifest."""

    def __init__(self):
        self.entries = []
        self.bytes = bytearray()

    def add(self, name, array):
        self.entries.append({"name": name, "shape": list(array.shape), "dtype": array.dtype.name})
        self.bytes += array.tobytes()

    def save(self, folder, model):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "weights.bin").write_bytes(self.bytes)
        manifest = [{"paths": ["weights.bin"], "weights": self.entries}]
        (folder / "model.json").write_text(json.dumps({**model, "weightsManifest": manifest}))


# Attributes of a node in TensorFlow's JSON.
FLOAT = {"T": {"type": "DT_FLOAT"}}


def text(value):
    return base64.b64encode(value.encode()).decode()


def string(value):
    return {"s": text(value)}


def strings(values):
    return {"list": {"s": [text(value) for value in values]}}


def integers(values):
    return {"list": {"i": [str(value) for value in values]}}


def dimensions(shape):
    return {"dim": [{"size": str(size)} for size in shape]}


def write_graph(path, net: MobileNet):
    nodes, weights = [], Weights()

    def node(name, op, inputs, **attributes):
        nodes.append({"name": name, "op": op, "input": inputs, "attr": attributes})
        return name

    def constant(name, array):
        kind = {"float32": "DT_FLOAT", "int32": "DT_INT32"}[array.dtype.name]
        weights.add(name, array)
        value = {"tensor": {"dtype": kind, "tensorShape": dimensions(array.shape)}}
        return node(name, "Const", [], dtype={"type": kind}, value=value)

    def fused(name, op, inputs, activation=(), **attributes):
        ops = strings(["BiasAdd", *activation])
        return node(name, op, inputs, **FLOAT, fused_ops=ops, num_args={"i": "1"}, epsilon={"f": 0.0}, **attributes)

    current = node("input", "Placeholder", [], dtype={"type": "DT_FLOAT"}, shape={"shape": dimensions((1, 224, 224, 3))})
    margins = constant("margins", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    remembered = []
    for layer in net.layers:
        if isinstance(layer, Remember):
            remembered.append(current)
            continue
        if isinstance(layer, AddRemembered):
            current = node(layer.name, "AddV2", [remembered.pop(), current], **FLOAT)
            continue
        if layer.pads_explicitly:
            current = node(f"{layer.name}/pad", "Pad", [current, margins], **FLOAT)
        kernel = constant(f"{layer.name}/kernel", tensorflow_kernel(layer))
        bias = constant(f"{layer.name}/bias", layer.bias)
        current = fused(
            layer.name,
            "FusedDepthwiseConv2dNative" if layer.depthwise else "_FusedConv2D",
            [current, kernel, bias],
            ["Relu6"] if layer.relu6 else [],
            strides=integers([1, layer.stride, layer.stride, 1]),
            dilations=integers([1, 1, 1, 1]),
            padding=string("VALID" if layer.pads_explicitly else "SAME"),
            data_format=string("NHWC"),
            explicit_paddings={"list": {}},
        )
    axes = constant("axes", np.array([1, 2], np.int32))
    features = node("features", "Mean", [current, axes], **FLOAT, keep_dims={"b": False})
    head, bias = constant("head/kernel", np.ascontiguousarray(net.head.T)), constant("head/bias", net.head_bias)
    fused("logits", "_FusedMatMul", [features, head, bias], transpose_a={"b": False}, transpose_b={"b": False})

    def port(name, shape):
        return {name: {"name": f"{name}:0", "dtype": "DT_FLOAT", "tensorShape": dimensions(shape)}}

    signature = {"inputs": port("input", (1, 224, 224, 3)), "outputs": port("logits", (1, 1000))}
    topology = {"node": nodes, "library": {}, "versions": {"producer": 1000}}
    weights.save(path / "mobilenet-graph", {"format": "graph-model", "modelTopology": topology, "signature": signature})


def write_layers(path, net: MobileNet):
    layers, weights = [], Weights()

    def layer_of(class_name, name, inputs, **config):
        config = {"name": name, "trainable": True, **config}
        inbound = [[[source, 0, 0, {}] for source in inputs]] if inputs else []
        layers.append({"class_name": class_name, "name": name, "config": config, "inbound_nodes": inbound})
        return name

    current = layer_of("InputLayer", "input", [], batch_input_shape=[None, 224, 224, 3], dtype="float32", sparse=False)
    remembered = []
    for layer in net.layers:
        if isinstance(layer, Remember):
            remembered.append(current)
            continue
        if isinstance(layer, AddRemembered):
            current = layer_of("Add", layer.name, [remembered.pop(), current])
            continue
        if layer.pads_explicitly:
            margins = [[1, 1], [1, 1]]
            current = layer_of(
                "ZeroPadding2D", f"{layer.name}_pad", [current], padding=margins, data_format="channels_last"
            )
        name = f"{layer.name}_conv" if layer.relu6 else layer.name
        config = {
            "kernel_size": list(layer.kernel.shape[2:]), "strides": [layer.stride] * 2, "dilation_rate": [1, 1],
            "padding": "valid" if layer.pads_explicitly else "same", "data_format": "channels_last",
            "activation": "linear", "use_bias": True,
        }
        if layer.depthwise:
            current = layer_of("DepthwiseConv2D", name, [current], depth_multiplier=1, **config)
            weights.add(f"{name}/depthwise_kernel", tensorflow_kernel(layer))
        else:
            current = layer_of("Conv2D", name, [current], filters=layer.kernel.shape[0], **config)
            weights.add(f"{name}/kernel", tensorflow_kernel(layer))
        weights.add(f"{name}/bias", layer.bias)
        if layer.relu6:
            current = layer_of("ReLU", layer.name, [current], max_value=6.0)
    features = layer_of("GlobalAveragePooling2D", "features", [current], data_format="channels_last")
    layer_of("Dense", "logits", [features], units=1000, activation="linear", use_bias=True)
    weights.add("logits/kernel", np.ascontiguousarray(net.head.T))
    weights.add("logits/bias", net.head_bias)
    config = {
        "name": "mobilenet_v2", "layers": layers, "input_layers": [["input", 0, 0]], "output_layers": [["logits", 0, 0]]
    }
    topology = {"keras_version": "2.4.0", "backend": "tensorflow", "model_config": {"class_name": "Functional", "config": config}}
    weights.save(path / "mobilenet-layers", {"format": "layers-model", "modelTopology": topology})
