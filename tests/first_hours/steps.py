"""What a newcomer types, and what should come of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a page, and what stands between it and being typed as it is."""

    command: str
    page: str = ""
    expected: tuple[int, ...] = (0,)
    instead: str = ""
    """What is typed in its place: a page says FILE, and an editor waits for a person."""
    first: tuple[str, ...] = ()
    """What the page tells in words before: done without being judged as a command of the page."""
    skipped: str = ""
    """Why it is not typed at all."""
    answer: str = ""
    """What is typed each time it asks."""
    look: str = ""
    """Typed after it, again and again until it shows `shows`: what came of it elsewhere."""
    shows: str = ""
    """What must be read there, a regular expression."""
    until: str = ""
    """It runs for ever: Ctrl-C is pressed once it has said this."""
