"""Alarms: raised once while they stand, cleared when their cause is over, kept until seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, select, update

from edge.fleet.database.tables import alarms
from edge.fleet.kinds import MOMENTARY, AlarmKind
from edge.fleet.text import MAX_TEXT, ago, clean
from edge.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from edge.fleet.collector.reading import Arrival

CLOCK_OFF_S = 300.0
"""What happens now is told within seconds: further from now, the clock that dated it is wrong."""
_FORCED = AlarmKind.FORCED, "the door was opened without a grant"
_HELD = AlarmKind.HELD, "the door stands open for too long"
_TAMPER = AlarmKind.TAMPER, "the housing is open"
_CAMERA_LOST = AlarmKind.CAMERA_LOST, "the camera delivers nothing"
_RAISED_BY = {
    Reason.DURESS.value: (AlarmKind.DURESS, "somebody entered under duress"),
    Reason.FORCED.value: _FORCED,
    Reason.HELD_OPEN.value: _HELD,
    Reason.TAMPER.value: _TAMPER,
    Reason.TRIED_OFTEN.value: (AlarmKind.TRIED, "a face was shown often and never proved alive"),
    Reason.FACE_STAYS.value: (AlarmKind.FACE_STAYS, "beside it nobody is let in"),
    Reason.CAMERA_LOST.value: _CAMERA_LOST,
    Reason.FAULT.value: (AlarmKind.FAULT, "the lock does not do what it should"),
}
_CLEARED_BY = {
    Reason.CLOSED.value: (AlarmKind.FORCED, AlarmKind.HELD),
    Reason.CAMERA_BACK.value: (AlarmKind.CAMERA_LOST,),
}
_BY_STATE = {
    "door/forced": _FORCED,
    "door/held": _HELD,
    "tamper": _TAMPER,
    "camera/problem": _CAMERA_LOST,
}


class Alarms:
    """The standing alarms of some doors, within one transaction."""

    def __init__(self, connection: Connection, batch: int, devices: Iterable[str]) -> None:
        self._connection = connection
        self._batch = batch
        standing = select(alarms.c.device, alarms.c.kind).where(
            alarms.c.cleared.is_(None), alarms.c.device.in_(list(devices))
        )
        self._standing = {(device, kind) for device, kind in connection.execute(standing)}

    def up(self, device: str, kind: AlarmKind, text: str, at: float) -> None:
        """Raise it, unless it stands already."""
        if (device, kind.value) in self._standing:
            return
        over = at if kind in MOMENTARY else None
        if over is None:
            self._standing.add((device, kind.value))
        self._connection.execute(
            insert(alarms).values(
                device=device,
                kind=kind.value,
                text=text[:MAX_TEXT],
                raised=at,
                cleared=over,
                batch=self._batch,
            )
        )

    def down(self, device: str, kind: AlarmKind, at: float) -> None:
        """Its cause is over; it stays in the list until somebody has acknowledged it."""
        if (device, kind.value) not in self._standing:
            return
        self._standing.discard((device, kind.value))
        ours = and_(
            alarms.c.device == device, alarms.c.kind == kind.value, alarms.c.cleared.is_(None)
        )
        self._connection.execute(update(alarms).where(ours).values(cleared=at, batch=self._batch))

    def event(self, arrival: Arrival, now: float) -> None:
        """What an event raises and clears."""
        at = arrival.when(now)
        device = arrival.device
        if found := _RAISED_BY.get(arrival.reason):
            kind, text = found
            more = arrival.person or clean(arrival.detail.get("message", ""), MAX_TEXT)
            # What has two ends says by the same event that it is over.
            on = arrival.detail.get("active") is not False
            self.set(device, kind, f"{text}: {more}" if more else text, at, on=on)
        for kind in _CLEARED_BY.get(arrival.reason, ()):
            self.down(device, kind, at)
        wrong = _clock_wrong(arrival, now)
        if wrong or not arrival.replayed:  # what comes late says nothing of the clock of now
            self.set(device, AlarmKind.CLOCK, wrong, at, on=bool(wrong))

    def state(self, device: str, topic: str, word: str, now: float) -> None:
        """What a retained state raises and clears. `None`, unknown, does neither."""
        if topic in _BY_STATE and word in {"ON", "OFF"}:
            kind, text = _BY_STATE[topic]
            self.set(device, kind, text, now, on=word == "ON")

    def set(self, device: str, kind: AlarmKind, text: str, at: float, *, on: bool) -> None:
        """Raise or clear."""
        if on:
            self.up(device, kind, text, at)
        else:
            self.down(device, kind, at)


def _clock_wrong(arrival: Arrival, now: float) -> str:
    """What is wrong with the door's clock, as an event shows it; else empty."""
    if not arrival.trusted:
        return "its clock was never set, so schedules and commands fail there"
    ahead = arrival.at - now
    if ahead > CLOCK_OFF_S:
        return f"its clock is ahead by {ago(ahead)}, so schedules and commands fail there"
    if ahead < -CLOCK_OFF_S and not arrival.replayed:
        return f"its clock is behind by {ago(-ahead)}, so schedules and commands fail there"
    return ""
