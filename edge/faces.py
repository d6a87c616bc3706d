"""Three lines of Python: `extract_faces`, `represent`, `verify`, `find`.

Names and arguments are those of deepface, results are frozen and typed. Everything runs through
the stages of the daemon: what this finds alike, the door finds alike. Not for two threads at once.

All metrics say the same thing. Embeddings are unit vectors, so for a similarity s = a.b

    cosine = 1 - s        euclidean = euclidean_l2 = |a - b| = sqrt(|a|^2 + |b|^2 - 2 a.b)
                                                             = sqrt(2 - 2 s)

and a threshold in one of them is a threshold in the others.
"""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import cv2
import numpy as np

from edge.access.matcher import ranked
from edge.config import Config
from edge.errors import CameraError, NoFaceError, UsageError
from edge.records import Template
from edge.vault.vault import open_vault
from edge.vision.calibrated import read_calibration
from edge.vision.camera import images_in, read_image
from edge.vision.faces.quality import MIN_PRESENCE
from edge.vision.models.entries import DetectorEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.opencv import settled
from edge.vision.pipeline import Look, Pipeline, Stages, people_in
from edge.vision.still import faces_in, still

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.records import Box, Embedding, Floats, Pixels, Quality

    Image = str | Path | NDArray[Any]

PICTURES_FMR = 1e-3
"""The false-match rate at which pictures are compared: a person looks at the answer, so it turns
fewer people away than a door does (`match.false_match_rate`)."""

log = logging.getLogger(__name__)

Metric = Literal["cosine", "euclidean", "euclidean_l2"]


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


@dataclass(frozen=True, slots=True, eq=False)
class ExtractedFace:
    """A face found in a picture."""

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
class Representation:
    """A face as the vector that is compared."""

    embedding: Floats
    """float32 `(d,)`, of unit length."""
    model: str
    """The embedder's name."""
    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class Verification:
    """Do two pictures show one person?"""

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


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody who looks like the face in question."""

    identity: str
    """The picture's path, or the enrolled person's name."""
    similarity: float
    distance: float
    threshold: float
    """Distance in the metric asked for; those found lie no further."""


class FaceReader:
    """The daemon's stages, for pictures."""

    def __init__(self, config: Config) -> None:
        """Load the models.

        Raises:
            ModelError: see `Stages.load`.
        """
        manifest = read_manifest(config.paths.models)
        self.config = config
        self.model = manifest.embedder(config.models.embedder)
        self.detector = manifest.entry(DetectorEntry, config.models.detector)
        self._stages = Stages.load(config)
        self._pipeline = Pipeline(self._stages, config)

    def looks(self, pixels: Pixels) -> list[Look]:
        """Every face in an RGB picture, best first.

        What the mesh takes for no face is left out.
        """
        frame = still(pixels)
        looks = [self._pipeline.look(frame, f) for f in faces_in(frame, self._stages.detector)]
        return [look for look in looks if look.landmarks.presence >= MIN_PRESENCE]

    def only(self, pixels: Pixels, name: str) -> Look:
        """The one face near enough to be meant; `name` is the picture's, for the message.

        Raises:
            NoFaceError: there is none, or there are several.
        """
        near = _near(self.looks(pixels))
        if len(near) != 1:
            raise NoFaceError(_not_one(name, len(near)))
        return near[0]

    def subject(self, pixels: Pixels) -> Look | None:
        """Whom a portrait is about: of the near faces the most central one. None: no face."""
        height, width = pixels.shape[:2]
        middle = (width / 2, height / 2)
        near = _near(self.looks(pixels))
        return min(near, key=lambda look: math.dist(look.face.box.centre, middle), default=None)

    def embed(self, look: Look) -> Embedding:
        """The vector of a face."""
        return self._stages.embedder.embed(look.frame, look.landmarks, look.aligned)


@settled()
def extract_faces(
    img_path: Image, detector_backend: str | None = None, *, config: Config | None = None
) -> list[ExtractedFace]:
    """All faces in a picture, aligned, best first.

    Args:
        img_path: A file, or an array as OpenCV reads it: BGR uint8 `(h, w, 3)`.
        detector_backend: A detector of the manifest; default: the manifest's own choice.
        config: Other models and limits than the defaults.

    Raises:
        CameraError: the picture cannot be read.
        NoFaceError: it shows no face.
        ModelError: there is no such detector.
    """
    reader = _reader(config, None, detector_backend)
    return [
        ExtractedFace(
            look.aligned.pixels,
            look.face.box,
            look.landmarks.five,
            look.face.score,
            look.quality,
        )
        for look in _looks(reader, img_path)
    ]


@settled()
def represent(
    img_path: Image,
    model_name: str | None = None,
    detector_backend: str | None = None,
    *,
    config: Config | None = None,
) -> list[Representation]:
    """The vectors of all faces in a picture, best first. Arguments and errors: `extract_faces`."""
    reader = _reader(config, model_name, detector_backend)
    return [
        Representation(reader.embed(look).vector, reader.model.name, look.face.box, look.face.score)
        for look in _looks(reader, img_path)
    ]


@settled()
def verify(  # noqa: PLR0913 - deepface's arguments
    img1_path: Image,
    img2_path: Image,
    model_name: str | None = None,
    detector_backend: str | None = None,
    distance_metric: Metric = "cosine",
    *,
    threshold: float | None = None,
    config: Config | None = None,
) -> Verification:
    """Do two pictures show the same person? Each must show one person.

    Args:
        img1_path: A file, or an array as OpenCV reads it: BGR uint8 `(h, w, 3)`.
        img2_path: The other one.
        model_name: An embedder of the manifest; default: the manifest's own choice.
        detector_backend: A detector of the manifest.
        distance_metric: `cosine`, `euclidean` or `euclidean_l2`.
        threshold: Largest distance of one person. Default: from the embedder's calibration at
            `PICTURES_FMR`.
        config: Other models and limits than the defaults.

    Raises:
        CameraError: a picture cannot be read.
        NoFaceError: a picture shows no face, or several.
        ModelError: there is no such model.
        CalibrationError: the model was not calibrated, and no threshold was given.
        UsageError: there is no such metric.
    """
    reader = _reader(config, model_name, detector_backend)
    one, other = (
        reader.embed(reader.only(_pixels(image), _name(image))).vector
        for image in (img1_path, img2_path)
    )
    rate = PICTURES_FMR
    if threshold is None:
        required = read_calibration(reader.config).threshold_for(rate)
    else:
        required = _similarity(threshold, distance_metric)
    distance(required, distance_metric)  # refuses an unknown metric
    similarity = float(np.clip(one @ other, -1, 1))
    return Verification(
        verified=similarity >= required,
        similarity=similarity,
        required=required,
        metric=distance_metric,
        model=reader.model.name,
        detector=reader.detector.name,
        false_match_rate=rate if threshold is None else None,
    )


@settled()
def find(
    img_path: Image,
    db_path: str | Path | None = None,
    model_name: str | None = None,
    detector_backend: str | None = None,
    distance_metric: Metric = "cosine",
    *,
    config: Config | None = None,
) -> list[list[Found]]:
    """Who is in a picture? For every face those it looks like, the surest first.

    It goes by the door's own rule (`edge.access.matcher`): comparing with many gives a stranger
    many chances, so all of them share one false-match rate and the threshold rises with their
    number; and it is higher for a face that resembles many others.

    Args:
        img_path: A file, or an array as OpenCV reads it: BGR uint8 `(h, w, 3)`.
        db_path: A folder of pictures, searched with its subfolders. Default: the people enrolled
            on this device.
        model_name: An embedder of the manifest; default: the manifest's own choice.
        detector_backend: A detector of the manifest.
        distance_metric: `cosine`, `euclidean` or `euclidean_l2`.
        config: Other models, limits and places than the defaults.

    Raises:
        CameraError: the picture cannot be read, or the folder holds none.
        NoFaceError: the picture shows no face.
        ModelError: there is no such model.
        CalibrationError: the model was not calibrated, or not for so many comparisons.
        VaultError: the enrolled people cannot be read.
        UsageError: there is no such metric.
    """
    reader = _reader(config, model_name, detector_backend)
    known = _enrolled(reader) if db_path is None else _pictured(reader, Path(db_path))
    calibration = read_calibration(reader.config)
    distance(0.0, distance_metric)  # refuses an unknown metric

    def alike(probe: Embedding) -> list[Found]:
        return [
            Found(
                match.person,
                match.similarity,
                distance(match.similarity, distance_metric),
                distance(match.threshold, distance_metric),
            )
            for match in ranked(probe, known, calibration, PICTURES_FMR)
            if match.matched and match.person is not None
        ]

    return [alike(reader.embed(look)) for look in _looks(reader, img_path)]


def _enrolled(reader: FaceReader) -> tuple[Template, ...]:
    with open_vault(reader.config) as vault:
        return vault.templates(reader.model.sha256)


def _pictured(reader: FaceReader, folder: Path) -> list[Template]:
    if not folder.is_dir():
        raise CameraError(f"{folder} is not a folder of pictures")
    return [
        Template(str(path), reader.embed(look).vector[np.newaxis], reader.model.sha256)
        for path in images_in(folder, "**/*")
        for look in _near(_looks_in(reader, path))
    ]


def _looks_in(reader: FaceReader, path: Path) -> list[Look]:
    """The faces in one picture of many; one that cannot be read is told and left out."""
    try:
        return reader.looks(read_image(path))
    except CameraError as error:
        log.warning("left out: %s", error)
        return []


def _looks(reader: FaceReader, image: Image) -> list[Look]:
    looks = reader.looks(_pixels(image))
    if not looks:
        raise NoFaceError(_not_one(_name(image), 0))
    return looks


def _near(looks: list[Look]) -> list[Look]:
    near = people_in([look.face for look in looks])
    return [look for look in looks if look.face in near]


def _not_one(name: str, count: int) -> str:
    if count:
        return f"{name} shows {count} faces, and one is needed. Cut the picture to one person."
    return f"no face was found in {name}. Is it upright, sharp and not too small?"


def _pixels(image: Image) -> Pixels:
    """RGB pixels of a file or of a BGR array."""
    if isinstance(image, (str, Path)):
        return read_image(Path(image))
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:  # noqa: PLR2004
        raise CameraError(
            f"an array of {image.dtype} {image.shape} is not a picture: "
            "give BGR uint8 (height, width, 3), as cv2.imread does."
        )
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _name(image: Image) -> str:
    return str(image) if isinstance(image, (str, Path)) else "the array"


def _similarity(limit: float, metric: Metric) -> float:
    """`distance` turned round."""
    return 1.0 - limit if metric == "cosine" else 1.0 - limit * limit / 2.0


def _reader(config: Config | None, model: str | None, detector: str | None) -> FaceReader:
    config = config or Config()
    chosen = {"embedder": model, "detector": detector}
    models = config.models.model_copy(update={k: v for k, v in chosen.items() if v is not None})
    return _loaded(config.model_copy(update={"models": models}).model_dump_json())


@lru_cache(maxsize=4)
def _loaded(config: str) -> FaceReader:
    """Models load slowly; a script calls many times. Keyed by the text: a Config has no hash."""
    return FaceReader(Config.model_validate_json(config))
