"""The parity gate: an int8 file must do what its float sibling does, and faster."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.records import Face, Frame, Landmarks
from edge.vision.faces.detector import Detector
from edge.vision.faces.embedder import Embedder
from edge.vision.faces.landmarks import Mesh
from edge.vision.liveness.check import Answer
from edge.vision.liveness.eyelids import Eyelids
from edge.vision.liveness.limits import SHUT_WEIGHT
from edge.vision.liveness.network import Network
from edge.vision.liveness.recapture import Recapture
from edge.vision.liveness.skin import Skin
from edge.vision.liveness.surroundings import Surroundings
from edge.vision.liveness.views import View
from edge.vision.models.entries import (
    DetectorEntry,
    EmbedderEntry,
    Entry,
    EyelidsEntry,
    RecaptureEntry,
    SkinEntry,
    SurroundingsEntry,
)
from edge.vision.models.manifest import E
from edge.vision.models.model import Model
from models.build import images
from models.build.images import Pixels

RUNS = 300  # interleaved, for the timing
VIEWS = 300
FMR = 1e-3
MANY = 100  # people: below that, FMR says nothing

Located = Mapping[str, tuple[Frame, Landmarks]]


@dataclass(frozen=True)
class Gate:
    """What was measured, as text, and which bars were missed."""

    figures: dict[str, float]
    missed: list[str]


def _frame(pixels: Pixels) -> Frame:
    return Frame(pixels, 0.0, 0)


def _speed(float_model: Model[E], int8_model: Model[E]) -> dict[str, float]:
    """Median milliseconds on one thread, the two taking turns; of its own time, not of waiting."""
    width, height = int8_model.size
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    times: dict[str, list[float]] = {"float_ms": [], "int8_ms": []}
    for _ in range(RUNS):
        for name, model in zip(times, (float_model, int8_model), strict=True):
            start = time.thread_time()
            model.run(*[pixels] * model.entry.input.pictures)
            times[name].append(1e3 * (time.thread_time() - start))
    return {name: float(np.median(values)) for name, values in times.items()}


def _judge(figures: dict[str, float], bars: dict[str, tuple[str, float]]) -> Gate:
    missed = []
    for name, (sense, bar) in bars.items():
        value = figures.get(name)
        if value is not None and (value < bar if sense == ">=" else value > bar):
            missed.append(f"{name} is {value:.4g}, must be {sense} {bar:.4g}")
    return Gate(figures, missed)


def detector(
    float_model: Model[DetectorEntry], int8_model: Model[DetectorEntry], pictures: list[Pixels]
) -> Gate:
    """Boxes and keypoints of the same faces, at many scales, places, angles and lights."""
    random = np.random.default_rng(1)
    before, after = Detector(float_model), Detector(int8_model)
    overlaps, drifts, found, lost = [], [], 0, 0
    for _ in range(VIEWS):
        picture = pictures[random.integers(len(pictures))]
        frame = _frame(images.view(picture, 256, random))
        faces, others = before.detect(frame), after.detect(frame)
        if not faces:
            continue
        found += 1
        best = max(others, key=lambda other: faces[0].box.iou(other.box), default=None)
        if best is None:
            lost += 1
            continue
        overlaps.append(faces[0].box.iou(best.box))
        drift = np.linalg.norm(faces[0].keypoints - best.keypoints, axis=1).mean()
        drifts.append(drift / faces[0].box.width)
    figures = {
        "box_iou": float(np.mean(overlaps)),
        "box_iou_5th_percentile": float(np.quantile(overlaps, 0.05)),
        "keypoint_error": float(np.mean(drifts)),
        "faces": float(found),
        "lost": lost / found,
        **_speed(float_model, int8_model),
    }
    bars = {
        "box_iou": (">=", 0.95),
        "keypoint_error": ("<=", 0.015),
        "lost": ("<=", 0.01),
        "int8_ms": ("<=", figures["float_ms"]),
    }
    return _judge(figures, bars)


PASSIVE: dict[type[Entry], tuple[type[Network], float]] = {
    RecaptureEntry: (Recapture, 0.1),
    SurroundingsEntry: (Surroundings, 0.2),
    SkinEntry: (Skin, 0.27),
}
"""What each passive network says of a face, log-odds, and how far off int8 may be in the mean: of a
single look, where eight are averaged."""


def passive(
    float_model: Model[E], int8_model: Model[E], find: Detector, pictures: list[Pixels]
) -> Gate:
    """Log-odds of the faces in some pictures."""
    kind, most = PASSIVE[type(float_model.entry)]
    before, after = (kind(lambda _kind, m=m: m).odds for m in (float_model, int8_model))
    return _odds(before, after, find, pictures, _speed(float_model, int8_model), most=most)


def _odds(
    before: Callable[[View], Answer],
    after: Callable[[View], Answer],
    find: Detector,
    pictures: list[Pixels],
    speed: dict[str, float],
    *,
    most: float,
) -> Gate:
    frames = map(_frame, pictures)
    found = [View(frame, face) for frame in frames for face in find.detect(frame)]
    one, other = (np.array([odds(view)() for view in found]) for odds in (before, after))
    figures = {
        "faces": float(len(found)),
        "odds_error": float(np.abs(one - other).mean()),
        "odds_error_95th_percentile": float(np.quantile(np.abs(one - other), 0.95)),
        **speed,
    }
    return _judge(figures, {"odds_error": ("<=", most), "int8_ms": ("<=", figures["float_ms"])})


def eyelids(
    float_model: Model[EyelidsEntry], int8_model: Model[EyelidsEntry], faces: Located
) -> Gate:
    """Lid levels of the same faces, of the mean of both eyes as blinks are told by it."""

    def level(model: Model[EyelidsEntry]) -> NDArray[np.float64]:
        seen = [Eyelids(model).measure(*face) for face in faces.values()]
        opening = np.array([eyes.right + eyes.left for eyes in seen]) / 2
        shut = np.array([eyes.right_shut + eyes.left_shut for eyes in seen]) / 2
        return np.asarray(opening / np.median(opening) - SHUT_WEIGHT * shut)

    off = np.abs(level(float_model) - level(int8_model))
    figures = {
        "faces": float(len(faces)),
        "level_error": float(off.mean()),
        "level_error_95th_percentile": float(np.quantile(off, 0.95)),
        **_speed(float_model, int8_model),
    }
    return _judge(figures, {"level_error": ("<=", 0.03), "int8_ms": ("<=", figures["float_ms"])})


def _central(faces: list[Face], frame: Frame) -> Face:
    """The face nearest to the middle: the one a picture of LFW is named for."""
    height, width = frame.pixels.shape[:2]

    def distance(face: Face) -> float:
        x, y = face.box.centre
        return abs(x - width / 2) + abs(y - height / 2)

    return min(faces, key=distance)


def located(find: Detector, mesh: Mesh, pictures: Mapping[str, Pixels]) -> Located:
    """The central face of every picture that shows one."""
    found = {}
    for name, picture in pictures.items():
        frame = _frame(picture)
        if faces := find.detect(frame):
            found[name] = frame, mesh.locate(frame, _central(faces, frame))
    return found


def _accepted(vectors: NDArray[np.float32], people: list[str]) -> float:
    """Share of the genuine pairs accepted at FMR, over every pair that the pictures make."""
    first, second = np.triu_indices(len(people), 1)
    similarity = (vectors @ vectors.T)[first, second]
    names = np.array(people)
    same = names[first] == names[second]
    threshold = np.quantile(similarity[~same], 1 - FMR)
    return float(np.mean(similarity[same] > threshold))


def embedder(
    float_model: Model[EmbedderEntry], int8_model: Model[EmbedderEntry], faces: Located
) -> Gate:
    """Embeddings of the same faces, named PERSON/FILE."""
    vectors = [
        np.stack([network.embed(*face).vector for face in faces.values()])
        for network in (Embedder([float_model]), Embedder([int8_model]))
    ]
    cosine = np.einsum("nd,nd->n", *vectors)
    figures = {
        "cosine": float(cosine.mean()),
        "cosine_1st_percentile": float(np.quantile(cosine, 0.01)),
        "faces": float(len(faces)),
        **_speed(float_model, int8_model),
    }
    people = [name.split("/")[0] for name in faces]
    if len(set(people)) > MANY:
        figures["float_tar"] = _accepted(vectors[0], people)
        figures["int8_tar"] = _accepted(vectors[1], people)
        figures["tar_loss"] = figures["float_tar"] - figures["int8_tar"]
    bars = {
        "cosine": (">=", 0.99),
        "tar_loss": ("<=", 0.005),
        "int8_ms": ("<=", figures["float_ms"]),
    }
    return _judge(figures, bars)
