"""The recapture network from the weights kept beside this file, BatchNorm folded in."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from models.build.convert import Network, Tap
from models.build.recapture.shape import CELLS, LAYERS, SCALES, SIZE, WIDTH

__all__ = ["SCALES", "SIZE", "WEIGHTS", "load"]

WEIGHTS = Path(__file__).parent / "recapture.npz"


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes the three crops of one face, RGB (3, 80, 80, 3) 0-1, and gives [(1, 1)]: the log-odds
    that the face is filmed off a screen or a print.
    """
    with np.load(path) as kept:
        weights = {key: kept[key].astype(np.float32) for key in kept.files}

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = tap("image", x)
        for number, (_, _, stride) in enumerate(LAYERS):
            y = tf.nn.conv2d(x, weights[f"{number}.kernel"], stride, "SAME")
            y = tap(f"{number}", tf.nn.relu(y + weights[f"{number}.bias"]))
            x = tap(f"{number}.sum", x + y) if stride == 1 else y
        x = tf.reshape(x, [len(SCALES), CELLS])
        seen = []
        for view in range(len(SCALES)):
            y = x[view : view + 1] @ weights[f"view{view}.kernel"] + weights[f"view{view}.bias"]
            seen.append(tap(f"view{view}", tf.nn.relu(y)))
        y = tap("seen", tf.reshape(tf.concat(seen, 1), [1, len(SCALES) * WIDTH]))
        return [y @ weights["out.kernel"] + weights["out.bias"]]

    return network
