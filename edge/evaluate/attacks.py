"""Presentation attacks that software can make: prints, alternating pictures, stills, screens.

Each is a short film of 320x320 pixels with a face of about 140: the crop that a camera would see,
so that thousands can go through detector, mesh and eyelids. They show where the checks break; they
are drawn by a program and are no evaluation after ISO/IEC 30107-3, for which real instruments are
held in front of real cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edge.records import Floats, Landmarks, Pixels

    Generator = np.random.Generator
    Attack = Callable[["Sitter", Generator, Floats], Iterator[Pixels]]
    Picture = TypeVar("Picture", Pixels, Floats)

SIDE = 320
FACE_WIDTH = 140.0
FRAME_RATES = (10.0, 12.0, 15.0, 20.0, 30.0)
SECONDS = 2.5
_FOCAL = 1.5 * SIDE
_WALL = 150
_BEZEL = (14, 14, 16)
_EYE_LINES = ((33, 133), (362, 263))


@dataclass(frozen=True, slots=True, eq=False)
class Sitter:
    """Two pictures of one person, cut out alike: RGB `(320, 320, 3)`."""

    opened: Pixels
    shut: Pixels
    eyes: Floats
    """`(2, 2, 2)`: corners of the right and of the left eye in the open picture."""
    film: tuple[Pixels, ...] = ()
    """Some seconds of the person, cut out alike, with a blink; for replays."""
    film_fps: float = 0.0


@dataclass(frozen=True, slots=True)
class Presentation:
    """One attack: a film and how fast the camera takes it."""

    species: str
    fps: float
    frames: Iterator[Pixels]


def cut_out(pixels: Pixels, place: Floats) -> Pixels:
    """The face of a frame as sitters are kept; `place` comes from `placing`."""
    return cv2.warpAffine(pixels, place, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


def placing(landmarks: Landmarks) -> Floats:
    """The affine map `(2, 3)` that brings a face to the middle, upright in its frame."""
    points = landmarks.points[:, :2]
    scale = FACE_WIDTH / float(np.ptp(points[:, 0]))
    shift = SIDE / 2 - scale * (points.min(axis=0) + points.max(axis=0)) / 2
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], dtype=np.float32)


def eye_corners(landmarks: Landmarks, place: Floats) -> Floats:
    """`(2, 2, 2)`: eye corners of a face that was cut out at `place`."""
    points = landmarks.points[:, :2] @ place[:, :2].T + place[:, 2]
    return np.stack([points[list(line)] for line in _EYE_LINES]).astype(np.float32)


# Prints: the open picture on paper. `t` runs in seconds.


def print_turned(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Turned and tilted slowly, up to 50 degrees."""
    reach, rate, phase = (
        random.uniform(10, 50, 2),
        random.uniform(0.1, 0.8, 3),
        random.uniform(0, 6),
    )
    for t in stamps:
        yaw, pitch = reach * np.sin(2 * np.pi * rate[:2] * t + phase)
        yield _paper(sitter.opened, yaw, pitch, 8 * np.sin(2 * np.pi * rate[2] * t))


def print_tilted_fast(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Tilted away and back as fast as a blink."""
    reach, lasts = random.uniform(30, 70), random.uniform(0.15, 0.5)
    pause, sign = random.uniform(0.5, 1.2), random.choice([-1, 1])
    for t in stamps:
        share = (t % (lasts + pause)) / lasts
        tilt = reach * np.sin(np.pi * share) if share < 1 else 0.0
        yield _paper(sitter.opened, 2 * np.sin(2 * t), sign * tilt, 0)


def print_bent(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Bent around an upright or a level axis, more and less."""
    most, rate = random.uniform(0.4, 1.6), random.uniform(0.2, 2.0)
    upright, yaw = bool(random.integers(2)), random.uniform(-25, 25)
    for t in stamps:
        bend = most * (0.55 + 0.45 * np.sin(2 * np.pi * rate * t))
        yield _paper(_bent(sitter.opened, bend, upright=upright), yaw, 0, 0)


def print_waved(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Waved by hand, with the blur of the movement."""
    reach, rate = random.uniform(4, 30, 2), random.uniform(0.5, 3.0, 3)
    roll, phase = random.uniform(2, 20), random.uniform(0, 6, 3)
    before = None
    for t in stamps:
        x, y = reach * np.sin(2 * np.pi * rate[:2] * t + phase[:2])
        turn = roll * np.sin(2 * np.pi * rate[2] * t + phase[2])
        paper = _paper(sitter.opened, 0, 0, turn, (x, y))
        yield paper if before is None else cv2.addWeighted(paper, 0.7, before, 0.3, 0)
        before = paper


def print_eyes_moved(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The eyes cut out; behind the holes the printed eyes are shifted up and down."""
    reach, rate = random.uniform(0.1, 0.6), random.uniform(0.5, 4.0)
    for t in stamps:
        shift = reach * np.sin(2 * np.pi * rate * t)
        yield _paper(_eyes_shifted(sitter, shift), 3 * np.sin(1.3 * t), 2 * np.sin(0.9 * t), 0)


def print_flap(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A strip of printed skin pulled over the eyes and back, by hand."""
    lasts, pause = random.uniform(0.15, 0.6), random.uniform(0.5, 1.2)
    for t in stamps:
        share = (t % (lasts + pause)) / lasts
        down = float(np.sin(np.pi * share)) if share < 1 else 0.0
        yield _paper(_flapped(sitter, down), 3 * np.sin(1.3 * t), 2 * np.sin(0.9 * t), 0)


# Two pictures.


def alternation(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Open and shut in turn, 1 to 30 pictures a second, held still or in the hand."""
    rate, held = random.uniform(1, 30), _hand(random)
    for t in stamps:
        yield held(sitter.shut if int(t * rate) % 2 else sitter.opened, t)


def alternation_timed(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The shut picture just as long as a blink lasts."""
    lasts, pause, held = random.uniform(0.08, 0.4), random.uniform(0.5, 1.5), _hand(random)
    for t in stamps:
        yield held(sitter.shut if t % (lasts + pause) > pause else sitter.opened, t)


def cross_fade(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Open and shut fade into each other, 0.5 to 3 seconds each way."""
    lasts, held = random.uniform(0.5, 3.0), _hand(random)
    for t in stamps:
        shut = 0.5 - 0.5 * np.cos(np.pi * t / lasts)
        yield held(cv2.addWeighted(sitter.shut, shut, sitter.opened, 1 - shut, 0), t)


# One picture, or a few.


def still_with_noise(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A still picture, noisy and flickering."""
    deep, flicker = random.uniform(0, 0.3), random.uniform(0.5, 10)
    for t in stamps:
        light = 1 - deep * (0.5 + 0.5 * np.sin(2 * np.pi * flicker * t))
        yield np.clip(sitter.opened * light, 0, 255).astype(np.uint8)


def frozen(sitter: Sitter, _random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The very same frame again and again."""
    for _ in stamps:
        yield sitter.opened


def repeated(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A loop of a few frames of a film."""
    frames = sitter.film or (sitter.opened, sitter.shut)
    length = int(random.integers(2, 5))
    start = int(random.integers(max(1, len(frames) - length)))
    loop = frames[start : start + length]
    for i, _ in enumerate(stamps):
        yield loop[i % len(loop)]


def slow_camera(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A blinking film so rarely sampled that nobody can tell how lids move: see `FIXED_RATES`."""
    frames = sitter.film or (sitter.opened, sitter.shut)
    start = random.uniform(0, 1)
    for t in stamps:
        yield frames[int((start + t) * (sitter.film_fps or 1)) % len(frames)]


# A film.


def replay_on_screen(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A film of the person, forth and back, on a screen that a hand holds before the camera."""
    frames = sitter.film or (sitter.opened, sitter.shut)
    there_and_back = frames + frames[::-1]
    screen = _screen(random)
    for t in stamps:
        yield screen(there_and_back[int(t * (sitter.film_fps or 1)) % len(there_and_back)], t)


PRINTS = (
    print_turned,
    print_tilted_fast,
    print_bent,
    print_waved,
    print_eyes_moved,
)
ALTERNATIONS = (alternation, alternation_timed, cross_fade)
FLAPS = (print_flap,)
"""A family of its own: lids of paper that move like lids are a film of a blink, which a blink alone
cannot stop; they show what a challenge is for."""
STILLS = (still_with_noise, frozen, repeated, slow_camera)
SCREENS = (replay_on_screen,)
"""Films again, whose blinks are a person's own: to be held against a challenge."""
FIXED_RATES = {"slow_camera": (1.0, 2.0, 3.0, 4.0)}
"""Frames a second where they are the attack itself."""
NOISELESS = {"frozen", "repeated"}
LENGTHS = {"replay_on_screen": 4.0}
"""Seconds of those that do not last `SECONDS`."""


def presentations(
    attacks: Sequence[Attack],
    sitters: Sequence[Sitter],
    numbers: Iterable[int],
    seed: int,
) -> Iterator[Presentation]:
    """Attacks of the given kinds in turn, on sitters at random.

    The attack of one number and seed is always the same, whatever the other numbers are.
    """
    for number in numbers:
        random = np.random.default_rng((seed, number))
        attack = attacks[number % len(attacks)]
        sitter = sitters[int(random.integers(len(sitters)))]
        name = attack.__name__
        fps = float(random.choice(FIXED_RATES.get(name, FRAME_RATES)))
        stamps = np.arange(0, LENGTHS.get(name, SECONDS), 1 / fps)
        frames = attack(sitter, random, stamps)
        if name not in NOISELESS:
            frames = _noisy(frames, random)
        yield Presentation(name, fps, frames)


def _noisy(frames: Iterator[Pixels], random: Generator) -> Iterator[Pixels]:
    """Sensor noise."""
    deviation = random.uniform(0.5, 4)
    for frame in frames:
        noise = random.normal(0, deviation, frame.shape[:2])[..., None]
        yield np.clip(frame + noise, 0, 255).astype(np.uint8)


def _hand(random: Generator) -> Callable[[Pixels, float], Pixels]:
    """Holds a picture still, or in a hand that sways."""
    reach = random.choice([0.0, 0.0, 2.0, 6.0])
    rate = random.uniform(0.3, 1.5, 2)

    def hold(picture: Pixels, t: float) -> Pixels:
        if not reach:
            return picture
        x, y = reach * np.sin(2 * np.pi * rate * t)
        place = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
        return cv2.warpAffine(picture, place, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)

    return hold


def _paper(
    picture: Pixels,
    yaw: float,
    pitch: float,
    roll: float,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Pixels:
    """A sheet of paper in front of a wall, turned by angles in degrees, as a camera sees it."""
    homography = _homography((yaw, pitch, roll), shift)
    wall = np.full((SIDE, SIDE, 3), _WALL, np.uint8)
    return _projected(picture, homography, wall)


def _homography(
    angles: tuple[float, float, float], shift: tuple[float, float], away: float = 1.0
) -> Floats:
    """From a flat picture to the frame, for a yaw, pitch and roll in degrees, `(3, 3)`.

    Facing the camera at distance 1 the picture is the frame; `shift` is in pixels of the frame.
    """
    yaw, pitch, roll = angles
    turn, _ = cv2.Rodrigues(np.radians([pitch, 0.0, roll]))
    aside, _ = cv2.Rodrigues(np.radians([0.0, yaw, 0.0]))
    rotation = turn @ aside
    middle = SIDE / 2
    camera = np.array([[_FOCAL, 0, middle + shift[0]], [0, _FOCAL, middle + shift[1]], [0, 0, 1]])
    plane = np.column_stack([rotation[:, :2], [0, 0, _FOCAL * away]])
    to_plane = np.array([[1, 0, -middle], [0, 1, -middle], [0, 0, 1.0]])
    return np.asarray(camera @ plane @ to_plane, dtype=np.float32)


def _projected(picture: Picture, homography: Floats, behind: Picture) -> Picture:
    """A flat picture in front of what is behind it."""
    return cv2.warpPerspective(
        picture, homography, (SIDE, SIDE), dst=behind, borderMode=cv2.BORDER_TRANSPARENT
    )


def _screen(random: Generator) -> Callable[[Pixels, float], Pixels]:
    """A screen in a hand: its pixels beat with the camera's, its lines roll, it reflects a lamp."""
    curve, bezel = _display_curve(random), int(random.integers(6, 30))
    raster = _raster(int(random.integers(220, 420)), random.uniform(0.02, 0.2))
    to_raster = np.diag([SIDE / len(raster), SIDE / len(raster), 1.0])
    around = np.array([[1, 0, -bezel], [0, 1, -bezel], [0, 0, 1.0]])
    away, blur, held = random.uniform(0.95, 1.3), random.uniform(0.3, 1.0), random.uniform(0, 1, 5)
    bands, rolls, deep = random.uniform(1, 4), random.uniform(-3, 3), random.uniform(0, 0.25)
    lamp = _glare(random)[..., None]
    rows = np.arange(SIDE)[:, None, None] / SIDE

    def show(picture: Pixels, t: float) -> Pixels:
        sway = np.sin(2 * np.pi * (0.2 + held) * t) * (6, 4, 3, 5, 4)
        place = _homography((sway[0], sway[1], sway[2]), (sway[3], sway[4]), away)
        lit = cv2.LUT(picture, curve)
        edged = cv2.copyMakeBorder(
            lit, bezel, bezel, bezel, bezel, cv2.BORDER_CONSTANT, value=_BEZEL
        )
        seen = _projected(edged, place @ around, np.full((SIDE, SIDE, 3), _WALL, np.uint8))
        grid = _projected(raster, place @ to_raster, np.zeros((SIDE, SIDE, 3), np.float32))
        band = 1 - deep * (0.5 + 0.5 * np.sin(2 * np.pi * (bands * rows - rolls * t)))
        light = np.where(grid > 0, seen * grid * band, seen)  # the wall does not flicker
        light = cv2.GaussianBlur(light, (0, 0), blur) + lamp
        return np.clip(light, 0, 255).astype(np.uint8)

    return show


def _display_curve(random: Generator) -> Pixels:
    """What a screen makes of grey levels: another gamma, less red, more blue, `(1, 256, 3)`."""
    levels = (np.arange(256) / 255) ** random.uniform(0.75, 1.4)
    tint = (random.uniform(0.8, 1.0), random.uniform(0.9, 1.0), random.uniform(1.0, 1.2))
    return np.clip(255 * levels[None, :, None] * tint, 0, 255).astype(np.uint8)


def _raster(pixels: int, contrast: float) -> Floats:
    """How a screen lays out its picture: red, green and blue stripes, a dark line between rows.

    Three cells a pixel each way, mean 1. Sampled by a camera it beats with the camera's own grid.
    """
    cell = np.zeros((3, 3, 3), np.float32)
    cell[:2] = 4.5 * np.eye(3, dtype=np.float32)
    return np.tile(1 - contrast + contrast * cell, (pixels, pixels, 1))


def _glare(random: Generator) -> Floats:
    """A lamp's reflection, in grey levels `(320, 320)`."""
    x, y = random.uniform(0, SIDE, 2)
    line = np.arange(SIDE)
    away = ((line - x)[None, :] / random.uniform(20, 90)) ** 2
    away = away + ((line - y)[:, None] / random.uniform(20, 90)) ** 2
    return np.asarray(random.uniform(0, 90) * np.exp(-away / 2), dtype=np.float32)


def _bent(picture: Pixels, bend: float, *, upright: bool) -> Pixels:
    """Paper on a cylinder: the camera sees the sine of the angle."""
    line = (np.arange(SIDE, dtype=np.float32) - SIDE / 2) / (SIDE / 2)
    reach = np.sin(bend / 2)
    seen = np.arcsin(np.clip(line * reach, -1, 1)) / (bend / 2)
    curve = (seen * (SIDE / 2) + SIDE / 2).astype(np.float32)
    straight = np.arange(SIDE, dtype=np.float32)
    x, y = np.meshgrid(curve, straight) if upright else np.meshgrid(straight, curve)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _eye_boxes(sitter: Sitter) -> Iterator[tuple[slice, slice, int]]:
    """Rows and columns around each eye, and the eye's width."""
    for first, second in sitter.eyes:
        x, y = (first + second) / 2
        width = int(abs(second[0] - first[0])) + 1
        top, left = int(y - 0.45 * width), int(x - 0.7 * width)
        yield slice(top, top + int(0.9 * width)), slice(left, left + int(1.4 * width)), width


def _eyes_shifted(sitter: Sitter, share: float) -> Pixels:
    picture = sitter.opened.copy()
    for rows, columns, width in _eye_boxes(sitter):
        moved = np.roll(sitter.opened, round(share * width), axis=0)
        picture[rows, columns] = moved[rows, columns]
    return picture


def _flapped(sitter: Sitter, down: float) -> Pixels:
    picture = sitter.opened.copy()
    for rows, columns, _ in _eye_boxes(sitter):
        covered = round(down * (rows.stop - rows.start))
        if covered > 0:
            below = sitter.opened[rows.stop : rows.stop + covered, columns]
            picture[rows.start : rows.start + len(below), columns] = below[::-1]
    return picture
