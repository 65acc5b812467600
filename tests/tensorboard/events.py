"""A file of events as TensorFlow writes it, for `pkg/test/tensorboard.test.mjs`.

`python events.py` (Python 3.11 with TensorFlow 2.21) writes `events.json`: the file's bytes in base64. TensorFlow's protocol buffers make the
messages, and its writer the records around them.
"""

import base64
import json
import os
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorflow.core.util.event_pb2 import Event

TIME = 1700000000.25


def about(plugin, description):
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin), summary_description=description)


def event(step, **value):
    return Event(wall_time=TIME, step=step, summary=Summary(value=[Summary.Value(**value)]))


def histogram(values, buckets):
    counts, edges = np.histogram(values, buckets)
    sums = {"num": len(values), "sum": np.sum(values), "sum_squares": np.sum(np.square(values))}
    return HistogramProto(min=min(values), max=max(values), bucket_limit=edges[1:], bucket=counts, **sums)


events = [
    Event(wall_time=TIME, file_version="brain.Event:2"),
    event(1, tag="loss", simple_value=0.1),
    event(300, tag="größe", simple_value=-1.5e-30, metadata=about("scalars", "how far off")),
    event(2**40 + 5, tag="loss", simple_value=float("inf")),
    event(7, tag="dense/kernel", histo=histogram([-1, 0, 1, 2, 2, 4], 4), metadata=about("histograms", "x" * 200)),
    event(8, tag="same", histo=HistogramProto(min=2, max=2, num=3, sum=6, sum_squares=12, bucket_limit=[2], bucket=[3])),
]
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "events"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for e in events:
            writer.write(e.SerializeToString())
    data = path.read_bytes()
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"source": f"TensorFlow {tf.__version__}", "seconds": TIME, "base64": base64.b64encode(data).decode()}) + "\n")
print(f"{path.name}: {len(events)} events, {len(data)} bytes")
