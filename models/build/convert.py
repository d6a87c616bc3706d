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
Shape = tuple[int, int, int]
"""Of the input: how many pictures, height, width."""


def _convert(network: Network, shape: Shape, tap: Tap) -> tf.lite.TFLiteConverter:
    @tf.function(input_signature=[tf.TensorSpec([*shape, 3], tf.float32, name="image")])
    def run(image: tf.Tensor) -> list[tf.Tensor]:
        return network(image, tap)

    holder = tf.Module()
    holder.run = run
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [run.get_concrete_function()], holder
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter


def float16(network: Network, shape: Shape) -> bytes:
    """Weights kept as float16, arithmetic in float32."""
    converter = _convert(network, shape, lambda _, x: x)
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def int8(network: Network, shape: Shape, ranges: Mapping[str, Range]) -> bytes:
    """int8 weights (per channel) and activations in the given ranges; without one they stay float.

    The input is uint8, so pixels go in as they are where the input's range is 255 steps of their
    normalisation. The output is float32.
    """

    def quantize(name: str, x: tf.Tensor) -> tf.Tensor:
        if name not in ranges:
            return x
        return tf.quantization.fake_quant_with_min_max_args(x, *ranges[name])

    converter = _convert(network, shape, quantize)
    converter.inference_input_type = tf.uint8
    return bytes(converter.convert())


def both_ways(embedder: Network) -> Network:
    """The mean of an embedder's vectors of a face and of its mirror image.

    What the two sides of a face disagree on averages out.
    """

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        x = tap("image", x)
        [vectors] = embedder(tf.concat([x, tf.reverse(x, [2])], 0), tap)
        return [tf.reduce_mean(vectors, 0, keepdims=True)]

    return network


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
