"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """A finding in a sentence, and what to do about it unless it is `ok`."""

    name: str
    level: Level
    sentence: str
    remedy: str = ""


def ok(name: str, sentence: str) -> Check:
    """As it should be."""
    return Check(name, "ok", sentence)


def warn(name: str, sentence: str, remedy: str) -> Check:
    """Works, with something to know or to mend."""
    return Check(name, "warn", sentence, remedy)


def fail(name: str, sentence: str, remedy: str) -> Check:
    """Does not work, or is not safe."""
    return Check(name, "fail", sentence, remedy)
