"""The project's own MobileFaceNet (after Chen et al. 2018): PyTorch weights -> TensorFlow graph.

The repository keeps, in student/ (128 numbers) and student_256/, what
`python -m models.build.mobilefacenet student.npz student.json FOLDER` makes of a training's export:
kernels and biases as float16, BatchNorm folded in (student.npz); which convolutions have a stride
of 2 and how far the training got (student.json); the range of every activation, for int8
(ranges.json).
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build import images
from models.build.convert import Network, Tap, measure
from models.build.packed import packed

STUDENT = Path(__file__).parent / "student"
STUDENT_256 = Path(__file__).parent / "student_256"
EPSILON = 1e-5  # of every BatchNorm

Weights = Mapping[str, NDArray[np.float32]]


def _layers(weights: Weights) -> Iterator[tuple[str, NDArray[np.float64], NDArray[np.float64]]]:
    """Layer name, kernel (out, in, h, w) and bias, BatchNorm folded."""
    for key in weights:
        name, _, leaf = key.rpartition(".")
        if leaf != "weight" or weights[key].ndim != 4:
            continue
        kernel = weights[key].astype(np.float64)
        if name == "fc":
            yield name, kernel, weights["fc.bias"].astype(np.float64)
            continue
        name = name.removesuffix(".0")
        norm = f"{name}.1"
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        yield name, kernel * scale[:, None, None, None], bias


SIZE, MEAN, STD = 112, 127.5, 128.0
CALIBRATION = 500  # images


def fold(weights: Weights) -> dict[str, NDArray[np.float16]]:
    """What the repository keeps: `<layer>.kernel` (h, w, in, out) and `<layer>.bias`.

    A depthwise kernel is (h, w, channels, 1).
    """
    kept: dict[str, NDArray[np.float16]] = {}
    for name, kernel, bias in _layers(weights):
        depthwise = kernel.shape[1] == 1
        order = (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        kept[f"{name}.kernel"] = kernel.transpose(order).astype(np.float16)
        kept[f"{name}.bias"] = bias.astype(np.float16)
    return kept


def load(folder: Path = STUDENT) -> Network:
    """The network kept in `folder` as a function.

    It takes RGB (n, 112, 112, 3) as (pixel - 127.5) / 128 and gives [(n, d)], not normalised.
    """
    with np.load(folder / "student.npz") as kept:
        weights = {key: kept[key].astype(np.float32) for key in kept.files}
    strided = json.loads((folder / "student.json").read_text())["strided"]
    blocks = 1 + max(int(key.split(".")[1]) for key in weights if key.startswith("blocks."))

    def convolve(x: tf.Tensor, name: str, kernel: NDArray[np.float32]) -> tf.Tensor:
        stride = 2 if name in strided else 1
        run = tf.nn.depthwise_conv2d if kernel.shape[3] == 1 else tf.nn.conv2d
        return run(x, kernel, [1, stride, stride, 1], "SAME")

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        def linear(x: tf.Tensor, name: str) -> tf.Tensor:
            kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
            return tap(name, convolve(x, name, kernel) + bias)

        def relu6(x: tf.Tensor, name: str) -> tf.Tensor:
            kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
            return tap(name, tf.nn.relu6(convolve(x, name, kernel) + bias))

        x = relu6(relu6(tap("image", x), "stem.0"), "stem.1")
        for block in range(blocks):
            name, before = f"blocks.{block}", x
            x = linear(relu6(relu6(x, f"{name}.n.0"), f"{name}.n.1"), f"{name}.n.2")
            if x.shape == before.shape:
                x = tap(name, x + before)
        # The last depthwise kernel is as large as its input, 49 numbers to a sum, which no runtime
        # is quick at. By columns it is seven to a sum, and the columns meet in the last layer.
        x = relu6(x, "head.0")
        side, channels = int(x.shape[1]), int(x.shape[3])
        columns = weights["head.1.kernel"].reshape(side, 1, side * channels, 1)
        x = tf.nn.depthwise_conv2d(
            tf.reshape(x, [-1, side, 1, side * channels]), columns, [1, 1, 1, 1], "VALID"
        )
        x = tf.reshape(tap("head.1", x), [-1, side * channels])
        end, bias = weights["fc.kernel"][0, 0], weights["fc.bias"]
        bias = bias + weights["head.1.bias"] @ end
        return [tap("fc", tf.matmul(x, np.tile(end, (side, 1))) + bias)]

    return network


def keep(weights: Path, about: Path, folder: Path, data: Path) -> None:
    """Take over a training's export: fold, round to float16, measure ranges on aligned faces."""
    with np.load(weights) as file:
        np.savez_compressed(folder / "student.npz", **fold(dict(file)))
    (folder / "student.json").write_text(about.read_text())
    random = np.random.default_rng(0)
    faces = list(packed(data / "faces_128.npz"))
    chosen = random.choice(len(faces), CALIBRATION, replace=False)
    margin = (128 - SIZE) // 2
    crops = np.stack([faces[i][margin:-margin, margin:-margin] for i in chosen])
    ranges = measure(load(folder), ((crops - MEAN) / STD).astype(np.float32))
    (folder / "ranges.json").write_text(json.dumps(ranges, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=keep.__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("about", type=Path)
    parser.add_argument("folder", type=Path, help="student/ or student_256/, beside this file")
    parser.add_argument("--data", type=Path, default=images.DATA)
    given = parser.parse_args()
    keep(given.weights, given.about, given.folder, given.data)
