"""The liveness networks' TensorFlow layers, out of kernels with BatchNorm folded in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build.convert import Tap


class Layer(Protocol):
    """A convolution by the name of its kernel and bias, tapped; bent or not."""

    def __call__(
        self, x: tf.Tensor, name: str, tap: Tap, stride: int = 1, *, bent: bool
    ) -> tf.Tensor:
        """`(1, h, w, before)` to `(1, h / stride, w / stride, after)`."""


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """What training has kept."""
    with np.load(path) as kept:
        return {key: kept[key].astype(np.float32) for key in kept.files}


def layer_of(
    weights: Mapping[str, NDArray[np.float32]], bend: Callable[[tf.Tensor], tf.Tensor]
) -> Layer:
    """The layers of one network; a kernel larger than 3x3 sums the last map, all of it."""

    def layer(x: tf.Tensor, name: str, tap: Tap, stride: int = 1, *, bent: bool) -> tf.Tensor:
        kernel, bias = weights[f"{name}.kernel"], weights[f"{name}.bias"]
        size = kernel.shape[0]
        if size == 3:  # "SAME" would put the cells elsewhere where the stride is 2
            x = tf.pad(x, [[0, 0], [1, 1], [1, 1], [0, 0]])
        if kernel.shape[-1] == 1 and size > 1:
            y = tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "VALID")
        else:
            y = tf.nn.conv2d(x, kernel, stride, "VALID")
        return tap(name, bend(y + bias) if bent else y + bias)

    return layer
