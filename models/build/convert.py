"""A TensorFlow graph -> the bytes of a TFLite file.

A network is a function of its input and of a *tap*, through which it passes every activation that
int8 arithmetic needs the range of. One tap records the ranges, another one quantizes to them, and
the ranges are kept in the repository: with them the build is the same everywhere, with or without
the images they came from.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Tap = Callable[[str, tf.Tensor], tf.Tensor]
Network = Callable[[tf.Tensor, Tap], list[tf.Tensor]]
Range = tuple[float, float]


def _convert(network: Network, height: int, width: int, tap: Tap) -> tf.lite.TFLiteConverter:
    @tf.function(input_signature=[tf.TensorSpec([1, height, width, 3], tf.float32, name="image")])
    def run(image: tf.Tensor) -> list[tf.Tensor]:
        return network(image, tap)

    holder = tf.Module()
    holder.run = run
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [run.get_concrete_function()], holder
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter


def float16(network: Network, height: int, width: int) -> bytes:
    """Weights kept as float16, arithmetic in float32."""
    converter = _convert(network, height, width, lambda _, x: x)
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def int8(network: Network, height: int, width: int, ranges: Mapping[str, Range]) -> bytes:
    """int8 weights (per channel) and activations in the given ranges; without one they stay float.

    The input is int8 too: pixels become int8 by a table of 256 entries outside, which costs less
    than a table of floats and an operator that rounds them. The output is float32.
    """

    def quantize(name: str, x: tf.Tensor) -> tf.Tensor:
        if name not in ranges:
            return x
        return tf.quantization.fake_quant_with_min_max_args(x, *ranges[name])

    converter = _convert(network, height, width, quantize)
    converter.inference_input_type = tf.int8
    return bytes(converter.convert())


def measure(network: Network, images: NDArray[np.float32]) -> dict[str, Range]:
    """The range of every tapped activation over `images` (n, h, w, 3)."""
    ranges: dict[str, Range] = {}

    @tf.function
    def run(image: tf.Tensor) -> dict[str, tf.Tensor]:
        limits = {}

        def record(name: str, x: tf.Tensor) -> tf.Tensor:
            limits[name] = tf.reduce_min(x), tf.reduce_max(x)
            return x

        network(image, record)
        return limits

    for image in images:
        for name, (low, high) in run(tf.constant(image[None])).items():
            before = ranges.get(name, (0.0, 0.0))
            ranges[name] = min(before[0], float(low)), max(before[1], float(high))
    return ranges
