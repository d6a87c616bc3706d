"""The texture vote from the weights kept beside this file: one linear function of 63 cues."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build.convert import Network, Tap

WEIGHTS = Path(__file__).parent / "texture.npz"
SIZE, SHARE = 40, 0.6  # pixels; of the square around the mesh
QUANTILES = (0.02, 0.1, 0.9, 0.98)
NEXT = (1, 2, 0, 4, 5, 3, 7, 8, 6)  # of each colour space's three planes, the one to compare with
FLOOR = 1 / 255  # a spread below one grey level is rounding


def planes(x: tf.Tensor) -> tf.Tensor:
    """Pixels (n, h, w, 3), 0-1, to (n, 9, h * w): RGB; Y, Cr, Cb; saturation, maximum, minimum."""
    rgb = tf.transpose(tf.reshape(x, [-1, SIZE * SIZE, 3]), [0, 2, 1])
    red, green, blue = tf.split(rgb, 3, axis=1)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    most = tf.reduce_max(rgb, 1, keepdims=True)
    least = tf.reduce_min(rgb, 1, keepdims=True)
    chroma = [0.713 * (red - luma), 0.564 * (blue - luma)]
    return tf.concat([rgb, luma, *chroma, (most - least) / (most + FLOOR), most, least], 1)


def cues(x: tf.Tensor) -> tf.Tensor:
    """(n, h, w, 3), 0-1, to (n, 63).

    Of each plane the mean, the deviation and four quantiles, seen from the median; of each pair of
    planes in a colour space the correlation.
    """
    plane = planes(x)
    mean = tf.reduce_mean(plane, 2, keepdims=True)
    deviation = tf.sqrt(tf.reduce_mean(tf.square(plane - mean), 2, keepdims=True))
    standard = (plane - mean) / (deviation + FLOOR)
    correlation = tf.reduce_mean(standard * tf.gather(standard, NEXT, axis=1), 2)
    falling = tf.math.top_k(plane, SIZE * SIZE).values
    ranks = [round((1 - share) * (SIZE * SIZE - 1)) for share in (0.5, *QUANTILES)]
    median, *others = (falling[:, :, rank] for rank in ranks)
    levels = [mean[:, :, 0], deviation[:, :, 0], *(other - median for other in others)]
    return tf.concat([*levels, correlation], 1)


def network_of(weights: NDArray[np.float32], bias: float) -> Network:
    """The vote as a function of pixels (1, 40, 40, 3), 0-1; it gives [(1, 1)], log-odds."""

    def network(x: tf.Tensor, _: Tap) -> list[tf.Tensor]:
        return [cues(x) @ weights[:, None] + bias]

    return network


def load(path: Path = WEIGHTS) -> Network:
    """The network as kept."""
    with np.load(path) as kept:
        return network_of(kept["weights"], float(kept["bias"]))
