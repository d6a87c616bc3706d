"""The shut-eye network from the weights kept beside this file (eyes.npz, BatchNorm folded in)."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from models.build.convert import Network, Tap

WEIGHTS = Path(__file__).parent / "eyes.npz"
SIZE = 24
LAYERS = ((16, 1), (24, 2), (32, 2), (48, 2))  # channels, stride; every kernel is 3x3


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes (1, 24, 24, 3), three times the same standardised grey, and gives [(1, 1)]: the
    log-odds that the eye is shut.
    """
    with np.load(path) as kept:
        weights = {key: kept[key].astype(np.float32) for key in kept.files}

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = tap("image", x)
        for number, (_, stride) in enumerate(LAYERS):
            x = tf.nn.conv2d(x, weights[f"{number}.kernel"], stride, "SAME")
            x = tap(str(number), tf.nn.relu6(x + weights[f"{number}.bias"]))
        x = tf.reshape(x, [1, -1])
        return [tap("out", x @ weights["out.kernel"] + weights["out.bias"])]

    return network
