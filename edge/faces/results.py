"""What the Python interface answers: frozen, typed, and readable by deepface's keys too.

All metrics say the same thing. Embeddings are unit vectors, so for a similarity s = a.b

    cosine = 1 - s        euclidean = euclidean_l2 = |a - b| = sqrt(|a|^2 + |b|^2 - 2 a.b)
                                                             = sqrt(2 - 2 s)

and a threshold in one of them is a threshold in the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from typing_extensions import override

from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.records import Box, EyeOpenness, Floats, Pixels, Quality

Metric = Literal["cosine", "euclidean", "euclidean_l2"]
Guess = int | str | dict[str, float]
"""Years; a label; or per cent by label."""


def distance(similarity: float, metric: Metric = "cosine") -> float:
    """A cosine similarity, -1 to 1, as a distance.

    Raises:
        UsageError: there is no such metric.
    """
    if metric not in get_args(Metric):
        raise UsageError(f"there is no metric {metric!r}. There are: {', '.join(get_args(Metric))}")
    if metric == "cosine":
        return 1.0 - similarity
    return math.sqrt(max(0.0, 2.0 - 2.0 * similarity))


def similarity_of(limit: float, metric: Metric) -> float:
    """`distance` turned round."""
    return 1.0 - limit if metric == "cosine" else 1.0 - limit * limit / 2.0


class Answer(Mapping[str, object]):
    """A result whose attributes are keys as well: `r.verified` and `r["verified"]`."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[object]]]
    _others: ClassVar[tuple[str, ...]] = ()
    """Properties that are keys."""
    _known_as: ClassVar[dict[str, str]] = {}
    """Keys of deepface that have another name here."""

    @override
    def __getitem__(self, key: str) -> Any:
        name = self._known_as.get(key, key)
        if name not in list(self):
            raise KeyError(key)
        return getattr(self, name)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter([*(each.name for each in fields(self)), *self._others])

    @override
    def __len__(self) -> int:
        return len(list(iter(self)))


class _Placed(Answer):
    """Something that has a place in the picture."""

    __slots__ = ()
    box: Box

    @property
    def facial_area(self) -> dict[str, int]:
        """`x`, `y`, `w`, `h` in the picture's pixels."""
        box = self.box
        place = {"x": box.left, "y": box.top, "w": box.width, "h": box.height}
        return {name: round(value) for name, value in place.items()}


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedFace(_Placed):
    """A face found in a picture."""

    _others: ClassVar[tuple[str, ...]] = ("facial_area",)

    face: Pixels
    """On ArcFace's template, RGB uint8 `(112, 112, 3)`; an embedder may see it cut otherwise."""
    box: Box
    """In the picture's pixels."""
    five: Floats
    """`(5, 2)`: right eye, left eye, nose tip, mouth corners, in the picture's pixels."""
    confidence: float
    """The detector's score, 0-1."""
    quality: Quality
    """Whether the door would judge it, and if not, what it would say."""


@dataclass(frozen=True, slots=True, eq=False)
class Representation(_Placed):
    """A face as the vector that is compared."""

    _others: ClassVar[tuple[str, ...]] = ("facial_area",)
    _known_as: ClassVar[dict[str, str]] = {"face_confidence": "confidence"}

    embedding: Floats
    """float32 `(d,)`, of unit length."""
    model: str
    """The embedder's name."""
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True, eq=False)
class Verification(Answer):
    """Do two pictures show one person?"""

    _others: ClassVar[tuple[str, ...]] = ("distance", "threshold")
    _known_as: ClassVar[dict[str, str]] = {
        "detector_backend": "detector",
        "similarity_metric": "metric",
    }

    verified: bool
    similarity: float
    """Cosine, -1 to 1."""
    required: float
    """The similarity from which on two faces count as one person."""
    metric: Metric
    model: str
    detector: str
    false_match_rate: float | None
    """Share of strangers whom `required` lets pass; None when the caller set the threshold."""

    @property
    def distance(self) -> float:
        """In `metric`."""
        return distance(self.similarity, self.metric)

    @property
    def threshold(self) -> float:
        """In `metric`: verified means a distance no larger."""
        return distance(self.required, self.metric)


@dataclass(frozen=True, slots=True, eq=False)
class Found(Answer):
    """Somebody who looks like the face in question."""

    identity: str
    """The picture's path, or the enrolled person's name."""
    similarity: float
    distance: float
    threshold: float
    """Distance in the metric asked for; those found lie no further."""


@dataclass(frozen=True, slots=True, eq=False)
class Analysis(_Placed):
    """What a door may know of a face in one picture; not who or what somebody is."""

    _others: ClassVar[tuple[str, ...]] = ("facial_area",)
    _known_as: ClassVar[dict[str, str]] = {
        "region": "facial_area",
        "face_confidence": "confidence",
    }

    box: Box
    confidence: float
    yaw: float
    """Degrees; positive when the person turns towards the picture's left edge."""
    pitch: float
    """Degrees; positive when the person looks up."""
    roll: float
    """Degrees; positive when the head tilts clockwise."""
    brightness: float
    """Mean luminance of the aligned face, 0-255."""
    sharpness: float
    """Variance of its Laplacian."""
    face_px: float
    """Width of the box, pixels."""
    presence: float
    """How far the mesh believes in the whole face, 0-1: low where it is covered or cut off."""
    eyes: EyeOpenness
    suspicions: dict[str, float]
    """Of every passive check that speaks about a single picture: log-odds of an attack."""
    quality: Quality
    """Whether the door would judge it, and if not, what it would say."""
    guesses: dict[str, Guess] = field(default_factory=dict)
    """What `actions` asked for, by deepface's keys, which are keys of this result as well."""

    @override
    def __getitem__(self, key: str) -> Any:
        return self.guesses[key] if key in self.guesses else _Placed.__getitem__(self, key)

    @override
    def __iter__(self) -> Iterator[str]:
        return iter([*_Placed.__iter__(self), *self.guesses])


@dataclass(frozen=True, slots=True, eq=False)
class Sighting(Answer):
    """One picture of a camera, and what it shows."""

    picture: Pixels
    """BGR uint8 `(h, w, 3)`, as OpenCV shows it."""
    captured_at: float
    """Monotonic seconds."""
    faces: int
    """People near enough to be judged; the fields below are about one alone."""
    box: Box | None
    live: bool
    """They have shown life since they came."""
    hint: str
    """What they may do to be judged; empty when nothing is missing."""
    found: tuple[Found, ...]
    """Whom they look like, where there was somebody to compare with."""
