"""The recapture network from the weights kept beside this file, BatchNorm folded in."""

from pathlib import Path

import tensorflow as tf

from models.build.convert import Network, Tap
from models.build.recapture.shape import FEATURES, SCALES, SIZE, STAGES
from models.build.tf_layers import layer_of, read_weights

__all__ = ["SCALES", "SIZE", "WEIGHTS", "load"]

WEIGHTS = Path(__file__).parent / "recapture.npz"


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes the three crops of one face, RGB (3, 80, 80, 3) 0-1, and gives [(1, 1)]: the log-odds
    that the face is filmed off a screen or a print.
    """
    weights = read_weights(path)
    layer = layer_of(weights, tf.nn.relu6)

    def tower(x: tf.Tensor, name: str, tap: Tap) -> tf.Tensor:
        x = layer(x, f"{name}.stem.0", tap, 2, bent=True)
        x = layer(x, f"{name}.stem.1", tap, bent=True)
        for k, stage in enumerate(STAGES):
            for j, block in enumerate(stage):
                y = layer(x, f"{name}.{k}.{j}.near", tap, block.stride, bent=True)
                y = layer(y, f"{name}.{k}.{j}.wide", tap, bent=False)
                x = tap(f"{name}.{k}.{j}.sum", x + y) if block.stride == 1 else y
        x = layer(x, f"{name}.last.0", tap, bent=True)
        return tf.reshape(layer(x, f"{name}.last.1", tap, bent=False), [1, FEATURES])

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = tap("image", x)
        seen = [tower(x[k : k + 1], f"{k}", tap) for k in range(len(SCALES))]
        y = tap("seen", tf.concat(seen, 1))
        return [y @ weights["out.kernel"] + weights["out.bias"]]

    return network
