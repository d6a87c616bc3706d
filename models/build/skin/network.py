"""The skin network from the weights kept beside this file, BatchNorm folded in."""

from pathlib import Path

import tensorflow as tf

from models.build.convert import Network, Tap
from models.build.skin.shape import SIZE, TOWERS
from models.build.surroundings.network import tower
from models.build.tf_layers import read_weights

__all__ = ["SIZE", "TOWERS", "WEIGHTS", "load"]

WEIGHTS = Path(__file__).parent / "skin.npz"


def load(path: Path = WEIGHTS) -> Network:
    """The network as a function.

    It takes the two crops of one face, RGB (2, 128, 128, 3) 0-1, and gives [(1, 1)]: the log-odds
    that the face is filmed off a screen or a print, as they are added to other checks'. A tower
    that takes fewer pixels shrinks its crop.
    """
    weights = read_weights(path)

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = tap("image", x)
        seen = []
        for number, shape in enumerate(TOWERS):
            crop = x[number : number + 1]
            if shape.size != SIZE:
                small = tf.image.resize(crop, (shape.size, shape.size))
                crop = tap("image", small)
            seen.append(tower(crop, weights, tap, f"{number}."))
        return [tf.concat(seen, 1) @ weights["out.kernel"] + weights["out.bias"]]

    return network
