"""Makes the models that the demonstration pushes.

    python demo/models.py iris FOLDER --c 0.01       a small classifier: model.onnx, model.skops, metrics.json
    python demo/models.py digits FOLDER --hidden 64      another one
    python demo/models.py weights FOLDER --megabytes 200   one large file: model.safetensors
    python demo/models.py score iris FOLDER          loads a classifier again and scores it

Everything is seeded: the same command gives the same model (skops also notes the time of writing).
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

SEED = 2024
CLASSIFIERS = ("iris", "digits")
METRICS = "metrics.json"
TRUSTED = ["sklearn.neural_network._stochastic_optimizers.AdamOptimizer"]
"""What a file may hold beside what skops knows: the state of an optimiser."""
TENSOR_BYTES = 16 * 1024 * 1024


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.make == "weights":
        print(make_weights(options.folder, options.megabytes))
    elif options.make == "score":
        return score_again(options.name, options.folder)
    else:
        accuracy = train(options.make, options.folder, _estimator(options))
        print(f"model.onnx, model.skops: accuracy {accuracy}")
    return 0


def train(name: str, folder: Path, estimator: Any) -> float:
    """Fits the estimator and writes it as ONNX and as skops, with its accuracy beside it."""
    import numpy
    import skops.io
    from skl2onnx import to_onnx

    train_x, test_x, train_y, test_y = _samples(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(train_x, train_y)
    accuracy = round(float(estimator.score(test_x, test_y)), 4)
    folder.mkdir(parents=True, exist_ok=True)
    exported = to_onnx(estimator, train_x[:1].astype(numpy.float32))
    (folder / "model.onnx").write_bytes(exported.SerializeToString())
    skops.io.dump(estimator, folder / "model.skops")
    metrics = {"dataset": name, "accuracy": accuracy, "estimator": type(estimator[-1]).__name__}
    (folder / METRICS).write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")
    return accuracy


def score_again(name: str, folder: Path) -> int:
    """Loads both files of a classifier and compares its accuracy with the one that was written beside it."""
    import onnx
    import skops.io

    onnx.checker.check_model(str(folder / "model.onnx"))
    _, test_x, _, test_y = _samples(name)
    estimator = skops.io.load(folder / "model.skops", trusted=TRUSTED)
    accuracy = round(float(estimator.score(test_x, test_y)), 4)
    expected = json.loads((folder / METRICS).read_text(encoding="utf-8"))["accuracy"]
    print(f"{name}: accuracy {accuracy}, {expected} when it was trained")
    return 0 if accuracy == expected else 1


def make_weights(folder: Path, megabytes: int) -> str:
    """Writes a safetensors file of about so many megabytes of seeded noise, a tensor at a time."""
    import numpy
    from safetensors.numpy import save_file

    random = numpy.random.default_rng(SEED)
    tensors = {}
    left, layer = megabytes * 1_000_000, 0
    while left > 0:
        size = min(left, TENSOR_BYTES)
        tensors[f"layers.{layer}.weight"] = random.integers(0, 2**16, size // 2, dtype=numpy.uint16)
        left, layer = left - size, layer + 1
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.safetensors"
    save_file(tensors, path, metadata={"format": "np", "seed": str(SEED)})
    return f"{path.name}: {path.stat().st_size:,} bytes"


def _samples(name: str) -> Any:
    """A training and a test half, the same each time: ``train_x, test_x, train_y, test_y``."""
    from sklearn.datasets import load_digits, load_iris
    from sklearn.model_selection import train_test_split

    values, labels = {"iris": load_iris, "digits": load_digits}[name](return_X_y=True)
    return train_test_split(values, labels, test_size=0.5, random_state=SEED, stratify=labels)


def _estimator(options: argparse.Namespace) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if options.make == "iris":
        return make_pipeline(StandardScaler(), LogisticRegression(C=options.c, max_iter=1000))
    return make_pipeline(StandardScaler(), MLPClassifier((options.hidden,), random_state=SEED))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Makes the models of the demonstration.")
    commands = parser.add_subparsers(dest="make", required=True)
    iris = commands.add_parser("iris", help="a logistic regression over four measures of flowers")
    iris.add_argument("folder", type=Path)
    iris.add_argument("--c", type=float, default=1.0, help="how freely it fits (default 1)")
    digits = commands.add_parser("digits", help="a small neural network over 8 x 8 pixels")
    digits.add_argument("folder", type=Path)
    digits.add_argument("--hidden", type=int, default=64, help="how many hidden units (default 64)")
    weights = commands.add_parser("weights", help="a large safetensors file")
    weights.add_argument("folder", type=Path)
    weights.add_argument("--megabytes", type=int, default=200, help="its size (default 200)")
    score = commands.add_parser("score", help="load a classifier and score it")
    score.add_argument("name", choices=CLASSIFIERS)
    score.add_argument("folder", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
