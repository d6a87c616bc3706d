"""Lines of Python: `extract_faces`, `represent`, `verify`, `find`, `analyze`, `stream`.

Names and arguments are those of deepface, results are frozen and typed, and their fields are keys
as well. Everything runs through the stages of the daemon: what this finds alike, the door finds
alike. Arrays that are given are BGR, as OpenCV has them; faces that are returned are RGB. Safe from
several threads, one of which works at a time.

All metrics say the same thing. Embeddings are unit vectors, so for a similarity s = a.b

    cosine = 1 - s        euclidean = euclidean_l2 = |a - b| = sqrt(|a|^2 + |b|^2 - 2 a.b)
                                                             = sqrt(2 - 2 s)

and a threshold in one of them is a threshold in the others.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import os
import sys
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from edge.access.matcher import ranked
from edge.arguments import refuse_wrong_values
from edge.attributes import attributes
from edge.config import DEFAULT_PATH, Config, load
from edge.config.sections import Level
from edge.errors import CameraError, ModelError, NoFaceError, UsageError, VaultError
from edge.family import refuse_what_does_nothing, with_preset
from edge.records import LivenessState, Template
from edge.remembered import Remembered
from edge.results import (
    Analysis,
    ExtractedFace,
    Found,
    Metric,
    Representation,
    Sighting,
    Verification,
    distance,
)
from edge.vault.vault import Vault
from edge.vision.calibrated import read_calibration
from edge.vision.camera import Camera, images_in, read_image
from edge.vision.faces.limits import MIN_PRESENCE
from edge.vision.faces.quality import assess_for_enrolment
from edge.vision.inputs import name_of, pixels_of
from edge.vision.models.entries import DetectorEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.opencv import settled
from edge.vision.pipeline import Look, Pipeline, Stages, people_in
from edge.vision.still import faces_in, still

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike
    from typing_extensions import ParamSpec, TypeVar

    from edge.attributes import Attribute
    from edge.records import Embedding, Floats, Frame, Pixels

    Image = object
    """See `edge.vision.inputs.pixels_of`."""
    P = ParamSpec("P")
    T = TypeVar("T")

__all__ = [
    "Analysis",
    "ExtractedFace",
    "FaceReader",
    "Found",
    "Metric",
    "Representation",
    "Sighting",
    "Verification",
    "analyze",
    "distance",
    "extract_faces",
    "find",
    "represent",
    "stream",
    "verify",
]

PICTURES_FMR = 1e-3
"""The false-match rate at which pictures are compared: a person looks at the answer, so it turns
fewer people away than a door does (`match.false_match_rate`)."""
_FRAME_WAIT_S = 5.0

log = logging.getLogger(__name__)
_turn = threading.RLock()
"""Interpreters of networks are for one thread, and OpenCV's settings are the process's."""


def _checked(function: Callable[P, T]) -> Callable[P, T]:
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checking(*args: P.args, **options: P.kwargs) -> T:
        refuse_wrong_values(function.__name__, signature.bind(*args, **options))
        return function(*args, **options)

    return checking


def _one_at_a_time(function: Callable[P, T]) -> Callable[P, T]:
    @functools.wraps(function)
    def taking_turns(*args: P.args, **options: P.kwargs) -> T:
        with _turn, settled():
            return function(*args, **options)

    return _checked(taking_turns)


class FaceReader:
    """The daemon's stages, for pictures."""

    def __init__(self, config: Config) -> None:
        """Load the models.

        Raises:
            ModelError: see `Stages.load`.
        """
        manifest = read_manifest(config.models_folder)
        self.config = config
        self.model = manifest.embedder(config.models.embedder)
        self.detector = manifest.entry(DetectorEntry, config.models.detector)
        self.stages = Stages.load(config)
        self._pipeline = Pipeline(self.stages, config)

    def looks(self, pixels: Pixels) -> list[Look]:
        """Every face in an RGB picture, best first.

        What the mesh takes for no face is left out.
        """
        frame = still(pixels)
        looks = [self._pipeline.look(frame, f) for f in faces_in(frame, self.stages.detector)]
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

    def taken(self, look: Look | None) -> tuple[Floats | None, bool, bool]:
        """A face's vector, whether the door judges it and whether enrolment takes it."""
        if look is None:
            return None, False, False
        template = assess_for_enrolment(look.quality, look.landmarks, look.aligned)
        return self.embed(look).vector, look.quality.ok, template.ok

    def embed(self, look: Look) -> Embedding:
        """The vector of a face."""
        return self.stages.embedder.embed(look.frame, look.landmarks, look.aligned)


@_one_at_a_time
def extract_faces(
    img_path: Image,
    detector_backend: str | None = None,
    *,
    enforce_detection: bool = True,
    max_faces: int | None = None,
    config: Config | None = None,
    **others: object,
) -> list[ExtractedFace]:
    """All faces in a picture, aligned, best first.

    Args:
        img_path: A picture of any kind that `edge.vision.inputs.pixels_of` takes: a path, bytes, an
            open file, an image of PIL, a data URI, or an array (BGR, grey or BGRA; 0-1 in float).
        detector_backend: A detector of the manifest; default: the manifest's own choice.
        enforce_detection: False: a picture without a face gives an empty list, and no error.
        max_faces: Only so many, the best.
        config: Other models and limits than those of $EDGE_DOOR_CONFIG, or the defaults.
        others: deepface's further arguments, where they change nothing.

    Raises:
        CameraError: the picture cannot be read.
        NoFaceError: it shows no face.
        ModelError: there is no such detector.
        UsageError: an argument has no meaning here; says what to use instead.
    """
    refuse_what_does_nothing("extract_faces", others)
    reader = _reader(config, None, detector_backend)
    return [
        ExtractedFace(
            look.aligned.pixels,
            look.face.box,
            look.landmarks.five,
            look.face.score,
            look.quality,
        )
        for look in _looks(reader, img_path, needed=enforce_detection)[:max_faces]
    ]


@_one_at_a_time
def represent(
    img_path: Image,
    model_name: str | None = None,
    detector_backend: str | None = None,
    *,
    enforce_detection: bool = True,
    max_faces: int | None = None,
    config: Config | None = None,
    **others: object,
) -> list[Representation]:
    """The vectors of all faces in a picture, best first. Arguments and errors: `extract_faces`."""
    refuse_what_does_nothing("represent", others)
    reader = _reader(config, model_name, detector_backend)
    return [
        Representation(reader.embed(look).vector, reader.model.name, look.face.box, look.face.score)
        for look in _looks(reader, img_path, needed=enforce_detection)[:max_faces]
    ]


@_one_at_a_time
def verify(
    img1_path: Image,
    img2_path: Image,
    model_name: str | None = None,
    detector_backend: str | None = None,
    distance_metric: Metric = "cosine",
    *,
    enforce_detection: bool = True,
    threshold: float | None = None,
    config: Config | None = None,
    **others: object,
) -> Verification:
    """Do two pictures show the same person? Each must show one person.

    Args:
        img1_path: A picture, as in `extract_faces`; or its vector, as `represent` gives it.
        img2_path: The other one.
        model_name: An embedder of the manifest; default: the manifest's own choice.
        detector_backend: A detector of the manifest.
        distance_metric: `cosine`, `euclidean` or `euclidean_l2`.
        enforce_detection: False: of several people the most central one is compared.
        threshold: Largest distance of one person. Default: from the embedder's calibration at
            `PICTURES_FMR`.
        config: Other models and limits than those of $EDGE_DOOR_CONFIG, or the defaults.
        others: deepface's further arguments, where they change nothing.

    Raises:
        CameraError: a picture cannot be read.
        NoFaceError: a picture shows no face, or several.
        ModelError: there is no such model.
        CalibrationError: the model was not calibrated, and no threshold was given.
        UsageError: there is no such metric, or an argument has no meaning here.
    """
    refuse_what_does_nothing("verify", others)
    reader = _reader(config, model_name, detector_backend)
    one, other = (
        _vector(reader, image, strict=enforce_detection) for image in (img1_path, img2_path)
    )
    rate = PICTURES_FMR
    if threshold is None:
        required = read_calibration(reader.config).threshold_for(rate)
    else:
        required = _similarity(threshold, distance_metric)
    distance(required, distance_metric)  # refuses an unknown metric
    if one.shape != other.shape:
        raise UsageError(
            f"vectors of {one.size} and {other.size} numbers are of different networks, and cannot "
            "be compared"
        )
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


@_one_at_a_time
def find(
    img_path: Image,
    db_path: str | Path | None = None,
    model_name: str | None = None,
    detector_backend: str | None = None,
    distance_metric: Metric = "cosine",
    *,
    enforce_detection: bool = True,
    threshold: float | None = None,
    silent: bool = False,
    config: Config | None = None,
    **others: object,
) -> list[list[Found]]:
    """Who is in a picture? For every face those it looks like, the nearest first.

    It goes by the door's own rule (`edge.access.matcher`): comparing with many gives a stranger
    many chances, so all of them share one false-match rate and the threshold rises with their
    number; and it is higher for a face that resembles many others.

    What was found in the folder's pictures is kept in a file beside them, and read anew for a
    picture that has changed. A picture that cannot be read is told in the log and left out.

    Args:
        img_path: A picture, as in `extract_faces`.
        db_path: A folder of pictures, searched with its subfolders. Default: the people enrolled
            on this device; as the command line does, it asks $EDGE_DOOR_CONFIG which that is.
        model_name: An embedder of the manifest; default: the manifest's own choice.
        detector_backend: A detector of the manifest.
        distance_metric: `cosine`, `euclidean` or `euclidean_l2`.
        enforce_detection: False: a picture without a face gives an empty list, and no error.
        threshold: Largest distance of those who are found, instead of the calibrated one.
        silent: No progress on a terminal.
        config: Other models, limits and places.
        others: deepface's further arguments, where they change nothing.

    Raises:
        CameraError: the picture cannot be read, or the folder holds none.
        NoFaceError: the picture shows no face.
        ModelError: there is no such model.
        CalibrationError: the model was not calibrated, or not for so many comparisons.
        VaultError: nobody was ever enrolled here, or they cannot be read.
        UsageError: there is no such metric, or an argument has no meaning here.
    """
    refuse_what_does_nothing("find", others)
    reader = _reader(config, model_name, detector_backend)
    known = _known(reader, db_path, silent=silent)
    alike = _searcher(reader, known, distance_metric, threshold)
    looks = _looks(reader, img_path, needed=enforce_detection)
    return [alike(reader.embed(look)) for look in looks]


@_one_at_a_time
def analyze(
    img_path: Image,
    actions: str | Sequence[str] = (),
    detector_backend: str | None = None,
    *,
    enforce_detection: bool = True,
    config: Config | None = None,
    **others: object,
) -> list[Analysis]:
    """What a door may know of every face in a picture: pose, light, sharpness, cover, eyes, life.

    Arguments and errors: `extract_faces`. `actions` asks besides for deepface's `age`, `gender`,
    `emotion` and `race`: guesses by networks that you have added, since none comes with edge-door.
    """
    refuse_what_does_nothing("analyze", others)
    asked = (actions,) if isinstance(actions, str) else tuple(actions)
    passive = {"liveness": {"level": Level.AUTO}}  # the level that loads the passive checks
    reader = _reader(config, None, detector_backend, passive)
    guessing = _guessing(reader.config.model_dump_json(), asked)
    return [
        _analysis(reader, look, guessing)
        for look in _looks(reader, img_path, needed=enforce_detection)
    ]


@_checked
def stream(
    source: str | Path | int = 0,
    db_path: str | Path | None = None,
    *,
    config: Config | None = None,
    **others: object,
) -> Iterator[Sighting]:
    """What a camera shows, picture by picture, until it ends or you leave the loop.

    Args:
        source: What `[camera] source` takes, or the number of a V4L2 device.
        db_path: A folder of pictures to compare with, as in `find`; without, nobody is looked for.
        config: Other models, limits and camera settings.
        others: deepface's further arguments, where they change nothing.

    Raises:
        CameraError: it cannot be opened, or ended.
        ModelError: a model is missing.
    """
    refuse_what_does_nothing("stream", others)
    return _sightings(source, db_path, config)


def _sightings(
    source: str | Path | int, db_path: str | Path | None, config: Config | None
) -> Iterator[Sighting]:
    named = f"/dev/video{source}" if isinstance(source, int) else str(source)
    with _turn, settled():
        reader = _reader(config, None, None)
        alike = None
        if db_path is not None:
            alike = _searcher(reader, _known(reader, db_path, silent=False), "cosine", None)
        pipeline = Pipeline(reader.stages, reader.config)
    section = reader.config.camera.model_copy(update={"source": named})
    with Camera(section) as camera:
        after = 0
        while True:
            try:
                frame = camera.newest(after, _FRAME_WAIT_S)
            except CameraError:
                if after and camera.is_file:  # a film that ended
                    return
                raise
            if frame is None:
                raise CameraError(f"the camera {section.shown} delivers no picture")
            after = frame.sequence
            with _turn, settled():
                sighting = _sighting(pipeline, frame, alike)
            yield sighting


def _sighting(
    pipeline: Pipeline, frame: Frame, alike: Callable[[Embedding], list[Found]] | None
) -> Sighting:
    evidence = pipeline.step(frame)
    found = alike(evidence.embedding) if alike and evidence.embedding is not None else []
    return Sighting(
        picture=np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR), np.uint8),
        captured_at=frame.captured_at,
        faces=evidence.faces,
        box=evidence.face.box if evidence.face else None,
        live=evidence.liveness.state is LivenessState.LIVE,
        hint=evidence.quality.hint.value if evidence.quality else "",
        found=tuple(found),
    )


@lru_cache(maxsize=4)
def _guessing(config: str, questions: tuple[str, ...]) -> list[Attribute]:
    return attributes(Config.model_validate_json(config), questions)


def _analysis(reader: FaceReader, look: Look, guessing: list[Attribute]) -> Analysis:
    landmarks, quality = look.landmarks, look.quality
    return Analysis(
        box=look.face.box,
        confidence=look.face.score,
        yaw=landmarks.yaw,
        pitch=landmarks.pitch,
        roll=landmarks.roll,
        brightness=quality.brightness,
        sharpness=quality.sharpness,
        face_px=quality.face_px,
        presence=landmarks.presence,
        eyes=reader.stages.eyelids.measure(look.frame, landmarks),
        suspicions={c.name: c.look(look.frame, look.face) for c in reader.stages.checks},
        quality=quality,
        guesses={key: said for one in guessing for key, said in one.guess(look).items()},
    )


def _searcher(
    reader: FaceReader, known: Sequence[Template], metric: Metric, threshold: float | None
) -> Callable[[Embedding], list[Found]]:
    """Who looks like a probe, the nearest first."""
    distance(0.0, metric)  # refuses an unknown metric
    calibration = read_calibration(reader.config)
    limit = None if threshold is None else _similarity(threshold, metric)

    def alike(probe: Embedding) -> list[Found]:
        found = []
        for match in ranked(probe, known, calibration, PICTURES_FMR):
            required = match.threshold if limit is None else limit
            if match.person is not None and match.similarity >= required:
                lies, may_lie = distance(match.similarity, metric), distance(required, metric)
                found.append(Found(match.person, match.similarity, lies, may_lie))
        return sorted(found, key=lambda one: one.distance)

    return alike


def _known(reader: FaceReader, db_path: str | Path | None, *, silent: bool) -> Sequence[Template]:
    if db_path is not None:
        return _pictured(reader, Path(db_path), silent=silent)
    config = reader.config
    if not config.people_db.exists():
        raise VaultError(
            f"nobody was ever enrolled here: there is no {config.people_db}. Name a folder of "
            "pictures as db_path, or the door's configuration in $EDGE_DOOR_CONFIG."
        )
    with Vault.open(config.people_db, config.key_file, config.device.id) as vault:
        return vault.plain_templates(reader.model.sha256)


def _pictured(reader: FaceReader, folder: Path, *, silent: bool) -> list[Template]:
    models = f"{reader.model.sha256} {reader.detector.sha256} {reader.config.quality!r}"
    quiet = silent or not sys.stderr.isatty()
    paths = images_in(folder, "**/*")
    found = []
    with Remembered(folder, models) as remembered:
        console = Console(stderr=True)
        for path in track(paths, "pictures", console=console, transient=True, disable=quiet):
            try:
                vectors = remembered.vectors(path, functools.partial(_near_vectors, reader, path))
            except (CameraError, OSError) as error:
                log.warning("left out: %s", error)
                continue
            found += [Template(str(path), row[np.newaxis], reader.model.sha256) for row in vectors]
    return found


def _near_vectors(reader: FaceReader, path: Path) -> list[Floats]:
    return [reader.embed(look).vector for look in _near(reader.looks(read_image(path)))]


def _looks(reader: FaceReader, image: Image, *, needed: bool) -> list[Look]:
    looks = reader.looks(pixels_of(image))
    if needed and not looks:
        raise NoFaceError(_not_one(name_of(image), 0))
    return looks


def _near(looks: list[Look]) -> list[Look]:
    near = people_in([look.face for look in looks])
    return [look for look in looks if look.face in near]


def _not_one(name: str, count: int) -> str:
    if count:
        return f"{name} shows {count} faces, and one is needed. Cut the picture to one person."
    return f"no face was found in {name}. Is it upright, sharp and not too small?"


def _vector(reader: FaceReader, image: Image, *, strict: bool) -> Floats:
    """The vector of a picture's one face; a vector is taken as it is."""
    if isinstance(image, list | tuple) or (isinstance(image, np.ndarray) and image.ndim == 1):
        return _of_unit_length(image)
    pixels, name = pixels_of(image), name_of(image)
    look = reader.only(pixels, name) if strict else reader.subject(pixels)
    if look is None:
        raise NoFaceError(_not_one(name, 0))
    return reader.embed(look).vector


def _of_unit_length(numbers: ArrayLike) -> Floats:
    try:
        vector = np.asarray(numbers, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"this is no face's vector: {error}") from error
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not math.isfinite(length) or not length:
        raise UsageError(f"{vector.shape} numbers of length {length:g} are no face's vector")
    return np.asarray(vector / length, np.float32)


def _similarity(limit: float, metric: Metric) -> float:
    """`distance` turned round."""
    return 1.0 - limit if metric == "cosine" else 1.0 - limit * limit / 2.0


def _reader(
    config: Config | None,
    model: str | None,
    detector: str | None,
    tables: dict[str, dict[str, Level]] | None = None,
) -> FaceReader:
    config = config or _configured()
    chosen = {"embedder": model, "detector": detector}
    updates = {"models": {k: v for k, v in chosen.items() if v is not None}, **(tables or {})}
    changed = {
        name: getattr(config, name).model_copy(update=table) for name, table in updates.items()
    }
    try:
        return _loaded(config.model_copy(update=changed).model_dump_json())
    except ModelError as error:
        raise ModelError(with_preset(str(error), model or detector or "")) from error


def _configured() -> Config:
    """What the command line would read; the defaults where there is nothing to read."""
    named = os.environ.get("EDGE_DOOR_CONFIG")
    if named:
        return load(Path(named))
    return load(DEFAULT_PATH) if os.access(DEFAULT_PATH, os.R_OK) else Config()


@lru_cache(maxsize=4)
def _loaded(config: str) -> FaceReader:
    """Models load slowly; a script calls many times. Keyed by the text: a Config has no hash."""
    return FaceReader(Config.model_validate_json(config))
