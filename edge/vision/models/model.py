"""A model: pixels in, named arrays out. It hashes the very bytes that it loads."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

import cv2
import numpy as np

from edge.believed import read_believed, read_ordinary
from edge.errors import ModelError, reason_of
from edge.vision.models.entries import Entry
from edge.vision.models.runtimes import choose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.records import Floats, Pixels
    from edge.vision.models.runtime import Runtime, Tensor

E_co = TypeVar("E_co", bound=Entry, covariant=True)
Channels = float | tuple[float, float, float]

_HALF_UP = 0.5001
"""A mean of 127.5 puts every pixel half-way between two steps. Rounded to even, two grey levels
would become one; and a bit more than a half, since the scale is itself rounded."""


class Model(Generic[E_co]):
    """A loaded model: uint8 pixels in, named float32 arrays out. Not for two threads at once."""

    def __init__(self, entry: E_co, runtime: Runtime | None = None, threads: int = 1) -> None:
        """Read, check and load the file; without a runtime, in the best one here.

        Raises:
            ModelError: the file is missing, is not the one in the manifest, does not load, or its
                tensors are not those that the manifest describes.
        """
        self.entry = entry
        runtime = runtime or choose()
        content = _checked_bytes(entry)
        try:
            self._network = runtime.load(content, threads)
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{entry.path} does not load in {runtime.name}: {error}") from error
        self._input = self._network.inputs[0]
        self._check_input()
        self._takes = [(entry.input.height, entry.input.width, 3)] * entry.input.pictures
        self._outputs = self._named_outputs()
        self._table = self._pixel_table(entry.input.mean, entry.input.std)
        self._takes_pixels = self._pixels_as_they_are()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the image it takes, pixels."""
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
        self.put(*images)
        return self.compute()

    def put(self, *images: Pixels) -> None:
        """Take the next run's images, as `run` does; straight into the runtime's memory.

        It lets nobody hold a view of that while it runs.
        """
        shapes = [pixels.shape for pixels in images]
        if shapes != self._takes:
            name = self.entry.name
            raise ValueError(f"{name} takes pictures of shapes {self._takes}, not {shapes}")
        places = self._network.put()  # by number: going over an array costs an IndexError
        for number, pixels in enumerate(images):
            places[number] = pixels if self._takes_pixels else self._prepared(pixels)

    def draw(self, *draw: Callable[[Pixels], object]) -> None:
        """Like `put`, of images that are drawn there: that saves a copy.

        Args:
            draw: Each fills an array of an image's shape, and keeps nothing of it.
        """
        places = self._network.put()
        for number, each in zip(range(len(places)), draw, strict=True):
            if self._takes_pixels:
                each(places[number].view(np.uint8))
            else:
                pixels = np.empty(self._takes[0], np.uint8)
                each(pixels)
                places[number] = self._prepared(pixels)

    def compute(self) -> dict[str, Floats]:
        """Run on what was put or drawn: see `run`."""
        self._network.compute()
        return {name: self._read(tensor) for name, tensor in self._outputs.items()}

    def _prepared(self, pixels: Pixels) -> NDArray[np.generic]:
        spec = self.entry.input
        table = self._pixel_table(*_mean_std(pixels)) if spec.whiten else self._table
        values = cv2.LUT(_in_colour(pixels, spec.color), table).reshape(*self._image)
        return values.transpose(2, 0, 1) if spec.layout == "nchw" else values

    def _read(self, tensor: Tensor) -> Floats:
        value = self._network.read(tensor)
        if len(self._takes) == 1:
            value = value[0]
        if tensor.scale:
            value = (value.astype(np.float32) - tensor.zero_point) * tensor.scale
        return np.asarray(value, dtype=np.float32)

    def _pixel_table(self, mean: Channels, std: Channels) -> NDArray[np.generic]:
        """Normalisation (and quantization) of all pixel values, so that a frame is a look-up.

        One column, or three where the channels differ.
        """
        values = np.arange(256, dtype=np.float32)[:, None]
        table = (values - np.asarray(mean, np.float32)) / np.asarray(std, np.float32)
        if self._input.scale:
            limits = np.iinfo(self._input.dtype.name)
            table = np.floor(table / self._input.scale + _HALF_UP) + self._input.zero_point
            table = np.clip(table, limits.min, limits.max)
        return table.astype(self._input.dtype)[np.newaxis]

    def _pixels_as_they_are(self) -> bool:
        """Whether nothing need be done to the pixels but to put them in."""
        spec, table = self.entry.input, self._table
        plain = table.dtype == np.uint8 and bool((table[0] == np.arange(256)[:, None]).all())
        return plain and not spec.whiten and (spec.color, spec.layout) == ("rgb", "nhwc")

    def _check_input(self) -> None:
        width, height = self.size
        shape = list(self._input.shape)
        channels = 1 if self.entry.input.color == "grey" else 3
        self._image = (height, width, channels)
        nchw = self.entry.input.layout == "nchw"
        image = [channels, height, width] if nchw else self._image
        described = [self.entry.input.pictures, *image]
        if shape != described:
            raise ModelError(
                f"{self.entry.path} wants input {shape}, but the manifest says {described}. "
                f"Correct the manifest's entry {self.entry.name!r}."
            )

    def _named_outputs(self) -> dict[str, Tensor]:
        """The outputs by name, told apart by shape."""
        by_shape: dict[tuple[int, ...], list[Tensor]] = {}
        for tensor in self._network.outputs:
            by_shape.setdefault(tensor.shape, []).append(tensor)
        named = {}
        for name, shape in self.entry.tensors.items():
            left = by_shape.get(shape)
            if not left:
                raise ModelError(
                    f"{self.entry.path} has no output of shape {list(shape)} ({name}); it has "
                    f"{sorted(by_shape)}. Correct the manifest's entry {self.entry.name!r}."
                )
            named[name] = left.pop(0)
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
        network = choose().load(read_ordinary(path), threads=1)
    except OSError as error:
        raise ModelError(f"the model {path} cannot be read: {reason_of(error)}") from error
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{path} is not a TFLite model that loads: {error}") from error
    if len(network.inputs) != 1:
        raise ModelError(
            f"{path} has {len(network.inputs)} inputs; a model of one picture is needed"
        )
    kinds = network.stored_types
    return Shapes(
        input=network.inputs[0].shape,
        outputs=tuple(tensor.shape for tensor in network.outputs),
        precision="int8" if "int8" in kinds else "float16" if "float16" in kinds else "float32",
    )


def _in_colour(rgb: Pixels, color: str) -> Pixels:
    if color == "grey":
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    return np.ascontiguousarray(rgb[:, :, ::-1] if color == "bgr" else rgb)


def _mean_std(pixels: Pixels) -> tuple[float, float]:
    return float(pixels.mean()), max(float(pixels.std()), 1.0)


def _checked_bytes(entry: Entry) -> bytes:
    try:
        content = read_believed(entry.path)
    except OSError as error:
        raise ModelError(f"the model {entry.path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if not hmac.compare_digest(found, entry.sha256):
        raise ModelError(
            f"{entry.path} is not the file the manifest names: its SHA-256 is {found[:16]}..., "
            f"not {entry.sha256[:16]}.... Put the original back, or reinstall edge-door."
        )
    return content
