"""Samples from faces: cut, degraded, put on screens and paper, as the three crops that are learnt.

Half of what there is to learn are attacks that were made: real faces on devices and prints in
made-up rooms (`edge.evaluate.attacks.room`), and on screens that fill the frame.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks import Sitter, room
from edge.evaluate.attacks.screens import replay_beyond_the_view, replay_on_screen
from edge.evaluate.attacks.sitter import FACE_WIDTH, SIDE
from edge.records import Box
from edge.vision.liveness.views import around
from models.build.recapture.shape import SCALES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from models.build.images import Pixels
    from models.build.recapture.data import Face, Label

    Generator = np.random.Generator
    Crops = tuple[Pixels, ...]

SHARES = {"faces": 0.46, "rooms": 0.3, "screens": 0.07, "near": 0.11, "cut_out": 0.06}
"""Of the pool. No edge of near screens is in view; cut-outs are real faces in their frame."""
SCREENS = {"screens": replay_on_screen, "near": replay_beyond_the_view}
KINDS = (room.PHONE, room.PHONE_LYING, room.TABLET, room.LAPTOP, room.TELEVISION, room.PAPER)
KIND_SHARES = (0.26, 0.06, 0.18, 0.16, 0.12, 0.22)
SIZES = (128, 80, 80)
"""Of the crops, pixels: what the teachers take. The student takes 80."""
FLATTEN = 0.6
"""A source of n faces of one class counts as n to this power."""


def crops_of(pixels: Pixels, box: Box) -> tuple[Pixels, ...]:
    """A face as each teacher looks at it."""
    return tuple(
        around(pixels, box, scale, size) for scale, size in zip(SCALES, SIZES, strict=True)
    )


def samples(faces: Sequence[Face], count: int, seed: int) -> Iterator[tuple[Label, Crops]]:
    """`count` of them, the same for one seed."""
    random = np.random.default_rng(seed)
    drawn = weights([face.label for face in faces])
    real = [
        face
        for face in faces
        if not face.label.attack and (face.label.whole or face.label.kind == "lfw")
    ]
    for _ in range(count):
        way = random.choice(list(SHARES), p=list(SHARES.values()))
        if way == "faces":
            face = faces[random.choice(len(faces), p=drawn)]
            pixels, box = _cut(random, face.pixels, face.box)
            pixels = _degraded(random, pixels)
        else:
            face = real[random.integers(len(real))]
            pixels, box = _shown(random, str(way), *_cut(random, face.pixels, face.box))
        crops = crops_of(pixels, _jittered(random, box))
        if _chance(random, 0.5):
            crops = tuple(crop[:, ::-1] for crop in crops)
        attack = face.label.attack or way in {"rooms", *SCREENS}
        yield replace(face.label, attack=attack, made=True), crops


def weights(labels: Sequence[Label]) -> NDArray[np.float64]:
    """How often each face is drawn: large sources no more than small ones, nearly."""
    keys = np.array([f"{label.source} {label.attack}" for label in labels])
    _, place, counts = np.unique(keys, return_inverse=True, return_counts=True)
    drawn = counts[place] ** (FLATTEN - 1.0)
    return np.asarray(drawn / drawn.sum(), np.float64)


def _shown(random: Generator, way: str, pixels: Pixels, box: Box) -> tuple[Pixels, Box]:
    """A real face on a device in a room, on a screen that fills the frame, or neither."""
    picture, place = _centred(pixels, box)
    sitter = Sitter(picture, picture, np.zeros((2, 2, 2), np.float32))
    stamps = random.uniform(0, 3, 1).astype(np.float32)
    if way == "cut_out":
        return _degraded(random, picture), place
    if screen := SCREENS.get(way):
        return next(screen(sitter, random, stamps)), place
    while True:
        scene = room.scene(random, KINDS[random.choice(len(KINDS), p=KIND_SHARES)])
        frame, seen = scene.film(picture, float(stamps[0])), scene.box(place, float(stamps[0]))
        x, y = seen.centre
        if 0 < x < SIDE and 0 < y < SIDE:
            return (_compressed(random, frame) if _chance(random, 0.4) else frame), seen


def _centred(pixels: Pixels, box: Box) -> tuple[Pixels, Box]:
    """As sitters are cut out; the face's box is about as wide as its mesh."""
    scale, (x, y) = FACE_WIDTH / box.width, box.centre
    place = np.array([[scale, 0, SIDE / 2 - scale * x], [0, scale, SIDE / 2 - scale * y]])
    picture = cv2.warpAffine(pixels, place, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    edge = (SIDE - FACE_WIDTH) / 2
    return np.asarray(picture, np.uint8), Box(edge, edge, FACE_WIDTH, FACE_WIDTH)


def _cut(random: Generator, pixels: Pixels, box: Box) -> tuple[Pixels, Box]:
    """Sometimes less of the surroundings, as the edge of a frame cuts them."""
    if _chance(random, 0.55):
        return pixels, box
    height, width = pixels.shape[:2]
    left, top, right, bottom = random.uniform(0, 1.4, 4) * box.width
    x, y = int(max(0, box.left - left)), int(max(0, box.top - top))
    end = int(min(width, box.left + box.width + right))
    low = int(min(height, box.top + box.height + bottom))
    return pixels[y:low, x:end], Box(box.left - x, box.top - y, box.width, box.height)


def _jittered(random: Generator, box: Box) -> Box:
    side = box.width * random.normal(1, 0.05)
    x, y = np.array(box.centre) + random.normal(0, 0.03, 2) * box.width
    return Box(x - side / 2, y - side / 2, side, side)


def _degraded(random: Generator, pixels: Pixels) -> Pixels:
    """Light, colour, focus, size, noise and compression of another camera."""
    light = pixels.astype(np.float32)
    if _chance(random, 0.7):
        light = light * random.uniform(0.6, 1.35) + random.uniform(-18, 18)
    if _chance(random, 0.4):
        light = 255 * (np.clip(light, 0, 255) / 255) ** random.uniform(0.75, 1.35)
    if _chance(random, 0.4):
        grey = light.mean(axis=2, keepdims=True)
        light = grey + (light - grey) * random.uniform(0.6, 1.3)
    if _chance(random, 0.4):
        light = light * random.uniform(0.92, 1.08, 3)
    if _chance(random, 0.3):
        light = cv2.GaussianBlur(light, (0, 0), random.uniform(0.3, 1.5))
    if _chance(random, 0.25):
        share, (height, width) = random.uniform(0.4, 0.9), light.shape[:2]
        small = cv2.resize(light, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        light = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if _chance(random, 0.4):
        light = light + random.normal(0, random.uniform(1, 6), light.shape[:2])[..., None]
    result = np.clip(light, 0, 255).astype(np.uint8)
    return _compressed(random, result) if _chance(random, 0.5) else result


def _compressed(random: Generator, pixels: Pixels) -> Pixels:
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(35, 95))]
    content = cv2.imencode(".jpg", pixels, quality)[1]
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def _chance(random: Generator, share: float) -> bool:
    return bool(random.random() < share)
