"""What the manifest says of one model: a union told apart by role."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

Share = Annotated[float, Field(gt=0, lt=1)]
Shape = tuple[int, ...]


class Alignment(str, Enum):
    """How a face is cut out for an embedder."""

    ARCFACE = "arcface-112"
    """Five points on ArcFace's template."""
    DLIB = "dlib-150"
    """Five points on dlib's."""
    BOX = "box"
    """A square around the mesh, as crops of plain detections are."""


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSpec(_Spec):
    """What a model takes: x = (pixel - mean) / std, images of three channels or of one (grey)."""

    width: int
    height: int
    color: Literal["rgb", "bgr", "grey"] = "rgb"
    mean: float | tuple[float, float, float] = 0.0
    """For all channels, or for each in the order of `color`."""
    std: float | tuple[float, float, float] = 1.0
    whiten: bool = False
    """Each image by its own mean and deviation instead."""
    layout: Literal["nhwc", "nchw"] = "nhwc"
    pictures: PositiveInt = 1
    """How many it looks at together."""


class _Detections(_Spec):
    min_score: Share
    min_overlap: Share
    """IoU from which two boxes are one face."""


class Cells(_Spec):
    """Anchors of one of BlazeFace's grids."""

    stride: PositiveInt
    per_cell: PositiveInt


class Priors(_Spec):
    """Square anchors of one of RetinaFace's grids, in input pixels."""

    stride: PositiveInt
    sides: tuple[PositiveFloat, ...]


class BlazeFaceOutput(_Detections):
    """Tensors `boxes` and `scores`."""

    decoder: Literal["blazeface"]
    scale: PositiveFloat
    """Of boxes: value / scale + anchor, in the input square."""
    score_clip: PositiveFloat
    """Logits are clipped to +- this before the sigmoid."""
    anchors: tuple[Cells, ...]


class YuNetOutput(_Detections):
    """Tensors `class_S`, `object_S`, `boxes_S` and `points_S` for each stride S."""

    decoder: Literal["yunet"]
    strides: tuple[PositiveInt, ...]


class RetinaFaceOutput(_Detections):
    """Tensors `boxes`, `scores` and `points`."""

    decoder: Literal["retinaface"]
    variances: tuple[PositiveFloat, PositiveFloat]
    """Of places and of sizes."""
    anchors: tuple[Priors, ...]


class SsdOutput(_Detections):
    """Tensor `found`."""

    decoder: Literal["ssd"]


DetectorOutput = Annotated[
    BlazeFaceOutput | YuNetOutput | RetinaFaceOutput | SsdOutput, Field(discriminator="decoder")
]


class CropOutput(_Spec):
    """One number a picture, on a square crop."""

    crop_scale: PositiveFloat
    """Side of the crop, in whatever the manifest's comment says."""


class PointsOutput(CropOutput):
    """Points x, y, z in pixels of the crop."""

    points: PositiveInt


class Entry(_Spec):
    """What every model file has."""

    name: str
    path: Path
    sha256: str
    precision: Literal["float32", "float16", "int8"]
    licence: str
    source: str
    description: str = ""
    preset: str | None = None
    """The preset that it was added with: another name under which people know it."""
    input: InputSpec
    tensors: dict[str, Shape]
    """Shapes of its outputs, by the names under which they are read."""


class DetectorEntry(Entry):
    """Frame to faces."""

    role: Literal["detector"]
    output: DetectorOutput


class LandmarksEntry(Entry):
    """Face to mesh; tensors `landmarks` and `presence` (a logit)."""

    role: Literal["landmarks"]
    output: PointsOutput


class EyelidsEntry(Entry):
    """Eyes to their opening and the log-odds that they are shut; tensor `lids`."""

    role: Literal["eyelids"]
    output: CropOutput


class ViewsOutput(_Spec):
    """One number of several square crops around a face."""

    crop_scales: tuple[PositiveFloat, ...]
    """Their sides in face boxes, in the order in which the model takes them."""


class PassiveEntry(Entry):
    """Views of a face to log-odds of an attack; tensor `attack`."""

    output: ViewsOutput


class RecaptureEntry(PassiveEntry):
    """A face and what is around it."""

    role: Literal["recapture"]


class SurroundingsEntry(PassiveEntry):
    """What is around a face."""

    role: Literal["surroundings"]


class SkinEntry(PassiveEntry):
    """A face's skin."""

    role: Literal["skin"]


class EmbedderEntry(Entry):
    """Face to vector; tensor `embedding`."""

    role: Literal["embedder"]
    alignment: Alignment = Alignment.ARCFACE


class AttributeOutput(_Spec):
    """Shares of one, of the answers to a question about people."""

    answers: Literal["age", "gender", "emotion", "race"]
    numbers: PositiveInt
    labels: tuple[str, ...] = ()
    """What each number stands for; without labels, for so many years."""


class AttributeEntry(Entry):
    """Face to a guess about the person; tensor `shares`. No door has a use for it."""

    role: Literal["attribute"]
    output: AttributeOutput
    alignment: Alignment = Alignment.BOX


ModelEntry = Annotated[
    DetectorEntry
    | LandmarksEntry
    | EyelidsEntry
    | RecaptureEntry
    | SurroundingsEntry
    | SkinEntry
    | EmbedderEntry
    | AttributeEntry,
    Field(discriminator="role"),
]
"""The union: one more role is one more class."""
ENTRIES: tuple[type[Entry], ...] = tuple(
    kind for kind in get_args(get_args(ModelEntry)[0]) if kind is not AttributeEntry
)
"""Of the networks that a door has."""


def role_of(kind: type[Entry]) -> str:
    """The word for a role, as the manifest writes it."""
    (word,) = get_args(kind.model_fields["role"].annotation)
    return str(word)
