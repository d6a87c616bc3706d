"""Screens set warmer, cooler, to another tint or to no colour, and rooms in coloured light."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edge.evaluate.attacks.devices import film_on_phone, film_on_tablet
from edge.evaluate.attacks.screens import replay_beyond_the_view, replay_on_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.evaluate.attacks.sitter import Sitter
    from edge.records import Floats, Pixels

    Generator = np.random.Generator

TINTS = (
    (1.06, 1.0, 0.92),  # a little warmer
    (1.2, 1.0, 0.7),  # warm, as screens are set for the evening
    (1.4, 1.0, 0.45),
    (0.85, 1.0, 1.2),  # cool
    (0.55, 0.8, 1.45),  # blue
    (0.85, 1.15, 0.85),  # green
    (1.15, 0.85, 1.1),  # magenta
)
"""Red, green and blue of a light or a screen."""
PLAIN = 0.3
"""Share of the rooms in white light."""


def tinted_screen(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A screen that fills the frame."""
    yield from _in_a_room(random, replay_on_screen(_tinted(sitter, random), random, stamps))


def tinted_phone(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Held in a hand."""
    yield from _in_a_room(random, film_on_phone(_tinted(sitter, random), random, stamps))


def tinted_tablet(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Held in a hand."""
    yield from _in_a_room(random, film_on_tablet(_tinted(sitter, random), random, stamps))


def grey_screen(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A film without colours, so near that nothing but the screen is in view."""
    yield from replay_beyond_the_view(_shown(sitter, _grey), random, stamps)


def _tinted(sitter: Sitter, random: Generator) -> Sitter:
    """As a screen of some tint shows them."""
    tint = TINTS[random.integers(len(TINTS))]
    return _shown(sitter, lambda picture: _coloured(picture, tint))


def _shown(sitter: Sitter, screen: Callable[[Pixels], Pixels]) -> Sitter:
    return replace(
        sitter,
        opened=screen(sitter.opened),
        shut=screen(sitter.shut),
        film=tuple(map(screen, sitter.film)),
    )


def _grey(pixels: Pixels) -> Pixels:
    return np.repeat(pixels.mean(2, keepdims=True).astype(np.uint8), 3, 2)


def _in_a_room(random: Generator, frames: Iterator[Pixels]) -> Iterator[Pixels]:
    """As a camera sees it whose white balance is another than the light's."""
    light = TINTS[random.integers(len(TINTS))] if random.random() >= PLAIN else (1.0, 1.0, 1.0)
    return (_coloured(frame, light) for frame in frames)


def _coloured(pixels: Pixels, light: tuple[float, float, float]) -> Pixels:
    return np.clip(pixels * np.array(light), 0, 255).astype(np.uint8)
