"""The surroundings network from the weights kept beside this file, BatchNorm folded in."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build.convert import Network, Tap
from models.build.surroundings.shape import BLOCKS, FEATURES, SIZE, Block
from models.build.tf_layers import layer_of, read_weights

__all__ = ["SIZE", "WEIGHTS", "load", "tower"]

WEIGHTS = Path(__file__).parent / "surroundings.npz"


def tower(
    x: tf.Tensor, weights: Mapping[str, NDArray[np.float32]], tap: Tap, place: str = ""
) -> tf.Tensor:
    """What one tower sees in a crop `(1, side, side, 3)`: `(1, FEATURES)`.

    `place` stands before the names of its weights.
    """
    layer = layer_of(weights, tf.nn.relu)

    def block(x: tf.Tensor, name: str, shape: Block) -> tf.Tensor:
        y = layer(x, f"{name}.first", tap, bent=True)
        y = layer(y, f"{name}.alone", tap, shape.stride, bent=True)
        y = layer(y, f"{name}.last", tap, bent=False)
        return tap(f"{name}.sum", x + y) if shape.stride == 1 else y

    x = layer(x, f"{place}stem.0", tap, 2, bent=True)
    x = layer(x, f"{place}stem.1", tap, bent=True)
    for number, shape in enumerate(BLOCKS):
        x = block(x, f"{place}blocks.{number}", shape)
    x = layer(x, f"{place}end.0", tap, bent=True)
    return tf.reshape(layer(x, f"{place}end.1", tap, bent=False), [1, FEATURES])


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes a crop around one face, RGB (1, 80, 80, 3) 0-1, and gives [(1, 1)]: the log-odds that
    the face is filmed off a screen or a print, as they are added to other checks'.
    """
    weights = read_weights(path)

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        seen = tower(tap("image", x), weights, tap)
        return [seen @ weights["out.kernel"] + weights["out.bias"]]

    return network
