"""The surroundings network from the weights kept beside this file, BatchNorm folded in."""

from pathlib import Path

import tensorflow as tf

from models.build.convert import Network, Tap
from models.build.surroundings.shape import BLOCKS, CELLS, FEATURES, SIZE, Block
from models.build.tf_layers import layer_of, read_weights

__all__ = ["SIZE", "WEIGHTS", "load"]

WEIGHTS = Path(__file__).parent / "surroundings.npz"


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes a crop around one face, RGB (1, 80, 80, 3) 0-1, and gives [(1, 1)]: the log-odds that
    the face is filmed off a screen or a print, as they are added to other checks'.
    """
    weights = read_weights(path)
    layer = layer_of(weights, CELLS, tf.nn.relu)

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
