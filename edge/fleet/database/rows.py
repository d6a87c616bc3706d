"""What a query's rows hold: SQLAlchemy's know no columns, so those that are handed on say theirs.

A test holds each against its table (`tests/fleet/test_rows.py`).
"""

from __future__ import annotations

from typing import Protocol


class DoorRow(Protocol):
    """A row of `devices`."""

    id: str
    name: str
    group_id: int | None
    from_zone: int | None
    to_zone: int | None
    first_seen: float
    heard: float
    available: str
    states: str
    reported: str
    metrics: str
    audit_key: str
    epoch: int
    whole: int
    chain: str
    signed: int
    gap_since: float | None
    batch: int


class RosterRow(Protocol):
    """A row of `rosters`."""

    device: str
    desired: str
    signers: str
    foreign: str
    reported: str


class MemberRow(Protocol):
    """A row of `members`."""

    device: str
    person: str
    enrolled: float | None
    removed: float | None
    last_used: float | None
    number: str | None


class KeyRow(Protocol):
    """A row of `keys`."""

    public: str
    operator_id: int
    label: str
    created: float


class EventRow(Protocol):
    """A row of `events`, and what the door is called."""

    device: str
    epoch: int
    sequence: int
    received: float
    at: float
    trusted: bool
    type: str
    kind: str
    reason: str
    person: str | None
    boot: str
    body: str
    chain: str
    batch: int
    name: str
