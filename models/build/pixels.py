"""A TFLite file that eats floats -> the same file eating pixels.

The runtime turns uint8 into floats while it runs, at next to no cost; outside it would be a look-up
for each of a hundred thousand numbers.
"""

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.schema_py_generated import BuiltinOperator, TensorType


class _Front:
    """Adds operators to the front of a graph."""

    def __init__(self, file: schema.ModelT) -> None:
        self._file = file
        self.graph = file.subgraphs[0]
        self._operators: list[schema.OperatorT] = []

    def tensor(self, name: str, kind: int, shape: list[int], content: bytes = b"") -> int:
        """A new tensor, constant if it has content; its number."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8) if content else None
        self._file.buffers.append(buffer)
        made = schema.TensorT()
        made.name, made.type, made.shape = name.encode(), kind, np.array(shape, np.int32)
        made.buffer = len(self._file.buffers) - 1
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def operator(self, kind: int, version: int, inputs: list[int], output: int) -> schema.OperatorT:
        """One more operator, after those before it."""
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = kind
        code.version = version
        self._file.operatorCodes.append(code)
        made = schema.OperatorT()
        made.opcodeIndex = len(self._file.operatorCodes) - 1
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        self._operators.append(made)
        return made

    def finish(self, source: int) -> bytes:
        """The file, fed through the tensor `source`."""
        self.graph.operators[:0] = self._operators
        self.graph.inputs = np.array([source], np.int32)
        self._file.signatureDefs = []  # they name the old input
        builder = flatbuffers.Builder()
        builder.Finish(self._file.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def eaten(file: bytes, std: float, mean: float = 0.0) -> bytes:
    """The network in `file` on x = (pixel - mean) / std, pixels uint8 0..255."""
    front = _Front(schema.ModelT.InitFromObj(schema.Model.GetRootAs(file, 0)))
    (inner,) = (int(tensor) for tensor in front.graph.inputs)
    shape = [int(n) for n in front.graph.tensors[inner].shape]
    source = front.tensor("pixels", TensorType.UINT8, shape)
    steps = schema.QuantizationParametersT()
    steps.scale, steps.zeroPoint = np.array([1 / std], np.float32), np.array([0], np.int64)
    front.graph.tensors[source].quantization = steps
    scaled = front.tensor("scaled", TensorType.FLOAT32, shape) if mean else inner
    front.operator(BuiltinOperator.DEQUANTIZE, 2, [source], scaled)
    if mean:
        shift = -np.float32(mean) / np.float32(std)
        constant = front.tensor("mean", TensorType.FLOAT32, [1], shift.tobytes())
        add = front.operator(BuiltinOperator.ADD, 1, [scaled, constant], inner)
        add.builtinOptions = schema.AddOptionsT()
        add.builtinOptionsType = schema.BuiltinOptions.AddOptions
    return front.finish(source)
