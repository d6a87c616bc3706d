"""Messages of the roster from outside: JSON objects of a bounded length, and base64."""

from __future__ import annotations

import base64
import json
from typing import TypeVar

from edge import plain
from edge.errors import RosterError

T = TypeVar("T")

LATEST = 253_402_214_400
"""Seconds since the Unix epoch: the last day that a calendar has, wherever the clock stands."""
_LONGEST = 1 << 20
"""Of a message, in characters: a longer one is not parsed."""


def read(kind: type[T], text: bytes | str, what: str) -> T:
    """A JSON object from outside, as a dataclass.

    Raises:
        RosterError: it is too long, no JSON, or another object.
    """
    if len(text) > _LONGEST:
        raise RosterError(f"{what} is {len(text)} characters long, which no such message is")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RosterError(f"{what} is not JSON") from error
    try:
        return plain.read(kind, value)
    except ValueError as error:
        raise RosterError(f"{what} does not read: {error}") from error


def to_base64(raw: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(raw).decode("ascii")


def from_base64(text: str, what: str) -> bytes:
    """Text as bytes.

    Raises:
        RosterError: it is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise RosterError(f"{what} is not base64") from error
