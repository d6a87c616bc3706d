"""One way to spell what is hashed and signed: compact ASCII JSON with sorted keys."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from edge.errors import RosterError

_DEPTH_CHARACTERS = 1 << 20
"""No message of the roster is longer; a longer one is not parsed."""


def spell(value: object) -> str:
    """The canonical text of a value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read(text: bytes | str, what: str) -> dict[str, Any]:
    """A JSON object from outside.

    Raises:
        RosterError: it is too long, no JSON, or no object.
    """
    if len(text) > _DEPTH_CHARACTERS:
        raise RosterError(f"{what} has {len(text)} bytes, which no such message has")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RosterError(f"{what} is not JSON") from error
    if not isinstance(value, dict):
        raise RosterError(f"{what} is not a JSON object")
    return value


def to_base64(raw: bytes) -> str:
    """Bytes as text."""
    return base64.b64encode(raw).decode("ascii")


def from_base64(text: object, what: str) -> bytes:
    """Text as bytes.

    Raises:
        RosterError: it is not base64.
    """
    try:
        if isinstance(text, str):
            return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise RosterError(f"{what} is not base64") from error
    raise RosterError(f"{what} is not text")
