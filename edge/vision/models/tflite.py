"""TensorFlow Lite's interpreter, from either of the two packages that bring it."""

from __future__ import annotations

import importlib
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypedDict

import numpy as np

from edge.vision.models.lent import lent
from edge.vision.models.runtime import Tensor
from edge.vision.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


class _Detail(TypedDict):
    """What an interpreter says of a tensor, as far as it is asked."""

    index: int
    shape: NDArray[np.int32]
    dtype: type[np.generic]
    quantization: tuple[float, int]


class _Interpreter(Protocol):
    """Either package's, which have no types."""

    def allocate_tensors(self) -> None: ...
    def get_input_details(self) -> list[_Detail]: ...
    def get_output_details(self) -> list[_Detail]: ...
    def get_tensor_details(self) -> list[_Detail]: ...
    def tensor(self, index: int) -> Callable[[], NDArray[np.generic]]: ...
    def get_tensor(self, index: int) -> NDArray[np.generic]: ...
    def invoke(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TfLite:
    """A runtime: one package's interpreter, on the CPU."""

    name: str
    package: str
    module: str
    dies_on: str = ""
    """A machine (as `platform.machine` names it) on which a model of ours kills the process."""

    def missing(self) -> str | None:
        """Why it cannot be used here."""
        if platform.machine() == self.dies_on:
            return f"{self.package} dies in an int8 embedder on {self.dies_on}"
        try:
            importlib.import_module(self.module)
        except ImportError as error:
            return str(error)
        return None

    def load(self, content: bytes, threads: int) -> Interpreted:
        """Make a network of a `.tflite` file's bytes. Raises as `Runtime.load`."""
        interpreter = importlib.import_module(self.module).Interpreter
        with quietly(), lent(content) as file:  # it tells every user which delegate it has made
            if file is None:
                return Interpreted(interpreter(model_content=content, num_threads=threads))
            network = Interpreted(interpreter(model_path=file.name, num_threads=threads))
            file.take_back(network.compute)
        return network


class Interpreted:
    """A network in an interpreter, which is asked of its tensors now: its file may go then."""

    def __init__(self, interpreter: _Interpreter) -> None:
        interpreter.allocate_tensors()
        details = interpreter.get_tensor_details()
        self.stored_types = frozenset(np.dtype(detail["dtype"]).name for detail in details)
        self.inputs = [_tensor(detail) for detail in interpreter.get_input_details()]
        self.outputs = [_tensor(detail) for detail in interpreter.get_output_details()]
        self.put = interpreter.tensor(self.inputs[0].index)
        self.compute = interpreter.invoke
        self._tensor = interpreter.get_tensor

    def read(self, output: Tensor) -> NDArray[np.generic]:
        """See `Network`."""
        return self._tensor(output.index)


def _tensor(detail: _Detail) -> Tensor:
    shape = tuple(int(n) for n in detail["shape"])
    return Tensor(detail["index"], shape, np.dtype(detail["dtype"]), *detail["quantization"])
