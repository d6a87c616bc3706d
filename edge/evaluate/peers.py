"""Ours beside what others use, in turn on the same frames, by the processor's time.

A frame is one of a camera of 640x480. What each does with it differs and is said beside the figure:
dlib's pipeline and a step with an embedding say who it is, MediaPipe's mesh only follows a face.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from edge.access.matcher import PROBES
from edge.errors import UsageError
from edge.evaluate.bench import WARM_UP, frames_of, in_float, read_all
from edge.installed import with_extra
from edge.vision.models.manifest import read_manifest
from edge.vision.pipeline import Pipeline
from edge.vision.portraits import portraits
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edge.config import Config
    from edge.records import Frame

FPS = 30


class Contender(Protocol):
    """One way to look at a frame."""

    name: str
    does: str

    def look(self, frame: Frame) -> bool:
        """Do all of it; whether a face was found."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one contender took, in milliseconds of the processor, all its threads together."""

    name: str
    does: str
    mean_ms: float
    median_ms: float
    p95_ms: float
    found: float
    """Share of the frames in which it found a face."""


class EveryStage:
    """The door's own pipeline; frames come so seldom that each gets every stage."""

    def __init__(self, name: str, config: Config) -> None:
        self.name, self.does = name, "who it is, and blinks"
        self._pipeline = Pipeline(Stages.load(config), config)

    def look(self, frame: Frame) -> bool:
        """See `Contender`."""
        return self._pipeline.step(frame).faces == 1


class WhatIsDue:
    """The same at a camera's rate: on each frame what a door does for people whom it knows."""

    name, does = f"edge-door, a frame at {FPS}/s", "all that is due"

    def __init__(self, config: Config) -> None:
        self._pipeline = Pipeline(Stages.load(config), config)
        self._track = self._compared = 0

    def look(self, frame: Frame) -> bool:
        """See `Contender`."""
        evidence = self._pipeline.step(replace(frame, captured_at=frame.sequence / FPS))
        if evidence.track != self._track:
            self._track, self._compared = evidence.track, 0
        self._compared += evidence.embedding is not None
        self._pipeline.identified = self._compared >= PROBES
        return evidence.faces == 1


class Dlib:
    """dlib's detector, five points and ResNet, as face_recognition and Howdy run them."""

    does = "who it is"

    def __init__(self, upsample: int) -> None:
        """Upsample the picture so many times before it is looked at.

        Raises:
            ImportError: dlib or its models are not installed.
        """
        self.name = f"dlib, upsampled {upsample}x" if upsample else "dlib"
        dlib = import_module("dlib")
        found = find_spec("face_recognition_models")
        if found is None or found.origin is None:
            raise ImportError("face_recognition_models")
        folder = Path(found.origin).parent / "models"
        self._upsample = upsample
        self._find = dlib.get_frontal_face_detector()
        self._points = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        self._embed = dlib.face_recognition_model_v1(
            str(folder / "dlib_face_recognition_resnet_model_v1.dat")
        )

    def look(self, frame: Frame) -> bool:
        """See `Contender`."""
        boxes = self._find(frame.pixels, self._upsample)
        for box in boxes:
            self._embed.compute_face_descriptor(frame.pixels, self._points(frame.pixels, box), 1)
        return len(boxes) == 1


class FaceMesh:
    """MediaPipe's FaceMesh in Python, following one face."""

    name, does = "MediaPipe FaceMesh", "follows a face"

    def __init__(self) -> None:
        """Load it.

        Raises:
            ImportError: MediaPipe is not installed.
        """
        solutions = import_module("mediapipe").solutions
        self._mesh = solutions.face_mesh.FaceMesh(static_image_mode=False, max_num_faces=1)

    def look(self, frame: Frame) -> bool:
        """See `Contender`."""
        return bool(self._mesh.process(frame.pixels).multi_face_landmarks)


class OpenCv:
    """OpenCV's YuNet and SFace, from their ONNX files."""

    name, does = "OpenCV YuNet and SFace", "who it is"

    def __init__(self, yunet: Path, sface: Path) -> None:
        """Load both.

        Raises:
            UsageError: a file is not that network.
        """
        try:
            self._find = cv2.FaceDetectorYN.create(str(yunet), "", (640, 480), 0.7)
            self._embed = cv2.FaceRecognizerSF.create(str(sface), "")
        except cv2.error as error:
            raise UsageError(f"{yunet} and {sface} are not YuNet and SFace: {error}") from error

    def look(self, frame: Frame) -> bool:
        """See `Contender`."""
        bgr = np.ascontiguousarray(frame.pixels[:, :, ::-1])
        _, faces = self._find.detect(bgr)
        for face in () if faces is None else faces:
            self._embed.feature(self._embed.alignCrop(bgr, face))
        return faces is not None and len(faces) == 1


def contenders(config: Config, onnx: tuple[Path, Path] | None) -> list[Contender]:
    """Ours, and those of the others that are installed or whose files are given.

    Raises:
        UsageError: there is nobody to compare with, or a file is not what it should be.
    """
    floats = in_float(config, read_manifest(config.models_folder))
    ours: list[Contender] = [
        WhatIsDue(config),
        EveryStage("edge-door, every stage", config),
        EveryStage("edge-door, every stage, in float where we ship it", floats),
    ]
    others: list[Contender] = [OpenCv(*onnx)] if onnx else []
    for make in (lambda: Dlib(0), lambda: Dlib(1), FaceMesh):
        with suppress(ImportError):
            others.append(make())
    if not others:
        raise UsageError(
            "there is nobody to compare with. In an environment of its own, run: "
            f"{with_extra('demo,peers')}, or give --yunet and --sface"
        )
    return [*ours, *others]


def beside(
    config: Config, pictures: Path | None, steps: int, onnx: tuple[Path, Path] | None
) -> list[Taken]:
    """Show every frame to all in turn, the quickest last.

    Args:
        config: Names our models; one thread is best, since others' threads count too.
        pictures: A folder of portraits; default: two portraits from Python packages.
        steps: Frames measured.
        onnx: Files of OpenCV's YuNet and SFace.

    Raises:
        UsageError: as `contenders`; there is no portrait.
    """
    shown = portraits() if pictures is None else read_all(pictures)
    field = contenders(config, onnx)
    spans: list[list[float]] = [[] for _ in field]
    found = [0 for _ in field]
    cv2.setNumThreads(1)
    for frame in frames_of(shown, WARM_UP + steps):
        for number, span in enumerate(_shown(field, frame, found)):
            spans[number].append(span)
    taken = [
        _taken(one, np.array(mine[WARM_UP:]) * 1e3, hits / (WARM_UP + steps))
        for one, mine, hits in zip(field, spans, found, strict=True)
    ]
    return sorted(taken, key=lambda one: one.mean_ms, reverse=True)


def _shown(field: list[Contender], frame: Frame, found: list[int]) -> Iterator[float]:
    for number, contender in enumerate(field):
        begin = time.process_time()
        found[number] += contender.look(frame)
        yield time.process_time() - begin


def _taken(one: Contender, ms: NDArray[np.float64], found: float) -> Taken:
    median, p95 = np.percentile(ms, [50, 95])
    return Taken(one.name, one.does, float(ms.mean()), float(median), float(p95), found)
