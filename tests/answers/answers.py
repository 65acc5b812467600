"""Writes the answers of NumPy, SciPy or JAX to calls of the op registry, for `tests/tests/answers.rs`.

A generator collects cases with `Answers.case` and ends with `Answers.write`. Its answers are computed in float64 where the
library can, from operands rounded to the dtype they are given in. Run one with Python 3.11 and the packages it imports;
the tests themselves need no Python.
"""

import json
import math
from pathlib import Path

import numpy as np

# In the order of their numbers in the library.
DTYPES = ["float32", "int32", "bool", "float16", "bfloat16", "uint8", "int8", "uint32"]


def name_of(dtype):
    """The library's name of a NumPy dtype: wider floats and integers are given as float32 and int32."""
    dtype = np.dtype(dtype)
    return dtype.name if dtype.name in DTYPES else {"f": "float32", "i": "int32", "u": "int32", "b": "bool"}[dtype.kind]


def element(x, dtype):
    if "float" not in dtype:
        return int(x)
    x = float(np.float32(x))
    if math.isnan(x):
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return int(x) if x == int(x) and abs(x) < 1e6 and math.copysign(1, x) > 0 else float(f"{x:.9g}")


def tensor(x, dtype=None):
    """A tensor for the file: [dtype, shape, elements]."""
    x = np.asarray(x)
    dtype = dtype or name_of(x.dtype)
    return [dtype, list(x.shape), [element(v, dtype) for v in x.reshape(-1)]]


class Answers:
    def __init__(self, family, source):
        self.family, self.source, self.cases = family, source, []
        self.random = np.random.default_rng(20261121)

    def normal(self, *shape):
        return self.random.standard_normal(shape).astype(np.float32)

    def integers(self, low, high, *shape):
        return self.random.integers(low, high, shape).astype(np.int32)

    def case(self, op, inputs, outputs, attrs=(), tolerance=1e-5, note=""):
        """`op` with tensors `inputs` and numbers `attrs` gives `outputs`, within `tolerance` of the larger of 1 and the
        largest element."""
        entry = {"op": op, "inputs": [tensor(x) for x in inputs], "outputs": [tensor(x) for x in outputs]}
        if len(attrs):
            entry["attrs"] = [float(a) if float(a) != int(a) else int(a) for a in attrs]
        if tolerance != 1e-5:
            entry["tolerance"] = tolerance
        if note:
            entry["note"] = note
        self.cases.append(entry)

    def write(self):
        lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in self.cases)
        text = f'{{"source":{json.dumps(self.source)},"cases":[\n{lines}\n]}}\n'
        path = Path(__file__).parent / f"{self.family}.json"
        path.write_text(text)
        print(f"{path.name}: {len(self.cases)} cases, {len(text)} bytes")
