"""Films fed to a virtual camera: no screen, no paper, nothing that would give them away.

A passive check cannot tell them from a person; a challenge can, and `doctor` looks at what kind of
camera it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.evaluate.attacks.sitter import Sitter
    from edge.records import Floats, Pixels

    Generator = np.random.Generator


def injected_film(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The film as it is, from some moment on."""
    start = random.uniform(0, 2)
    for t in stamps:
        yield sitter.film_at(start + t)


def injected_loop(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Its first second or so again and again, with the jump at the seam."""
    lasts = random.uniform(0.8, 2.0)
    for t in stamps:
        yield sitter.film[int(t % lasts * (sitter.film_fps or 1)) % len(sitter.film)]


def injected_picture(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """One picture, shifted a little from frame to frame as if somebody held still."""
    reach = random.uniform(0, 4)
    for t in stamps:
        x, y = np.round(reach * np.sin((1.3 * t, 0.9 * t))).astype(int).tolist()
        yield np.roll(sitter.opened, (y, x), (0, 1))
