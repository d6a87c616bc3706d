"""What one picture shows: its faces, their vectors, and what else a door may know of them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from edge.config import Config
from edge.config.seeing import Level
from edge.faces.attributes import attributes
from edge.faces.calls import one_at_a_time
from edge.faces.family import refuse_what_does_nothing
from edge.faces.reader import looks_in, reader_for
from edge.faces.results import Analysis, ExtractedFace, Representation
from edge.vision.liveness.checks import opinions_of
from edge.vision.liveness.views import View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.faces.attributes import Attribute
    from edge.faces.reader import FaceReader, Image
    from edge.vision.pipeline import Look


@one_at_a_time
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
    reader = reader_for(config, None, detector_backend)
    return [
        ExtractedFace(
            look.aligned.pixels,
            look.face.box,
            look.landmarks.five,
            look.face.score,
            look.quality,
        )
        for look in looks_in(reader, img_path, needed=enforce_detection)[:max_faces]
    ]


@one_at_a_time
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
    reader = reader_for(config, model_name, detector_backend)
    return [
        Representation(reader.embed(look).vector, reader.model.name, look.face.box, look.face.score)
        for look in looks_in(reader, img_path, needed=enforce_detection)[:max_faces]
    ]


@one_at_a_time
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
    reader = reader_for(config, None, detector_backend, passive)
    guessing = _guessing(reader.config.model_dump_json(), asked)
    return [
        _analysis(reader, look, guessing)
        for look in looks_in(reader, img_path, needed=enforce_detection)
    ]


@lru_cache(maxsize=4)
def _guessing(config: str, questions: tuple[str, ...]) -> list[Attribute]:
    return attributes(Config.model_validate_json(config), questions)


def _analysis(reader: FaceReader, look: Look, guessing: list[Attribute]) -> Analysis:
    landmarks, quality = look.landmarks, look.quality
    view = View(look.frame, look.face)
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
        suspicions={one.check: one.against for one in opinions_of(reader.stages.checks, view)},
        quality=quality,
        guesses={key: said for one in guessing for key, said in one.guess(look).items()},
    )
