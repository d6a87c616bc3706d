"""Sight writes the ledger: what was decided, and what the guard says happened at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import Event, EventKind, Reason
from edge.sight.clock import now

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.ledger.ledger import Ledger
    from edge.records import StoredEvent
    from edge.wire import Message

_DOOR_STATES = ("lock", "contact", "mode")


class Journal:
    """Stamps events with both clocks and writes them durably."""

    def __init__(self, ledger: Ledger, device: str) -> None:
        self._ledger = ledger
        self._device = device

    def note(
        self,
        kind: EventKind,
        reason: Reason,
        *,
        at: float | None = None,
        person: str | None = None,
        states: Mapping[str, str] | None = None,
        **detail: str | float | bool,
    ) -> StoredEvent:
        """Write one event; it is on the disk when this returns.

        Args:
            kind: What it is about.
            reason: Why.
            at: When it happened, monotonic seconds; None: now.
            person: Who, if known.
            states: Last known states that change with it, in the same transaction.
            detail: Figures and short texts.

        Raises:
            LedgerError: it could not be written.
        """
        moment = now()
        happened = moment.at if at is None else at
        event = Event(
            kind=kind,
            reason=reason,
            at=happened,
            wall=moment.wall - (moment.at - happened),
            wall_trusted=moment.wall_trusted,
            device=self._device,
            person=person,
            detail=detail,
        )
        return self._ledger.append(event, states)

    def door_state(self, message: Message) -> None:
        """Keep what the guard says of the lock and the door."""
        states = {name: str(message[name]) for name in _DOOR_STATES if name in message}
        if "tamper" in message:
            states["tamper"] = "on" if message["tamper"] else "off"
        self._ledger.put_states(states)

    def door_event(self, message: Message, person: str | None) -> None:
        """Write what happened at the door."""
        detail: dict[str, str | float | bool] = {
            str(key): value
            for key, value in dict(message.get("detail") or {}).items()
            if isinstance(value, str | float | bool)
        }
        reason, at = Reason(message["reason"]), float(message["at"])
        self.note(EventKind.DOOR, reason, at=at, person=person, states=None, **detail)
