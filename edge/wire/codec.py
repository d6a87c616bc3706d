"""Messages to packets and back: one JSON object each. The one place that knows the JSON.

Field types are read from the dataclasses, so a new message is one class and one line below. What
is of another kind becomes `Unreadable`: it is refused with a sentence and changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, asdict, fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from edge.errors import WireError
from edge.wire import messages
from edge.wire.messages import Message, Unreadable

_OPERATIONS: dict[str, type[Message]] = {
    "unlock": messages.Unlock,
    "lock": messages.Relock,
    "mode": messages.SetMode,
    "signal": messages.Signal,
    "ack": messages.Acknowledge,
    "ask_state": messages.AskState,
    "state": messages.State,
    "event": messages.Happened,
    "presented": messages.Presented,
    "refused": messages.Refused,
    "claim": messages.Claim,
    "command": messages.Command,
    "unlock_by_code": messages.UnlockByCode,
    "part": messages.Part,
    "ask_status": messages.AskStatus,
    "ask_face": messages.AskFace,
    "watch": messages.Watch,
    "lend_camera": messages.LendCamera,
    "rehearse": messages.Rehearse,
    "done": messages.Done,
    "failed": messages.Failed,
    "status": messages.Status,
    "last_face": messages.LastFace,
    "seen": messages.Seen,
}
_NAMES = {kind: name for name, kind in _OPERATIONS.items()}
_WORDS = {str: "text", float: "a finite number", int: "a whole number", bool: "true or false"}


def encode(message: Message) -> bytes:
    """One JSON object: `op` and the message's fields."""
    body = {"op": _NAMES[type(message)], **asdict(message)}
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def decode(packet: bytes) -> Message | Unreadable:
    """The message that `encode` wrote; unknown fields are left out.

    Raises:
        WireError: it is not a JSON object with an `op`: the peer speaks something else.
    """
    try:
        body = json.loads(packet)
    except (ValueError, RecursionError) as error:
        raise WireError("the peer sent what is not JSON") from error
    if not isinstance(body, dict) or not isinstance(body.get("op"), str):
        raise WireError("the peer sent a packet without an `op`")
    kind = _OPERATIONS.get(body["op"])
    if kind is None:
        return Unreadable("this request is not known")
    try:
        message: Message = _build(kind, body)
    except ValueError as error:
        return Unreadable(f"{body['op']}: {error}")
    return message


def _build(kind: Any, body: Mapping[str, object]) -> Any:
    hints = get_type_hints(kind)
    values = {}
    for each in fields(kind):
        if each.name in body:
            values[each.name] = _read(hints[each.name], body[each.name], each.name)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ValueError(f"{each.name} is missing")
    return kind(**values)


def _read(kind: Any, value: object, name: str) -> Any:
    """`value` as JSON brought it, as the type that the field has. ValueError: it is not that."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        words = [str(each.value) for each in kind]
        if value not in words:
            raise ValueError(f"{name} is one of {', '.join(words)}")
        return kind(value)
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # JSON knows whole numbers of any size
            if math.isfinite(value):
                return float(value)
    elif type(value) is kind:  # a bool is an int to isinstance
        return value
    elif is_dataclass(kind) and isinstance(value, dict):
        return _build(kind, value)
    return _read_many(kind, value, name)


def _read_many(kind: Any, value: object, name: str) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is tuple and isinstance(value, list):
        return tuple(_read(inner[0], each, name) for each in value)
    if origin is Mapping and isinstance(value, dict):
        return {key: _read(inner[1], each, name) for key, each in value.items()}
    if origin is UnionType:
        for each in inner:
            try:
                return _read(each, value, name)
            except ValueError:
                continue
    raise ValueError(f"{name} is not {_WORDS.get(kind, 'of the right kind')}")
