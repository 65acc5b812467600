"""Writes the networks that the benchmark runs, each in the formats of the libraries compared.

    python make.py WEIGHTS.pth TFLITE_MICRO.whl OUTPUT
"""

import sys
from pathlib import Path

import mobilenet
import to_onnx
import to_tfjs
import to_tflite


def main(weights, wheel, output):
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    net, schema = mobilenet.load(weights), to_tflite.load_schema(wheel)
    to_onnx.write_mobilenet(output, net)
    to_tflite.write_mobilenet(output, net, schema)
    to_tfjs.write_graph(output, net)
    to_tfjs.write_layers(output, net)
    to_onnx.write_kernels(output)
    to_tflite.write_kernels(output, schema)


if __name__ == "__main__":
    main(*sys.argv[1:])
