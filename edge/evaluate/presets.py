"""models/presets.toml: well-known networks, and how their files' tensors look."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from edge.errors import ModelError, UsageError
from edge.vision.models.entries import (
    Alignment,
    AttributeOutput,
    BlazeFaceOutput,
    DetectorOutput,
    InputSpec,
    RetinaFaceOutput,
    SsdOutput,
)
from edge.vision.models.manifest import read_toml

if TYPE_CHECKING:
    from pathlib import Path

    from edge.vision.models.entries import Shape
    from edge.vision.models.model import Shapes

PRESETS = "presets.toml"
_SSD_ROW = 7


class _Preset(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str
    licence: str
    input: InputSpec


class EmbedderPreset(_Preset):
    """A network that makes vectors."""

    role: Literal["embedder"]
    alignment: Alignment
    dims: tuple[int, ...]
    """How many numbers they may have."""


class DetectorPreset(_Preset):
    """A network that finds faces."""

    role: Literal["detector"]
    output: DetectorOutput


class AttributePreset(_Preset):
    """A network that guesses something about people."""

    role: Literal["attribute"]
    output: AttributeOutput


Preset = Annotated[EmbedderPreset | DetectorPreset | AttributePreset, Field(discriminator="role")]
_PRESETS: TypeAdapter[dict[str, Preset]] = TypeAdapter(dict[str, Preset])


def presets(folder: Path) -> dict[str, Preset]:
    """The networks that are known by name.

    Raises:
        ModelError: the file of presets is missing or damaged.
    """
    try:
        return _PRESETS.validate_python(read_toml(folder / PRESETS))
    except ValidationError as error:
        raise ModelError(f"the presets in {folder} are not valid: {error}") from error


def preset_of(folder: Path, name: str) -> Preset:
    """One of them.

    Raises:
        UsageError: there is none of that name.
        ModelError: as `presets`.
    """
    known = presets(folder)
    if name not in known:
        raise UsageError(f"there is no preset {name!r}. There are: {', '.join(sorted(known))}.")
    return known[name]


def input_of(file: Path, shapes: Shapes, preset: Preset) -> InputSpec:
    """The preset's input at the file's own size and layout.

    Raises:
        ModelError: the file does not take one picture with the preset's channels.
    """
    channels, kind = (1, "grey") if preset.input.color == "grey" else (3, "RGB")
    match shapes.input:
        case (1, height, width, last) if last == channels:
            layout = "nhwc"
        case (1, first, height, width) if first == channels:
            layout = "nchw"
        case other:
            raise ModelError(f"{file} wants input {list(other)}, which is not one {kind} picture")
    size = {"width": width, "height": height, "layout": layout}
    return InputSpec.model_validate(preset.input.model_dump() | size)


def tensors_of(file: Path, shapes: Shapes, preset: Preset) -> dict[str, Shape]:
    """Which of the file's outputs are what.

    Raises:
        ModelError: the file lacks what the preset's network gives.
    """
    if isinstance(preset, EmbedderPreset):
        return {"embedding": _one_of(file, shapes, preset.dims, "vectors have")}
    if isinstance(preset, AttributePreset):
        return {"shares": _one_of(file, shapes, (preset.output.numbers,), "answers are")}
    side = input_of(file, shapes, preset)
    if side.width != side.height:
        raise ModelError(f"{file} wants {side.width}x{side.height}; a square is needed")
    wanted = _detections(shapes, preset.output, side.width)
    missing = [list(shape) for shape in wanted.values() if shape not in shapes.outputs]
    if missing:
        raise ModelError(
            f"{file} lacks outputs of shape {missing}; it gives "
            f"{[list(shape) for shape in shapes.outputs]}. Is it this preset's network?"
        )
    return wanted


def _one_of(file: Path, shapes: Shapes, sizes: tuple[int, ...], what: str) -> Shape:
    for shape in shapes.outputs:
        if prod(shape) in sizes:
            return shape
    raise ModelError(
        f"{file} gives {[list(shape) for shape in shapes.outputs]}; this preset's {what} "
        f"{' or '.join(map(str, sizes))} numbers"
    )


def _detections(shapes: Shapes, output: DetectorOutput, side: int) -> dict[str, Shape]:
    if isinstance(output, BlazeFaceOutput):
        cells = sum((side // grid.stride) ** 2 * grid.per_cell for grid in output.anchors)
        return {"boxes": (1, cells, 16), "scores": (1, cells, 1)}
    if isinstance(output, SsdOutput):
        return {"found": _ssd_rows(shapes)}
    if isinstance(output, RetinaFaceOutput):
        priors = sum((side // grid.stride) ** 2 * len(grid.sides) for grid in output.anchors)
        return {"boxes": (1, priors, 4), "scores": (1, priors, 2), "points": (1, priors, 10)}
    parts = {"class": 1, "object": 1, "boxes": 4, "points": 10}
    return {
        f"{part}_{stride}": (1, (side // stride) ** 2, numbers)
        for stride in output.strides
        for part, numbers in parts.items()
    }


def _ssd_rows(shapes: Shapes) -> Shape:
    rows = (shape for shape in shapes.outputs if shape[:2] == (1, 1) and shape[3:] == (_SSD_ROW,))
    return next(rows, (1, 1, 0, _SSD_ROW))
