"""What doors publish, as values. Pure: whatever a broker may bring is checked here."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.access.operators import public_bytes
from edge.config.device import DEVICE_ID
from edge.errors import LedgerError, WireError
from edge.fleet.text import MAX_NAME, MAX_TEXT, clean, plain
from edge.ledger.chain import decode
from edge.ledger.seal import key_name, signed_by
from edge.link.payloads import CommandAnswer, from_json
from edge.link.topics import event_type
from edge.records import Head

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEVICE = re.compile(DEVICE_ID)
_BOOT = re.compile(r"[!-~]{1,64}")
_CHAIN = re.compile(r"[0-9a-f]{64}")
_MAX_SEQUENCE = 2**31 - 1
_MAX_STATE = 200


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as it came over the wire; `body` is the canonical JSON that was hashed."""

    device: str
    sequence: int
    boot: str
    body: str
    chain: str
    head: Head | None
    type: str
    kind: str
    reason: str
    person: str | None
    at: float
    trusted: bool
    detail: Mapping[str, object]
    replayed: bool
    """Sent late, or once more."""

    def when(self, now: float) -> float:
        """When it happened, as far as can be known: a clock may be unset, or ahead of all others.

        Args:
            now: seconds since 1970, by the collector's clock.
        """
        return min(self.at, now) if self.trusted else now


def split_topic(base: str, topic: str) -> tuple[str, str] | None:
    """The device and the rest of a topic below `base`; None when it is no device's."""
    if not topic.startswith(f"{base}/"):
        return None
    device, _, rest = topic[len(base) + 1 :].partition("/")
    return (device, rest) if rest and _DEVICE.fullmatch(device) else None


def read_event(device: str, payload: bytes) -> Arrival:
    """An event of `event` or `event/replay`.

    Raises:
        WireError: it is not one, or is another device's.
    """
    fields = read_object(payload)
    sequence, boot = fields.get("seq"), fields.get("boot")
    body, chain = fields.get("body"), fields.get("chain")
    if (
        type(sequence) is not int
        or not 0 < sequence <= _MAX_SEQUENCE
        or not isinstance(boot, str)
        or not _BOOT.fullmatch(boot)
        or not isinstance(chain, str)
        or not _CHAIN.fullmatch(chain)
    ):
        raise WireError("an event without a number, a boot or a chain")
    if not isinstance(body, str):
        raise WireError(
            "an event without the body that was hashed: this door's edge-door is older than the "
            "collector. Update the door"
        )
    arrival = _arrival(device, sequence, boot, body, chain, _head(fields.get("head")))
    return replace(arrival, replayed=fields.get("replayed") is True)


def read_object(payload: bytes) -> dict[str, object]:
    """A JSON object.

    Raises:
        WireError: it is not one.
    """
    try:
        fields = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise WireError("it is not JSON") from error
    if not isinstance(fields, dict):
        raise WireError("it is not a JSON object")
    return fields


def read_plain(payload: bytes) -> dict[str, object]:
    """A JSON object, made harmless.

    Raises:
        WireError: it is no JSON object.
    """
    found = plain(read_object(payload))
    return found if isinstance(found, dict) else {}


def read_key(device: str, payload: bytes) -> str:
    """The public key on `audit_key`, base64.

    Raises:
        WireError: it is not one, or is another device's.
    """
    fields = read_object(payload)
    key = fields.get("key")
    try:
        public_bytes(str(key))
    except ValueError as error:
        raise WireError("an audit key that is no Ed25519 key") from error
    if fields.get("device") != device:
        raise WireError("another device's audit key")
    return str(key)


def read_answer(payload: bytes) -> CommandAnswer:
    """What became of a command, on `command/answer`.

    Raises:
        WireError: it does not say.
    """
    answer = from_json(CommandAnswer, payload.decode("utf-8", "replace"))
    return replace(answer, id=clean(answer.id, 32), reason=clean(answer.reason, MAX_TEXT))


def read_state(payload: bytes) -> str:
    """A retained state's word.

    Raises:
        WireError: it is not a short printable text.
    """
    text = payload.decode("utf-8", "replace")
    if len(text) > _MAX_STATE or not (text.isprintable() or not text):
        raise WireError("a state that is no short text")
    return text


def _arrival(
    device: str, sequence: int, boot: str, body: str, chain: str, head: Head | None
) -> Arrival:
    if not (body.isascii() and body.isprintable()):
        raise WireError("an event whose body is not canonical JSON")
    fields = read_object(body.encode())
    if fields.get("device") != device:
        raise WireError("an event of another device")
    person, detail = fields.get("person"), fields.get("detail")
    kind = clean(fields.get("kind"), 16)
    return Arrival(
        device=device,
        sequence=sequence,
        boot=boot,
        body=body,
        chain=chain,
        head=head,
        type=_type(body, kind),
        kind=kind,
        reason=clean(fields.get("reason"), 32),
        person=clean(person, MAX_NAME) if isinstance(person, str) else None,
        at=_seconds(fields.get("wall")),
        trusted=fields.get("wall_trusted") is True,
        detail=detail if isinstance(detail, dict) else {},
        replayed=False,
    )


def _seconds(value: object) -> float:
    if isinstance(value, int | float):
        with contextlib.suppress(OverflowError):
            if math.isfinite(value):
                return float(value)
    raise WireError("an event without a time")


def _type(body: str, kind: str) -> str:
    try:
        return event_type(decode(body))
    except LedgerError:  # as a hand wrote it
        return kind


def _head(fields: object) -> Head | None:
    if not isinstance(fields, dict):
        return None
    sequence, chain = fields.get("seq"), fields.get("chain")
    key, signature = fields.get("key"), fields.get("sig")
    if (
        type(sequence) is not int
        or not isinstance(chain, str)
        or not _CHAIN.fullmatch(chain)
        or not isinstance(key, str)
        or not isinstance(signature, str)
    ):
        raise WireError("a signed head that is not whole")
    return Head(sequence, chain, key, signature)


def signs(head: Head, device: str, audit_key: str) -> bool:
    """Whether the door's audit key (base64) made this head."""
    public = base64.b64decode(audit_key)
    try:
        signature = base64.b64decode(head.signature, validate=True)
    except ValueError:
        return False
    same = head.key == key_name(public)
    return same and signed_by(public, signature, device, head.sequence, head.chain)
