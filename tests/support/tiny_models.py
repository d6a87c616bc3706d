"""Small TFLite files for tests, built with the schema that comes with the runtime."""

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray


class Builder:
    """One subgraph, tensor by tensor."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]

    def tensor(self, shape: tuple[int, ...], values: NDArray[Any] | None = None) -> int:
        tensor = schema.TensorT()
        tensor.shape = list(shape)
        integer = values is not None and values.dtype == np.int32
        tensor.type = schema.TensorType.INT32 if integer else schema.TensorType.FLOAT32
        tensor.buffer = 0
        tensor.name = f"t{len(self.graph.tensors)}".encode()
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(values.tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def quantize(self, number: int, scale: float, zero_point: int) -> None:
        tensor = self.graph.tensors[number]
        tensor.type = schema.TensorType.UINT8
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = np.array([scale], np.float32)
        tensor.quantization.zeroPoint = np.array([zero_point], np.int64)

    def operator(
        self, code: int, inputs: list[int], outputs: list[int], options: object, kind: int
    ) -> None:
        name = schema.OperatorCodeT()
        name.builtinCode = name.deprecatedBuiltinCode = code
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes)
        operator.inputs, operator.outputs = inputs, outputs
        operator.builtinOptions, operator.builtinOptionsType = options, kind
        self.model.operatorCodes.append(name)
        self.graph.operators.append(operator)

    def write(self, path: Path, inputs: list[int], outputs: list[int]) -> Path:
        self.graph.inputs, self.graph.outputs = inputs, outputs
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        path.write_bytes(bytes(builder.Output()))
        return path


def flattening(
    path: Path, shape: tuple[int, int, int, int], uint8: tuple[float, int] | None = None
) -> Path:
    """A network that gives its input tensor, flattened; of floats, or with scale and zero point."""
    build = Builder()
    count = int(np.prod(shape))
    picture = build.tensor(shape)
    flat = build.tensor((2,), np.array([1, count], np.int32))
    vector = build.tensor((1, count))
    if uint8:
        for number in (picture, vector):
            build.quantize(number, *uint8)
    options = schema.ReshapeOptionsT()
    options.newShape = [1, count]
    build.operator(
        schema.BuiltinOperator.RESHAPE,
        [picture, flat],
        [vector],
        options,
        schema.BuiltinOptions.ReshapeOptions,
    )
    return build.write(path, [picture], [vector])


def projecting(path: Path, width: int, height: int, numbers: int) -> Path:
    """A network that projects a coarse view of the picture at random onto `numbers`."""
    build = Builder()
    pool = schema.Pool2DOptionsT()
    pool.filterHeight = pool.strideH = height // 8
    pool.filterWidth = pool.strideW = width // 8
    pool.padding = schema.Padding.VALID
    rows, columns = height // pool.strideH, width // pool.strideW
    count = rows * columns * 3
    weights = np.random.default_rng(0).normal(size=(numbers, count)).astype(np.float32)
    picture = build.tensor((1, height, width, 3))
    coarse = build.tensor((1, rows, columns, 3))
    vector = build.tensor((1, numbers))
    build.operator(
        schema.BuiltinOperator.AVERAGE_POOL_2D,
        [picture],
        [coarse],
        pool,
        schema.BuiltinOptions.Pool2DOptions,
    )
    dense = schema.FullyConnectedOptionsT()
    inputs = [coarse, build.tensor(weights.shape, weights)]
    inputs.append(build.tensor((numbers,), np.zeros(numbers, np.float32)))
    build.operator(
        schema.BuiltinOperator.FULLY_CONNECTED,
        inputs,
        [vector],
        dense,
        schema.BuiltinOptions.FullyConnectedOptions,
    )
    return build.write(path, [picture], [vector])


def answering(path: Path, shape: tuple[int, int, int, int], answers: list[NDArray[Any]]) -> Path:
    """A network of the picture `shape` that always gives the same output tensors."""
    build = Builder()
    channels = shape[3]
    picture, mean = build.tensor(shape), build.tensor((1, 1, 1, channels))
    pool = schema.Pool2DOptionsT()
    pool.filterHeight = pool.strideH = shape[1]
    pool.filterWidth = pool.strideW = shape[2]
    pool.padding = schema.Padding.VALID
    build.operator(
        schema.BuiltinOperator.AVERAGE_POOL_2D,
        [picture],
        [mean],
        pool,
        schema.BuiltinOptions.Pool2DOptions,
    )
    outputs = []
    for answer in answers:
        flat = build.tensor((1, answer.size))
        outputs.append(build.tensor(answer.shape))
        weights = build.tensor(
            (answer.size, channels), np.zeros((answer.size, channels), np.float32)
        )
        build.operator(
            schema.BuiltinOperator.FULLY_CONNECTED,
            [mean, weights, build.tensor((answer.size,), answer.astype(np.float32).ravel())],
            [flat],
            schema.FullyConnectedOptionsT(),
            schema.BuiltinOptions.FullyConnectedOptions,
        )
        options = schema.ReshapeOptionsT()
        options.newShape = list(answer.shape)
        whole = build.tensor((len(answer.shape),), np.array(answer.shape, np.int32))
        build.operator(
            schema.BuiltinOperator.RESHAPE,
            [flat, whole],
            [outputs[-1]],
            options,
            schema.BuiltinOptions.ReshapeOptions,
        )
    return build.write(path, [picture], outputs)
