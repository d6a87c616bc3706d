"""The eyelid network from the weights kept beside this file, BatchNorm folded in."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from models.build.convert import Network, Tap
from models.build.eyelids.shape import CELLS, LAYERS, SIZE

__all__ = ["SIZE", "WEIGHTS", "load"]

WEIGHTS = Path(__file__).parent / "eyelids.npz"


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes both eyes of a face, RGB (2, 48, 48, 3) 0-1, and gives [(2, 2)]: of each the opening,
    height over width, and the log-odds that it is shut.
    """
    with np.load(path) as kept:
        weights = {key: kept[key].astype(np.float32) for key in kept.files}

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = tap("image", x)
        for number, (_, _, stride) in enumerate(LAYERS):
            y = tf.nn.conv2d(x, weights[f"{number}.kernel"], stride, "SAME")
            y = tap(f"{number}", tf.nn.relu6(y + weights[f"{number}.bias"]))
            x = tap(f"{number}.sum", x + y) if stride == 1 else y
        x = tf.reshape(x, [x.shape[0], CELLS])
        x = tap("inner", tf.nn.relu6(x @ weights["inner.kernel"] + weights["inner.bias"]))
        return [x @ weights["out.kernel"] + weights["out.bias"]]

    return network
