"""The project's own MobileFaceNet (after Chen et al. 2018): PyTorch weights -> TensorFlow graph.

BatchNorm is folded into the convolution before it, and what `fold` writes is what the repository
keeps: float16 kernels and biases by layer name, in TensorFlow's order.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

EPSILON = 1e-5  # of every BatchNorm
STRIDED = ("stem.0", "blocks.0.n.1", "blocks.5.n.1", "blocks.12.n.1")

Weights = Mapping[str, NDArray[np.float32]]


def _layers(weights: Weights) -> Iterator[tuple[str, NDArray[np.float32], NDArray[np.float32]]]:
    """Layer name, kernel (out, in, h, w) and bias, BatchNorm folded."""
    for key in weights:
        name, _, leaf = key.rpartition(".")
        if leaf != "weight" or weights[key].ndim != 4:
            continue
        kernel = weights[key].astype(np.float64)
        if name == "fc":
            yield name, kernel, weights["fc.bias"]
            continue
        name = name.removesuffix(".0")
        norm = f"{name}.1"
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        yield name, kernel * scale[:, None, None, None], bias


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


def load(folder: Path) -> Callable[[tf.Tensor], list[tf.Tensor]]:
    """The network in `folder` (student.npz, student.json) as a function.

    It takes RGB (1, 112, 112, 3), already (pixel - 127.5) / 128, and gives [(1, d)], not normalised.
    """
    with np.load(folder / "student.npz") as kept:
        weights = {key: kept[key].astype(np.float32) for key in kept.files}
    symmetric = json.loads((folder / "student.json").read_text())["padding"] == "symmetric"

    def convolve(x: tf.Tensor, name: str) -> tf.Tensor:
        kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
        stride = 2 if name in STRIDED else 1
        padding = "SAME"
        if name == "head.1":
            padding = "VALID"
        elif stride == 2 and symmetric:  # SAME would pad only the right and the bottom
            x, padding = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]]), "VALID"
        strides = [1, stride, stride, 1]
        if kernel.shape[3] == 1:
            x = tf.nn.depthwise_conv2d(x, kernel, strides, padding)
        else:
            x = tf.nn.conv2d(x, kernel, strides, padding)
        return x + bias

    def network(x: tf.Tensor) -> list[tf.Tensor]:
        x = tf.nn.relu6(convolve(x, "stem.0"))
        x = tf.nn.relu6(convolve(x, "stem.1"))
        block = 0
        while f"blocks.{block}.n.0.kernel" in weights:
            before = x
            x = tf.nn.relu6(convolve(x, f"blocks.{block}.n.0"))
            x = tf.nn.relu6(convolve(x, f"blocks.{block}.n.1"))
            x = convolve(x, f"blocks.{block}.n.2")
            if x.shape == before.shape:
                x += before
            block += 1
        x = tf.nn.relu6(convolve(x, "head.0"))
        x = convolve(convolve(x, "head.1"), "fc")
        return [tf.reshape(x, [1, -1])]

    return network
