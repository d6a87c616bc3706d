"""A TensorFlow graph -> the bytes of a TFLite file."""

from collections.abc import Callable

import tensorflow as tf

Network = Callable[[tf.Tensor], list[tf.Tensor]]


def _converter(network: Network, height: int, width: int) -> tf.lite.TFLiteConverter:
    spec = tf.TensorSpec([1, height, width, 3], tf.float32, name="image")
    holder = tf.Module()
    holder.run = tf.function(network, input_signature=[spec])
    function = holder.run.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([function], holder)


def float16(network: Network, height: int, width: int) -> bytes:
    """Weights kept as float16, arithmetic in float32."""
    converter = _converter(network, height, width)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())
