"""How an event is written, and what chains it to the one before.

Each entry's chain is the SHA-256 of the chain before it, its number, its boot and its event; the
first stands on a hash of the device's name. Whoever reads a ledger far away, as the collector does,
computes it again from here.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from edge.errors import NOT_AS_WRITTEN, LedgerError
from edge.plain import spell
from edge.records import Event, EventKind, Reason

_KINDS = {each.value: each for each in EventKind}
_REASONS = {each.value: each for each in Reason}


def encode(event: Event) -> str:
    """Canonical JSON of an event: sorted keys, no spaces, ASCII.

    Raises:
        LedgerError: a value is not text, a finite number or a boolean.
    """
    fields = {
        "kind": event.kind.value,
        "reason": event.reason.value,
        "at": event.at,
        "wall": event.wall,
        "wall_trusted": event.wall_trusted,
        "device": event.device,
        "person": event.person,
        "detail": dict(event.detail),
    }
    try:
        return spell(fields)
    except (TypeError, ValueError) as error:
        raise LedgerError(f"a {event.reason.value} event cannot be written: {error}") from error


def decode(body: str) -> Event:
    """The event that `encode` wrote.

    A kind or reason that only a newer edge-door knows stands in `detail`: after an update that was
    undone the record holds such events, and sight and link must go on with it.

    Raises:
        LedgerError: it is not one.
    """
    try:
        fields: dict[str, Any] = json.loads(body)
        kind, reason = _KINDS.get(fields["kind"]), _REASONS.get(fields["reason"])
        if kind is None or reason is None:
            told = f"{fields['kind']}/{fields['reason']}"
            fields["detail"] = {**fields["detail"], Reason.NEWER.value: told}
            kind, reason = kind or EventKind.SYSTEM, Reason.NEWER
        return Event(**{**fields, "kind": kind, "reason": reason})
    except NOT_AS_WRITTEN as error:
        raise LedgerError(f"this is not an event: {body[:80]!r}") from error


def genesis(device: str) -> str:
    """What the first entry of a device's ledger is chained to."""
    return _digest(["edge-door ledger", device])


def chained(previous: str, sequence: int, boot: str, body: str) -> str:
    """The chain of an entry: hex SHA-256. `body` is the event as `encode` wrote it."""
    return _digest([previous, sequence, boot, body])


def _digest(value: object) -> str:
    # ASCII JSON also spells the lone surrogates that stand for damaged bytes.
    return hashlib.sha256(spell(value).encode("ascii")).hexdigest()
