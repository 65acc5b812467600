"""Writes ONNX files."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import kernels
from mobilenet import AddRemembered, MobileNet, Remember


def save(path, name, nodes, inputs, outputs, constants=None):
    """`inputs` and `outputs`: name to shape; `constants`: name to array."""

    def info(values):
        return [helper.make_tensor_value_info(value, TensorProto.FLOAT, shape) for value, shape in values.items()]

    constants = [numpy_helper.from_array(array, key) for key, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, name, info(inputs), info(outputs), constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, path / f"{name}.onnx")


def conv_node(inputs, output, size, padding, stride=1, groups=1):
    return helper.make_node(
        "Conv", inputs, [output], kernel_shape=[size] * 2, pads=[padding] * 4, strides=[stride] * 2, group=groups
    )


def write_mobilenet(path, net: MobileNet):
    constants = {"zero": np.float32(0), "six": np.float32(6), "head": net.head, "head_bias": net.head_bias}
    nodes, current, remembered = [], "input", []
    for layer in net.layers:
        if isinstance(layer, Remember):
            remembered.append(current)
            continue
        if isinstance(layer, AddRemembered):
            nodes.append(helper.make_node("Add", [remembered.pop(), current], [layer.name]))
        else:
            constants[f"{layer.name}_kernel"] = layer.kernel
            constants[f"{layer.name}_bias"] = layer.bias
            result = f"{layer.name}_linear" if layer.relu6 else layer.name
            groups = layer.kernel.shape[0] if layer.depthwise else 1
            names = [current, f"{layer.name}_kernel", f"{layer.name}_bias"]
            nodes.append(conv_node(names, result, layer.kernel.shape[2], layer.padding, layer.stride, groups))
            if layer.relu6:
                nodes.append(helper.make_node("Clip", [result, "zero", "six"], [layer.name]))
        current = layer.name
    nodes += [
        helper.make_node("GlobalAveragePool", [current], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "head", "head_bias"], ["logits"], transB=1),
    ]
    save(path, "mobilenet", nodes, {"input": [1, 3, 224, 224]}, {"logits": [1, 1000]}, constants)


def write_kernels(path):
    for size in kernels.SIZES:
        square = [size, size]
        save(path, f"matmul-{size}", [helper.make_node("MatMul", ["a", "b"], ["y"])], {"a": square, "b": square}, {"y": square})

    image = kernels.IMAGE
    channels_in, channels_out = kernels.CONV
    save(
        path, "conv2d", [conv_node(["a", "kernel"], "y", 3, 1)],
        {"a": [1, channels_in, image, image]}, {"y": [1, channels_out, image, image]},
        {"kernel": np.ascontiguousarray(kernels.conv_kernel().transpose(3, 2, 0, 1))},
    )
    shape = [1, kernels.DEPTHWISE, image, image]
    save(
        path, "depthwise", [conv_node(["a", "kernel"], "y", 3, 1, groups=kernels.DEPTHWISE)],
        {"a": shape}, {"y": shape},
        {"kernel": np.ascontiguousarray(kernels.depthwise_kernel().transpose(2, 3, 0, 1))},
    )

    for name, op, operands in (("add", "Add", "ab"), ("relu", "Relu", "a"), ("exp", "Exp", "a")):
        for length in kernels.CHAINS:
            values = ["a", *(f"t{step}" for step in range(1, length)), "y"]
            nodes = [
                helper.make_node(op, [values[step], *operands[1:]], [values[step + 1]]) for step in range(length)
            ]
            inputs = {operand: kernels.ELEMENTWISE for operand in operands}
            save(path, f"{name}-x{length}", nodes, inputs, {"y": kernels.ELEMENTWISE})

    save(path, "sum", [helper.make_node("ReduceSum", ["a"], ["y"], keepdims=1)], {"a": kernels.TABLE}, {"y": [1, 1]})
    save(path, "softmax", [helper.make_node("Softmax", ["a"], ["y"], axis=-1)], {"a": kernels.TABLE}, {"y": kernels.TABLE})
