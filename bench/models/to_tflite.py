"""Writes TFLite files, through the schema's generated classes."""

import importlib.util
import sys
import tempfile
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np

import kernels
from mobilenet import AddRemembered, MobileNet, Remember

SCHEMA = "tflite_micro/tensorflow/lite/micro/python/schema_py_generated.py"
SAME, VALID = 0, 1
RELU6 = 3


def load_schema(wheel):
    """The schema's module, out of the wheel that ships it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(zipfile.ZipFile(wheel).extract(SCHEMA, folder))
        spec = importlib.util.spec_from_file_location("tflite_schema", file)
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return module


class Writer:
    """Collects tensors and operators of one network."""

    def __init__(self, schema):
        self.schema = schema
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = b"benchmark"
        # Buffer 0 is that of tensors without constant values.
        self.model.buffers = [schema.BufferT()]
        self.graph = schema.SubGraphT()
        self.graph.name = b"main"
        self.graph.tensors = []
        self.graph.operators = []
        self.codes = []

    def tensor(self, name, shape, constant=None):
        """The index of a new tensor."""
        kinds = self.schema.TensorType
        tensor = self.schema.TensorT()
        tensor.name = name.encode()
        tensor.shape = list(shape)
        tensor.type = kinds.FLOAT32 if constant is None or constant.dtype == np.float32 else kinds.INT32
        tensor.buffer = 0
        if constant is not None:
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(constant.tobytes(), np.uint8)
            self.model.buffers.append(buffer)
            tensor.buffer = len(self.model.buffers) - 1
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, name, array):
        return self.tensor(name, array.shape, np.ascontiguousarray(array))

    def op(self, code, inputs, output, options=None, **fields):
        """Appends an operator. `options` names its options' table, `fields` are set in it."""
        number = getattr(self.schema.BuiltinOperator, code)
        if number not in self.codes:
            self.codes.append(number)
        operator = self.schema.OperatorT()
        operator.opcodeIndex = self.codes.index(number)
        operator.inputs = inputs
        operator.outputs = [output]
        if options:
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(self.schema, f"{options}T")()
            for field, value in fields.items():
                setattr(operator.builtinOptions, field, value)
        self.graph.operators.append(operator)
        return output

    def conv(self, inputs, output, padding, stride, activation=0, depthwise=False):
        fields = {
            "padding": padding, "strideW": stride, "strideH": stride, "dilationWFactor": 1, "dilationHFactor": 1,
            "fusedActivationFunction": activation,
        }
        if depthwise:
            return self.op("DEPTHWISE_CONV_2D", inputs, output, "DepthwiseConv2DOptions", depthMultiplier=1, **fields)
        return self.op("CONV_2D", inputs, output, "Conv2DOptions", **fields)

    def save(self, path, inputs, output):
        self.graph.inputs = inputs
        self.graph.outputs = [output]
        self.model.subgraphs = [self.graph]
        self.model.operatorCodes = []
        for number in self.codes:
            code = self.schema.OperatorCodeT()
            code.builtinCode = number
            code.deprecatedBuiltinCode = min(number, 127)
            code.version = 1
            self.model.operatorCodes.append(code)
        builder = flatbuffers.Builder(1 << 16)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))


def write_mobilenet(path, net: MobileNet, schema):
    writer = Writer(schema)
    shape = (1, 224, 224, 3)
    source = current = writer.tensor("input", shape)
    margins = writer.constant("margins", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32))
    remembered = []
    for layer in net.layers:
        if isinstance(layer, Remember):
            remembered.append(current)
            continue
        if isinstance(layer, AddRemembered):
            current = writer.op("ADD", [remembered.pop(), current], writer.tensor(layer.name, shape), "AddOptions")
            continue
        padding, size = SAME, shape[1]
        if layer.pads_explicitly:
            padded = writer.tensor(f"{layer.name}_padded", (1, size + 2, size + 2, shape[3]))
            current = writer.op("PAD", [current, margins], padded, "PadOptions")
            padding, size = VALID, (size + 2 - 3) // layer.stride + 1
        order = (1, 2, 3, 0) if layer.depthwise else (0, 2, 3, 1)
        kernel = writer.constant(f"{layer.name}_kernel", layer.kernel.transpose(order))
        bias = writer.constant(f"{layer.name}_bias", layer.bias)
        shape = (1, size, size, layer.kernel.shape[0])
        current = writer.conv(
            [current, kernel, bias], writer.tensor(layer.name, shape), padding, layer.stride,
            RELU6 if layer.relu6 else 0, layer.depthwise,
        )
    axes = writer.constant("axes", np.array([1, 2], np.int32))
    features = writer.op("MEAN", [current, axes], writer.tensor("features", (1, 1280)), "ReducerOptions", keepDims=False)
    head = [writer.constant("head", net.head), writer.constant("head_bias", net.head_bias)]
    logits = writer.tensor("logits", (1, 1000))
    writer.op("FULLY_CONNECTED", [features, *head], logits, "FullyConnectedOptions")
    writer.save(path / "mobilenet.tflite", [source], logits)


def write_kernels(path, schema):
    for size in kernels.SIZES:
        writer = Writer(schema)
        a, b, y = (writer.tensor(name, (1, size, size)) for name in "aby")
        writer.op("BATCH_MATMUL", [a, b], y, "BatchMatMulOptions")
        writer.save(path / f"matmul-{size}.tflite", [a, b], y)

    image = kernels.IMAGE
    channels_in, channels_out = kernels.CONV
    for name, first, last, kernel, depthwise in (
        ("conv2d", channels_in, channels_out, kernels.conv_kernel().transpose(3, 0, 1, 2), False),
        ("depthwise", kernels.DEPTHWISE, kernels.DEPTHWISE, kernels.depthwise_kernel().transpose(3, 0, 1, 2), True),
    ):
        writer = Writer(schema)
        a = writer.tensor("a", (1, image, image, first))
        constants = [writer.constant("kernel", kernel), writer.constant("bias", np.zeros(last, np.float32))]
        y = writer.tensor("y", (1, image, image, last))
        writer.conv([a, *constants], y, SAME, 1, depthwise=depthwise)
        writer.save(path / f"{name}.tflite", [a], y)

    for name, code, options, operands in (
        ("add", "ADD", "AddOptions", 2), ("relu", "RELU", None, 1), ("exp", "EXP", "ExpOptions", 1),
    ):
        for length in kernels.CHAINS:
            writer = Writer(schema)
            inputs = [writer.tensor(f"input{index}", kernels.ELEMENTWISE) for index in range(operands)]
            current = inputs[0]
            for step in range(length):
                result = writer.tensor(f"t{step}", kernels.ELEMENTWISE)
                current = writer.op(code, [current, *inputs[1:]], result, options)
            writer.save(path / f"{name}-x{length}.tflite", inputs, current)

    writer = Writer(schema)
    a, axes = writer.tensor("a", kernels.TABLE), writer.constant("axes", np.array([0, 1], np.int32))
    y = writer.op("SUM", [a, axes], writer.tensor("y", (1, 1)), "ReducerOptions", keepDims=True)
    writer.save(path / "sum.tflite", [a], y)

    writer = Writer(schema)
    a = writer.tensor("a", kernels.TABLE)
    y = writer.op("SOFTMAX", [a], writer.tensor("y", kernels.TABLE), "SoftmaxOptions", beta=1.0)
    writer.save(path / "softmax.tflite", [a], y)
