"""The shut-eye network from the weights kept beside this file (eyes.npz, BatchNorm folded in)."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from models.build.convert import Network, Tap

WEIGHTS = Path(__file__).parent / "eyes.npz"
SIZE = 24
MIN_CONTRAST = 8 / 255  # below, noise would be blown up
LUMA = np.array([0.299, 0.587, 0.114], np.float32).reshape(1, 1, 3, 1)
LAYERS = ((16, 1), (24, 2), (32, 2), (48, 2))  # channels, stride; every kernel is 3x3


def standardise(grey: tf.Tensor) -> tf.Tensor:
    """Mean 0 and deviation 1, (n, 24, 24, 1): light and contrast are not what matters."""
    mean = tf.reduce_mean(grey, [1, 2, 3], keepdims=True)
    deviation = tf.math.reduce_std(grey, [1, 2, 3], keepdims=True)
    return (grey - mean) / (deviation + MIN_CONTRAST)


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes RGB (n, 24, 24, 3) 0-1 and gives [(n, 1)]: the log-odds that the eye is shut.
    """
    with np.load(path) as kept:
        weights = {key: kept[key].astype(np.float32) for key in kept.files}
    # It was trained on three times the same grey.
    weights["0.kernel"] = weights["0.kernel"].sum(axis=2, keepdims=True)

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = standardise(tf.nn.conv2d(tap("image", x), LUMA, 1, "SAME"))
        for number, (_, stride) in enumerate(LAYERS):
            x = tf.nn.conv2d(x, weights[f"{number}.kernel"], stride, "SAME")
            x = tap(str(number), tf.nn.relu6(x + weights[f"{number}.bias"]))
        x = tf.reshape(x, [x.shape[0], -1])
        return [tap("out", x @ weights["out.kernel"] + weights["out.bias"])]

    return network
