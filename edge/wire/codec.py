"""Messages to packets and back: one JSON object each. The one place that knows the JSON.

Field types are read from the dataclasses, so a new message is one class and one line below. What
is of another kind becomes `Unreadable`: it is refused with a sentence and changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import asdict

from edge import plain
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
        message = plain.read(kind, body)
    except ValueError as error:
        return Unreadable(f"{body['op']}: {error}")
    return message
