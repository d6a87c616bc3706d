"""A TFLite file of floats -> the same network as a TensorFlow function, which can be quantized.

MediaPipe's files carry float16 (some of them sparse) weights behind DEQUANTIZE and DENSIFY nodes
and no signature, and the public quantizers take neither. So this walks the flatbuffer and replays
the operators that face models use; another operator is an error. The constants come out of the
interpreter, which has unpacked them already.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
import tflite
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from models.build.convert import Tap

OPERATORS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if name.isupper()}
UNPACK = {"DEQUANTIZE", "DENSIFY"}
CONVOLUTIONS = {"CONV_2D", "DEPTHWISE_CONV_2D"}
KEEPS_RANGE = {"CONCATENATION", "DEPTH_TO_SPACE", "MAX_POOL_2D", "PAD", "RESHAPE"}
PADDING = {tflite.Padding.SAME: "SAME", tflite.Padding.VALID: "VALID"}
ACTIVATION = {
    tflite.ActivationFunctionType.NONE: lambda x: x,
    tflite.ActivationFunctionType.RELU: tf.nn.relu,
    tflite.ActivationFunctionType.RELU6: tf.nn.relu6,
}


def _conv(options: Any, x: tf.Tensor, kernel: Any, bias: Any) -> tf.Tensor:
    strides = [options.StrideH(), options.StrideW()]
    x = tf.nn.conv2d(x, kernel, strides, PADDING[options.Padding()])
    return ACTIVATION[options.FusedActivationFunction()](x + bias)


def _depthwise(options: Any, x: tf.Tensor, kernel: Any, bias: Any) -> tf.Tensor:
    strides = [1, options.StrideH(), options.StrideW(), 1]
    x = tf.nn.depthwise_conv2d(x, kernel, strides, PADDING[options.Padding()])
    return ACTIVATION[options.FusedActivationFunction()](x + bias)


def _max_pool(options: Any, x: tf.Tensor) -> tf.Tensor:
    size = [options.FilterHeight(), options.FilterWidth()]
    strides = [options.StrideH(), options.StrideW()]
    return tf.nn.max_pool2d(x, size, strides, PADDING[options.Padding()])


def _resize(options: Any, x: tf.Tensor, size: Any) -> tf.Tensor:
    return tf.compat.v1.image.resize_bilinear(
        x, size, options.AlignCorners(), half_pixel_centers=options.HalfPixelCenters()
    )


def _prelu(_: Any, x: tf.Tensor, alpha: Any) -> tf.Tensor:
    return tf.nn.relu(x) + -alpha * tf.nn.relu(-x)  # in this form the converter makes one PRELU


def _add(options: Any, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    return ACTIVATION[options.FusedActivationFunction()](x + y)


# Operator -> its options in the schema and how to replay it. Without options that matter (None) the
# output's shape comes in their place: RESHAPE keeps it in one of two places, or in both.
REPLAY: dict[str, tuple[type | None, Callable[..., tf.Tensor]]] = {
    "ADD": (tflite.AddOptions, _add),
    "CONCATENATION": (
        tflite.ConcatenationOptions,
        lambda options, *parts: tf.concat(parts, options.Axis()),
    ),
    "CONV_2D": (tflite.Conv2DOptions, _conv),
    "DEPTHWISE_CONV_2D": (tflite.DepthwiseConv2DOptions, _depthwise),
    "DEPTH_TO_SPACE": (
        tflite.DepthToSpaceOptions,
        lambda options, x: tf.nn.depth_to_space(x, options.BlockSize()),
    ),
    "MAX_POOL_2D": (tflite.Pool2DOptions, _max_pool),
    "PAD": (None, lambda _, x, paddings: tf.pad(x, paddings)),
    "PRELU": (None, _prelu),
    "RELU": (None, lambda _, x: tf.nn.relu(x)),
    "RESHAPE": (None, lambda shape, x, *_: tf.reshape(x, [-1, *shape[1:]])),
    "RESIZE_BILINEAR": (tflite.ResizeBilinearOptions, _resize),
}


class Step(NamedTuple):
    """One operator of a graph; tensors by number."""

    name: str
    options: Any
    inputs: list[int]
    output: int


class Graph:
    """The network in a TFLite file: a function of its one input (n, h, w, 3) and a tap.

    Attributes:
        steps: operator, its options, its input tensors and its output tensor, in order.
        constants: by tensor; kernels in TensorFlow's order (h, w, in, out). May be replaced.
    """

    def __init__(self, data: bytes) -> None:
        """Read the file.

        Raises:
            KeyError: an operator that REPLAY does not know.
        """
        model = tflite.Model.GetRootAs(data, 0)
        graph = model.Subgraphs(0)
        self.source = int(graph.Inputs(0))
        self.results = [int(tensor) for tensor in graph.OutputsAsNumpy()]
        self.steps: list[Step] = []
        for index in range(graph.OperatorsLength()):
            operator = graph.Operators(index)
            name = OPERATORS[model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode()]
            if name in UNPACK:
                continue
            inputs = [int(tensor) for tensor in operator.InputsAsNumpy()]
            output = int(operator.Outputs(0))
            options = graph.Tensors(output).ShapeAsNumpy()
            if schema := REPLAY[name][0]:
                options, table = schema(), operator.BuiltinOptions()
                options.Init(table.Bytes, table.Pos)
            self.steps.append(Step(name, options, inputs, output))
        self.constants = self._constants(data)

        # A RELU becomes part of the operator before it: only what comes out of it has a range.
        inner = {step.inputs[0] for step in self.steps if step.name == "RELU"}
        self.ranged = {s.output for s in self.steps if s.name not in KEEPS_RANGE} - inner

    def _constants(self, data: bytes) -> dict[int, Any]:
        interpreter = Interpreter(
            model_content=data,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        interpreter.invoke()  # fills the tensors that UNPACK operators write
        computed = {self.source} | {step.output for step in self.steps}
        constants = {}
        for step in self.steps:
            for tensor in set(step.inputs) - computed:
                value = np.array(interpreter.get_tensor(tensor))
                kernel = step.name in CONVOLUTIONS and tensor == step.inputs[1]
                constants[tensor] = value.transpose(1, 2, 3, 0) if kernel else value
        return constants

    def __call__(self, x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        """The network's outputs for `x`."""
        values = {**self.constants, self.source: tap("image", x)}
        for step in self.steps:
            y = REPLAY[step.name][1](step.options, *(values[i] for i in step.inputs))
            values[step.output] = (
                tap(f"tensor{step.output}", y) if step.output in self.ranged else y
            )
        return [values[tensor] for tensor in self.results]
