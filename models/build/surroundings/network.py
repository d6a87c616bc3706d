"""The surroundings network from the weights kept beside this file, BatchNorm folded in."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from models.build.convert import Network, Tap
from models.build.surroundings.shape import BLOCKS, CELLS, FEATURES, SIZE, Block

__all__ = ["SIZE", "WEIGHTS", "load"]

WEIGHTS = Path(__file__).parent / "surroundings.npz"


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes a crop around one face, RGB (1, 80, 80, 3) 0-1, and gives [(1, 1)]: the log-odds that
    the face is filmed off a screen or a print, as they are added to other checks'.
    """
    with np.load(path) as kept:
        weights = {key: kept[key].astype(np.float32) for key in kept.files}

    def layer(x: tf.Tensor, name: str, tap: Tap, stride: int = 1, *, bent: bool) -> tf.Tensor:
        kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
        size = kernel.shape[0]
        if 1 < size < CELLS:  # "SAME" would put the cells elsewhere where the stride is 2
            x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        if kernel.shape[-1] == 1 and size > 1:
            y = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "VALID")
        else:
            y = tf.nn.conv2d(x, kernel, stride, "VALID")
        return tap(name, tf.nn.relu(y + bias) if bent else y + bias)

    def block(x: tf.Tensor, name: str, tap: Tap, shape: Block) -> tf.Tensor:
        y = layer(x, f"{name}.first", tap, bent=True)
        y = layer(y, f"{name}.alone", tap, shape.stride, bent=True)
        y = layer(y, f"{name}.last", tap, bent=False)
        return tap(f"{name}.sum", x + y) if shape.stride == 1 else y

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = tap("image", x)
        x = layer(x, "stem.0", tap, 2, bent=True)
        x = layer(x, "stem.1", tap, bent=True)
        for number, shape in enumerate(BLOCKS):
            x = block(x, f"blocks.{number}", tap, shape)
        x = layer(x, "end.0", tap, bent=True)
        seen = tf.reshape(layer(x, "end.1", tap, bent=False), [1, FEATURES])
        return [seen @ weights["out.kernel"] + weights["out.bias"]]

    return network
