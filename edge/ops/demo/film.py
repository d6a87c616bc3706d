"""The demo's film: a stranger, a still picture of the enrolled person, the person."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import CameraError, NoFaceError, UsageError
from edge.folders import make_folder
from edge.installed import with_extra
from edge.ops.demo import animate
from edge.ops.demo.animate import Appearance, Portrait, Stage
from edge.vision.portraits import portraits
from edge.vision.still import still

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from edge.records import Pixels
    from edge.vision.stages import Stages

SIZE = (640, 480)
FPS = 30.0
FACE_PX = 190
ENROLLED = "Eileen"
_STRANGER_S, _STILL_S, _PERSON_S, _EMPTY_S = 3.5, 6.0, 4.5, 1.0
_BLINKS_S = (1.0, 2.2)  # the stranger's


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens from a time in the film on, and what should come of it."""

    begins_s: float
    what: str
    expected: str


def actors(stages: Stages) -> tuple[Portrait, Portrait]:
    """The person to enrol and the stranger: two portraits in the public domain.

    Raises:
        UsageError: the packages that carry them are not installed.
        NoFaceError: the models find no face in them.
    """
    pictures = portraits()
    if len(pictures) != 2:
        raise UsageError(f"the demo needs its extra packages. Run: {with_extra('demo')}")
    person, stranger = pictures
    return _portrait(person, stages), _portrait(stranger, stages)


def enrolment_pictures(person: Portrait, folder: Path) -> Path:
    """Write stills for the enrolment into `folder`, each a little different."""
    stage = Stage(SIZE, FPS, FACE_PX * 0.9, seed=7)
    make_folder(folder)
    for number, tilt in enumerate((-6.0, -3.0, 0.0, 3.0, 6.0)):
        picture = stage.show(person, t=2.0 * number, tilt_deg=tilt)
        _write_image(folder / f"{number}.png", picture)
    return folder


def kept_or_shot(
    person: Portrait, stranger: Portrait, path: Path, say: Callable[[str], None]
) -> tuple[tuple[Scene, ...], float]:
    """Put the film at `path`: that of an earlier run, or a new one, which is kept for the next.

    Returns its scenes and its length in seconds.
    """
    kept = _cache() / f"demo-{_recipe(person, stranger)}.avi"
    notes = kept.with_suffix(".json")
    try:
        scenes, length_s = json.loads(notes.read_text(encoding="utf-8"))
        shutil.copy(kept, path)
    except (OSError, ValueError):
        say("shooting a film: a stranger, a still picture, the enrolled person")
    else:
        say("the film of an earlier run: a stranger, a still picture, the enrolled person")
        return tuple(Scene(*scene) for scene in scenes), length_s
    scenes, length_s = shoot(person, stranger, path)
    with contextlib.suppress(OSError):  # without room or rights it is shot again next time
        make_folder(kept.parent)
        for old in kept.parent.glob("demo-*"):
            old.unlink()
        shutil.copy(path, kept)
        notes.write_text(json.dumps([[astuple(scene) for scene in scenes], length_s]))
    return scenes, length_s


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edge-door"


def _recipe(person: Portrait, stranger: Portrait) -> str:
    """What the film is made of: its code, its actors, and OpenCV."""
    digest = hashlib.sha256(cv2.__version__.encode())
    for file in (Path(__file__), Path(animate.__file__)):
        digest.update(file.read_bytes())
    for actor in (person, stranger):
        digest.update(np.ascontiguousarray(actor.pixels).tobytes())
        digest.update(actor.landmarks.points.tobytes())
    return digest.hexdigest()[:16]


def shoot(person: Portrait, stranger: Portrait, path: Path) -> tuple[tuple[Scene, ...], float]:
    """Write the film to `path`; its scenes and its length in seconds."""
    stage = Stage(SIZE, FPS, FACE_PX, seed=11)
    scenes = []
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, SIZE)
    if not writer.isOpened():
        raise CameraError(f"the film {path} cannot be written")
    shot = 0
    try:
        for what, expected, portrait, shown in (
            (
                "a stranger, blinking",
                "denied: no match",
                stranger,
                Appearance(_STRANGER_S, _BLINKS_S),
            ),
            ("a still picture of " + ENROLLED, "denied: no blink", person, Appearance(_STILL_S)),
            (ENROLLED + ", blinking", "granted", person, Appearance(_PERSON_S, (1.4, 3.2))),
        ):
            shot += _add(writer, stage.empty(_EMPTY_S))
            scenes.append(Scene(shot / FPS, what, expected))
            shot += _add(writer, stage.play(portrait, shown))
        shot += _add(writer, stage.empty(_EMPTY_S))
    finally:
        writer.release()
    return tuple(scenes), shot / FPS


def _add(writer: cv2.VideoWriter, pictures: Iterable[Pixels]) -> int:
    count = 0
    for picture in pictures:
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        count += 1
    return count


def _portrait(pixels: Pixels, stages: Stages) -> Portrait:
    frame = still(pixels)
    faces = stages.detector.detect(frame)
    if len(faces) != 1:
        raise NoFaceError(f"the demo's portrait shows {len(faces)} faces, one is needed")
    return Portrait(pixels, stages.mesh.locate(frame, faces[0]))


def _write_image(path: Path, pixels: Pixels) -> None:
    if not cv2.imwrite(str(path), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)):
        raise CameraError(f"the picture {path} cannot be written")
