"""Results of Keras's metrics after each of several batches, for the tests of metrics.

`python metrics.py` (Python 3.11 with Keras 3 and TensorFlow) writes `metrics.json`: batches by name, and cases that say which
metric was given which batches, with weights or without, and what it answered after each. Batches differ in size, so that a mean
of batches is not the answer.
"""

import json
import os
import sys
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
warnings.filterwarnings("ignore")

import keras
import numpy as np

SIZES = (5, 4, 3)
random = np.random.default_rng(20261121)


def short(x):
    x = float(f"{np.float32(x):.7g}")
    return int(x) if x == int(x) and abs(x) < 1e9 else x


def frozen(x):
    x = np.asarray(x, "float32")
    return [list(x.shape), [None if v != v else short(v) for v in x.ravel()]]


def tidy(x):
    return np.round(x, 2).astype("float32")


def rows(*shape):
    """Probabilities of classes."""
    y = tidy(random.uniform(0.05, 1, shape))
    return (y / y.sum(-1, keepdims=True)).astype("float32")


def one_hot(shape, classes):
    return np.eye(classes, dtype="float32")[random.integers(0, classes, shape)]


def some(*shape):
    return random.integers(0, 2, shape).astype("float32")


def near(t, *shape):
    """Probabilities that know something of binary targets."""
    return tidy(0.15 * t + random.uniform(0, 0.85, shape))


def binary(n):
    t = some(n)
    return t, near(t, n)


def column(n):
    t = some(n, 1)
    return t, near(t, n, 1)


def labels(n):
    t = some(n, 3)
    return t, near(t, n, 3)


def steps(n):
    t = some(n, 2, 3)
    return t, near(t, n, 2, 3)


def on_thresholds(n):
    """Predictions that are thresholds themselves."""
    return some(n, 4), random.choice(np.array([0, 0.25, 0.5, 0.75, 1], "float32"), (n, 4))


def sequence(n):
    return one_hot((n, 2), 4), rows(n, 2, 4)


def numbers(n):
    return random.integers(0, 6, n).astype("float32"), rows(n, 6)


def gappy(n):
    """Class numbers of steps, with one that is no class."""
    return random.integers(-1, 4, (n, 3)).astype("float32"), rows(n, 3, 4)


def between_axes(n):
    y = rows(n, 2, 3)
    return np.moveaxis(one_hot((n, 2), 3), -1, 1), np.ascontiguousarray(np.moveaxis(y, -1, 1))


def pictures(n):
    t = random.integers(-1, 4, (n, 2, 2)).astype("float32")
    return t, np.where(random.uniform(size=t.shape) < 0.5, np.clip(t, 0, 2), random.integers(0, 3, t.shape)).astype("float32")


def masks(n):
    t = some(n, 2, 2)
    return t, near(t, n, 2, 2)


def scores_first(n):
    return np.moveaxis(one_hot((n, 2, 2), 3), -1, 1), np.ascontiguousarray(np.moveaxis(rows(n, 2, 2, 3), -1, 1))


def ranked(n):
    return random.integers(0, 6, n).astype("float32"), np.array([random.permutation(6) for _ in range(n)], "float32")


def ties(n):
    return one_hot(n, 4), random.choice(np.array([0.1, 0.2, 0.3], "float32"), (n, 4))


SOURCES = {
    "binary": binary,
    "column": column,
    "labels": labels,
    "steps": steps,
    "on_thresholds": on_thresholds,
    "logits": lambda n: (some(n, 3), tidy(random.normal(0, 2, (n, 3)))),
    "classes": lambda n: (one_hot(n, 6), rows(n, 6)),
    "class_logits": lambda n: (one_hot(n, 4), tidy(random.normal(0, 2, (n, 4)))),
    "sequence": sequence,
    "numbers": numbers,
    "gappy": gappy,
    "between_axes": between_axes,
    "real": lambda n: (tidy(random.normal(1, 2, (n, 3))), tidy(random.normal(1, 2, (n, 3)))),
    "positive": lambda n: (tidy(random.uniform(0.1, 3, (n, 3))), tidy(random.uniform(0.1, 3, (n, 3)))),
    "signs": lambda n: (2 * some(n, 3) - 1, tidy(random.normal(0, 1, (n, 3)))),
    "distributions": lambda n: (rows(n, 4), rows(n, 4)),
    "volumes": lambda n: (tidy(random.normal(0, 1, (n, 3, 2))), tidy(random.normal(0, 1, (n, 3, 2)))),
    "pairs": lambda n: (random.integers(0, 3, n).astype("float32"), random.integers(0, 3, n).astype("float32")),
    "pictures": pictures,
    "masks": masks,
    "half_sparse": lambda n: (one_hot(n, 3), random.integers(0, 3, n).astype("float32")),
    "scores_first": scores_first,
    "ranked": ranked,
    "ties": ties,
    "mixed_ranks": lambda n: (tidy(random.normal(0, 1, n)), tidy(random.normal(0, 1, (n, 1)))),
}
batches = {}
weights = {}
for name, source in SOURCES.items():
    batches[name] = [source(n) for n in SIZES]
    weights[name] = {
        "samples": [tidy(random.uniform(0, 2, n)) for n in SIZES],
        "elements": [tidy(random.uniform(0, 2, t.shape)) for t, _ in batches[name]],
    }

cases = []


def case(name, data, weight=None, **config):
    made = dict(config)
    if "IoU" in name:
        # Keras counts in whole numbers unless told otherwise, and makes 0 of a weight of 0.9.
        made["dtype"] = "float32"
    metric = getattr(keras.metrics, name)(**made)
    results = []
    for i, (t, y) in enumerate(batches[data]):
        w = None if weight is None else weights[data][weight][i]
        if name in ("Mean", "Sum"):
            metric.update_state(y, sample_weight=w)
        else:
            metric.update_state(t, y, sample_weight=w)
        if "IoU" in name:
            # Keras takes the axis of the classes for one of the result, too.
            metric.axis = -1
        results.append(frozen(metric.result()))
        if "axis" in config:
            metric.axis = config["axis"]
    stored = {k: v for k, v in metric.get_config().items() if k not in ("dtype", "fn")}
    if stored.get("label_weights") is not None:
        stored["label_weights"] = [short(w) for w in stored["label_weights"]]
    stored = json.loads(json.dumps(stored, default=lambda x: x.tolist()))
    found = {"class": name, "config": config, "stored": stored, "data": data, "results": results}
    cases.append(found | ({} if weight is None else {"weight": weight}))


def both(name, data, **config):
    case(name, data, **config)
    case(name, data, "samples", **config)


for name in ("Mean", "Sum"):
    for weight in (None, "samples", "elements"):
        case(name, "real", weight)
    case(name, "binary", "samples")
    case(name, "volumes", "samples")
for name in ("MeanSquaredError", "RootMeanSquaredError", "MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCoshError"):
    both(name, "real")
case("RootMeanSquaredError", "real", "elements")
case("MeanSquaredError", "mixed_ranks", "samples")
case("MeanSquaredError", "volumes", "samples")
both("MeanSquaredLogarithmicError", "positive")
both("Poisson", "positive")
both("KLDivergence", "distributions")
for name in ("Hinge", "SquaredHinge"):
    both(name, "signs")
both("CategoricalHinge", "classes")
for name in ("CosineSimilarity", "PearsonCorrelation", "ConcordanceCorrelation"):
    both(name, "real")
    case(name, "volumes", axis=1)
both("BinaryCrossentropy", "labels")
case("BinaryCrossentropy", "labels", label_smoothing=0.2)
both("BinaryCrossentropy", "logits", from_logits=True)
both("CategoricalCrossentropy", "classes")
case("CategoricalCrossentropy", "sequence", "samples", label_smoothing=0.1)
both("CategoricalCrossentropy", "class_logits", from_logits=True)
case("CategoricalCrossentropy", "between_axes", axis=1)
both("SparseCategoricalCrossentropy", "numbers")
case("SparseCategoricalCrossentropy", "numbers", from_logits=True)
case("SparseCategoricalCrossentropy", "gappy", ignore_class=-1)
case("SparseCategoricalCrossentropy", "gappy", "elements", ignore_class=-1)

both("Accuracy", "pairs")
for data in ("binary", "column", "labels"):
    both("BinaryAccuracy", data)
case("BinaryAccuracy", "labels", "elements")
case("BinaryAccuracy", "labels", threshold=0.7)
both("CategoricalAccuracy", "classes")
both("CategoricalAccuracy", "sequence")
both("SparseCategoricalAccuracy", "numbers")
case("SparseCategoricalAccuracy", "gappy", "samples")
both("TopKCategoricalAccuracy", "classes")
case("TopKCategoricalAccuracy", "classes", k=2)
case("TopKCategoricalAccuracy", "ties", k=1)
case("TopKCategoricalAccuracy", "sequence", "samples", k=3)
both("SparseTopKCategoricalAccuracy", "numbers", k=2)
case("SparseTopKCategoricalAccuracy", "numbers")
case("SparseTopKCategoricalAccuracy", "ranked", "samples", k=3, from_sorted_ids=True)

for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives"):
    both(name, "binary")
    case(name, "labels", "elements", thresholds=0.3)
    case(name, "labels", "samples", thresholds=[0.2, 0.8, 0.6])
    case(name, "on_thresholds", thresholds=[0, 0.25, 0.5, 0.75, 1])
for name in ("Precision", "Recall"):
    both(name, "binary")
    both(name, "column")
    case(name, "steps")
    case(name, "labels", "samples", thresholds=[0.2, 0.8])
    case(name, "on_thresholds", thresholds=[0, 0.5, 1])
    case(name, "classes", "samples", top_k=2)
    case(name, "ties", top_k=2)
    case(name, "classes", top_k=3, class_id=1)
    case(name, "labels", "samples", class_id=2, thresholds=0.4)
    case(name, "labels", top_k=2, thresholds=0.5)
for name, key in (
    ("SensitivityAtSpecificity", "specificity"),
    ("SpecificityAtSensitivity", "sensitivity"),
    ("PrecisionAtRecall", "recall"),
    ("RecallAtPrecision", "precision"),
):
    both(name, "binary", **{key: 0.6})
    case(name, "binary", **{key: 0.9})
    case(name, "labels", **{key: 0.5, "num_thresholds": 4})
    case(name, "labels", **{key: 0.5, "num_thresholds": 1})
    case(name, "labels", "samples", **{key: 0.7, "class_id": 1})
for curve in ("ROC", "PR", "PRGAIN"):
    for method in ("interpolation", "minoring", "majoring"):
        if (curve, method) == ("PRGAIN", "interpolation"):
            continue
        case("AUC", "labels", "samples", curve=curve, summation_method=method)
both("AUC", "binary")
both("AUC", "column", curve="PR")
case("AUC", "steps")
case("AUC", "binary", curve="PRGAIN")
case("AUC", "labels", num_thresholds=5)
case("AUC", "on_thresholds", num_thresholds=5)
case("AUC", "labels", thresholds=[0.8, 0.2, 0.5])
case("AUC", "labels", thresholds=[0.25, 0.5, 0.75], curve="PR")
case("AUC", "logits", from_logits=True)
case("AUC", "labels", multi_label=True)
case("AUC", "labels", "samples", multi_label=True, curve="PR", num_labels=3)
case("AUC", "labels", multi_label=True, label_weights=[0.5, 2, 1])
case("AUC", "labels", "samples", label_weights=[0.5, 2, 1], thresholds=[0.3, 0.6])
case("AUC", "labels", multi_label=True, thresholds=[0.3, 0.4])

for average in (None, "micro", "macro", "weighted"):
    both("F1Score", "classes", average=average)
    case("FBetaScore", "labels", "samples", average=average, beta=2.0, threshold=0.5)
case("F1Score", "labels", average="macro", threshold=0.3)
case("FBetaScore", "labels", average="macro", threshold=0.5)
case("F1Score", "ties", average="macro")

both("MeanIoU", "pairs", num_classes=3)
case("MeanIoU", "pairs", num_classes=4)
case("MeanIoU", "pictures", num_classes=3, ignore_class=-1)
case("MeanIoU", "pictures", "elements", num_classes=3, ignore_class=0)
case("MeanIoU", "classes", "samples", num_classes=6, sparse_y_true=False, sparse_y_pred=False)
case("MeanIoU", "scores_first", num_classes=3, sparse_y_true=False, sparse_y_pred=False, axis=1)
both("IoU", "pairs", num_classes=3, target_class_ids=[0, 2])
case("IoU", "pictures", num_classes=3, target_class_ids=[1], ignore_class=2)
both("OneHotIoU", "classes", num_classes=6, target_class_ids=[1, 3])
case("OneHotIoU", "scores_first", num_classes=3, target_class_ids=[0, 2], axis=1)
case("OneHotIoU", "classes", num_classes=6, target_class_ids=[0, 1, 3, 4, 5], ignore_class=2)
case("OneHotIoU", "half_sparse", num_classes=3, target_class_ids=[1], sparse_y_pred=True)
both("OneHotMeanIoU", "classes", num_classes=6)
case("OneHotMeanIoU", "scores_first", num_classes=3, axis=1)
case("OneHotMeanIoU", "half_sparse", "samples", num_classes=3, sparse_y_pred=True)
case("IoU", "scores_first", num_classes=3, target_class_ids=[1], sparse_y_true=False, sparse_y_pred=False, axis=1)
case("OneHotMeanIoU", "classes", num_classes=6, ignore_class=2)
both("BinaryIoU", "binary")
case("BinaryIoU", "masks", "elements", threshold=0.3)
case("BinaryIoU", "masks", target_class_ids=[1])

for aggregation in (None, "uniform_average", "variance_weighted_average"):
    both("R2Score", "real", class_aggregation=aggregation)
case("R2Score", "real", num_regressors=2)
case("R2Score", "real", "samples", num_regressors=13)
case("R2Score", "column", "samples")


def listed(x):
    return [frozen(v) for v in x]


used = {c["data"] for c in cases}
weighted = {(c["data"], c["weight"]) for c in cases if "weight" in c}
document = {
    "keras": keras.__version__,
    "batches": {n: {"truth": listed(t for t, _ in b), "predicted": listed(y for _, y in b)} for n, b in batches.items() if n in used},
    "weights": {n: {k: listed(w) for k, w in of.items() if (n, k) in weighted} for n, of in weights.items() if n in used},
}
lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
text = json.dumps(document, separators=(",", ":"))[:-1] + ',\n"cases":[\n' + lines + "\n]}\n"
path = Path(__file__).with_name("metrics.json")
path.write_text(text)
print(f"{len(cases)} cases, {len(text)} bytes", file=sys.stderr)
