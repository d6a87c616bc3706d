"""The one door to the inference runtime. It hashes the very bytes that it loads."""

from __future__ import annotations

import hashlib
import hmac
import importlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from edge.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.records import Floats, Pixels
    from edge.vision.models.manifest import ModelEntry

Runtime = Literal["auto", "litert", "tflite-runtime"]
Channels = float | tuple[float, float, float]

_HALF_UP = 0.5001
"""A mean of 127.5 puts every pixel half-way between two steps. Rounded to even, two grey levels
would become one; and a bit more than a half, since the scale is itself rounded."""

_MODULES = {
    "litert": "ai_edge_litert.interpreter",
    "tflite-runtime": "tflite_runtime.interpreter",
}


@dataclass(slots=True)
class Kernels:
    """The time that all models of this process have spent inside the runtime, for `bench`."""

    spent_s: float = 0.0


KERNELS = Kernels()


class Model:
    """A loaded model: uint8 pixels in, named float32 arrays out. Not for two threads at once."""

    def __init__(self, entry: ModelEntry, runtime: Runtime = "auto", threads: int = 1) -> None:
        """Read, check and load the file.

        Raises:
            ModelError: the file is missing, is not the one in the manifest, does not load, or its
                tensors are not those that the manifest describes.
        """
        self.entry = entry
        self.runtime, interpreter_class = _interpreter_class(runtime)
        content = _checked_bytes(entry)
        try:
            self._interpreter = interpreter_class(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{entry.path} does not load in {self.runtime}: {error}") from error
        self._input = self._interpreter.get_input_details()[0]
        self._check_input()
        self._eats = [(entry.input.height, entry.input.width, 3)] * entry.input.pictures
        self._tensor = self._interpreter.tensor(self._input["index"])
        self._outputs = self._named_outputs()
        self._table = self._pixel_table(entry.input.mean, entry.input.std)
        self._takes_pixels = self._pixels_as_they_are()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image it eats, pixels."""
        return self.entry.input.width, self.entry.input.height

    def run(self, *images: Pixels) -> dict[str, Floats]:
        """Run on one image of the model's own size, or on as many as it looks at together.

        Args:
            images: uint8 `(height, width, 3)`, RGB.

        Raises:
            ValueError: they are of another size or number.

        Returns:
            The outputs by the manifest's names; of one image without the batch axis.
        """
        self._put(images)
        begin = time.perf_counter()
        self._interpreter.invoke()
        KERNELS.spent_s += time.perf_counter() - begin
        return {name: self._read(*tensor) for name, tensor in self._outputs.items()}

    def _put(self, images: tuple[Pixels, ...]) -> None:
        """Straight into the runtime's memory, which lets nobody hold a view of it while it runs."""
        spec = self.entry.input
        shapes = [pixels.shape for pixels in images]
        if shapes != self._eats:
            name = self.entry.name
            raise ValueError(f"{name} eats pictures of shapes {self._eats}, not {shapes}")
        for place, pixels in zip(self._tensor(), images, strict=True):
            if self._takes_pixels:
                place[...] = pixels
                continue
            rgb = pixels[:, :, ::-1] if spec.color == "bgr" else pixels
            table = self._pixel_table(*_mean_std(pixels)) if spec.whiten else self._table
            values = cv2.LUT(np.ascontiguousarray(rgb), table)
            place[...] = values.transpose(2, 0, 1) if spec.layout == "nchw" else values

    def _read(self, index: int, scale: float, zero_point: int) -> Floats:
        value = self._interpreter.get_tensor(index)
        if self.entry.input.pictures == 1:
            value = value[0]
        if scale:
            value = (value.astype(np.float32) - zero_point) * scale
        return np.asarray(value, dtype=np.float32)

    def _pixel_table(self, mean: Channels, std: Channels) -> np.ndarray[Any, Any]:
        """Normalisation (and quantization) of all pixel values, so that a frame is a look-up.

        One column, or three where the channels differ.
        """
        values = np.arange(256, dtype=np.float32)[:, None]
        table = (values - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
        scale, zero_point = self._input["quantization"]
        if scale:
            limits = np.iinfo(self._input["dtype"])
            table = np.floor(table / scale + _HALF_UP) + zero_point
            table = np.clip(table, limits.min, limits.max)
        return table.astype(self._input["dtype"])[np.newaxis]

    def _pixels_as_they_are(self) -> bool:
        """Whether nothing need be done to the pixels but to put them in."""
        spec, table = self.entry.input, self._table
        plain = table.dtype == np.uint8 and bool((table[0] == np.arange(256)[:, None]).all())
        return plain and not spec.whiten and (spec.color, spec.layout) == ("rgb", "nhwc")

    def _check_input(self) -> None:
        width, height = self.size
        shape = [int(n) for n in self._input["shape"]]
        nchw = self.entry.input.layout == "nchw"
        image = [3, height, width] if nchw else [height, width, 3]
        described = [self.entry.input.pictures, *image]
        if shape != described:
            raise ModelError(
                f"{self.entry.path} wants input {shape}, but the manifest says {described}. "
                f"Correct the manifest's entry {self.entry.name!r}."
            )

    def _named_outputs(self) -> dict[str, tuple[int, float, int]]:
        """Index, scale and zero point of each output.

        Outputs are told apart by shape: their names and order differ between runtimes.

        Where several have one shape, the manifest names as many, and it must not matter which
        is which.
        """
        by_shape: dict[tuple[int, ...], list[dict[str, Any]]] = {}
        for detail in self._interpreter.get_output_details():
            by_shape.setdefault(_shape(detail), []).append(detail)
        named = {}
        for name, shape in self.entry.output.items():
            if not (isinstance(shape, list) and shape and all(isinstance(n, int) for n in shape)):
                continue
            left = by_shape.get(tuple(shape))
            if not left:
                raise ModelError(
                    f"{self.entry.path} has no output of shape {shape} ({name}); it has "
                    f"{sorted(by_shape)}. Correct the manifest's entry {self.entry.name!r}."
                )
            detail = left.pop(0)
            named[name] = (detail["index"], *detail["quantization"])
        return named


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a file's tensors look like."""

    input: tuple[int, ...]
    outputs: tuple[tuple[int, ...], ...]
    precision: Literal["float32", "float16", "int8"]


def shapes_of(path: Path) -> Shapes:
    """Look into a model file that no manifest describes yet.

    Raises:
        ModelError: it cannot be read, is no TFLite model, or has more than one input.
    """
    try:
        interpreter = _interpreter_class("auto")[1](model_content=path.read_bytes())
        interpreter.allocate_tensors()
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {error.strerror}") from error
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} is not a TFLite model that loads: {error}") from error
    inputs = interpreter.get_input_details()
    if len(inputs) != 1:
        raise ModelError(f"{path} has {len(inputs)} inputs; a model of one picture is needed")
    kinds = {np.dtype(detail["dtype"]).name for detail in interpreter.get_tensor_details()}
    return Shapes(
        input=_shape(inputs[0]),
        outputs=tuple(_shape(detail) for detail in interpreter.get_output_details()),
        precision="int8" if "int8" in kinds else "float16" if "float16" in kinds else "float32",
    )


def _shape(detail: dict[str, Any]) -> tuple[int, ...]:
    return tuple(int(n) for n in detail["shape"])


def _mean_std(pixels: Pixels) -> tuple[float, float]:
    return float(pixels.mean()), max(float(pixels.std()), 1.0)


def available_runtimes() -> list[str]:
    """The runtimes that import here, best first."""
    found = []
    for name, module in _MODULES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            continue
        found.append(name)
    return found


def _interpreter_class(runtime: Runtime) -> tuple[str, Any]:
    names = list(_MODULES) if runtime == "auto" else [runtime]
    reasons = []
    for name in names:
        try:
            return name, importlib.import_module(_MODULES[name]).Interpreter
        except ImportError as error:
            reasons.append(f"{name}: {error}")
    raise ModelError(
        f"no inference runtime imports here ({'; '.join(reasons)}). "
        "Install ai-edge-litert, or tflite-runtime on Python 3.11 and older."
    )


def _checked_bytes(entry: ModelEntry) -> bytes:
    try:
        content = entry.path.read_bytes()
    except OSError as error:
        raise ModelError(f"the model {entry.path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if not hmac.compare_digest(found, entry.sha256):
        raise ModelError(
            f"{entry.path} is not the file the manifest names: its SHA-256 is {found[:16]}..., "
            f"not {entry.sha256[:16]}.... Put the original back, or reinstall edge-door."
        )
    return content
