"""Presentation attacks that software can make: prints, alternating pictures, films on devices.

Each is a short film of 320x320 pixels with a face of about 140, or smaller with a room around it:
the crop that a camera would see, so that thousands can go through detector, mesh and eyelids. They
show where the checks break; they are drawn by a program and are no evaluation after ISO/IEC
30107-3, for which real instruments are held in front of real cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks import askew, devices, injected, pictures, prints, screens, tinted
from edge.evaluate.attacks.sitter import Sitter, cut_out, eye_corners, placing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edge.records import Floats, Pixels

    Generator = np.random.Generator
    Attack = Callable[[Sitter, Generator, Floats], Iterator[Pixels]]

__all__ = [
    "FAMILIES",
    "FILMS",
    "Presentation",
    "Sitter",
    "cut_out",
    "eye_corners",
    "placing",
    "presentations",
]

FAMILIES: dict[str, tuple[Attack, ...]] = {
    "prints": (
        prints.print_turned,
        prints.print_tilted_fast,
        prints.print_bent,
        prints.print_waved,
        prints.print_eyes_moved,
    ),
    "alternations": (pictures.alternation, pictures.alternation_timed, pictures.cross_fade),
    "stills": (
        pictures.still_with_noise,
        pictures.frozen,
        pictures.repeated,
        pictures.slow_camera,
    ),
    "flaps": (prints.print_flap,),
    "screens": (screens.replay_on_screen,),
    "near": (screens.replay_beyond_the_view,),
    "devices": (
        devices.film_on_phone,
        devices.film_on_tablet,
        devices.film_on_laptop,
        devices.film_on_television,
    ),
    "tinted": (tinted.tinted_screen, tinted.tinted_phone, tinted.tinted_tablet),
    "grey": (tinted.grey_screen,),
    "askew": (askew.screen_askew, askew.phone_askew, askew.tablet_askew),
    "framed": (askew.screen_behind_a_hole,),
    "papers": (devices.print_in_a_hand, devices.eyes_cut_out, devices.mask_drawn),
    "injected": (injected.injected_film, injected.injected_loop, injected.injected_picture),
}
"""Flaps are a family of their own: lids of paper that move like lids are a film of a blink."""
FILMS = {"screens", "near", "devices", "tinted", "grey", "askew", "framed", "injected"}
"""Families of films, whose blinks are a person's own: to be held against a challenge as well."""
FRAME_RATES = (10.0, 12.0, 15.0, 20.0, 30.0)
FIXED_RATES = {"slow_camera": (1.0, 2.0, 3.0, 4.0)}
"""Frames a second where they are the attack itself."""
NOISELESS = {
    "frozen",
    "repeated",
    *(
        attack.__name__
        for name, first in (("devices", 0), ("tinted", 1), ("askew", 1))
        for attack in FAMILIES[name][first:]
    ),
}
"""A device in a room has the camera's noise already."""
SECONDS = 2.5
LENGTHS = dict.fromkeys(
    (attack.__name__ for name in (*FILMS, "papers") for attack in FAMILIES[name]), 4.0
) | {prints.print_flap.__name__: 12.0}
"""Seconds of those that do not last `SECONDS`; who pulls at strips goes on pulling."""


@dataclass(frozen=True, slots=True)
class Presentation:
    """One attack: a film and how fast the camera takes it."""

    species: str
    fps: float
    frames: Iterator[Pixels]


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
    """Sensor noise, grey."""
    deviation = random.uniform(0.5, 4)
    for frame in frames:
        grey = np.floor(random.normal(0, deviation, frame.shape[:2])).astype(np.int16)
        yield cv2.add(frame, cv2.merge([grey] * 3), dtype=cv2.CV_8U)
