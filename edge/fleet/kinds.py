"""The closed lists that the database keeps as words."""

from __future__ import annotations

from enum import Enum


class AlarmKind(str, Enum):
    """What can be wrong with a door. In the order in which people want to see them."""

    DURESS = "duress"
    FORCED = "forced"
    TAMPER = "tamper"
    TRIED = "tried"
    CHAIN_BROKEN = "chain_broken"
    TWIN = "twin"
    HELD = "held"
    FAULT = "fault"
    OFFLINE = "offline"
    CAMERA_LOST = "camera_lost"
    FACE_STAYS = "face_stays"
    PEOPLE = "people"
    GAP = "gap"
    PASSBACK = "passback"
    OUTBOX = "outbox"
    CERTIFICATE = "certificate"
    CLOCK = "clock"


MOMENTARY = frozenset(
    {
        AlarmKind.DURESS,
        AlarmKind.TRIED,
        AlarmKind.FACE_STAYS,
        AlarmKind.PASSBACK,
        AlarmKind.GAP,
    }
)
"""They happen and are over; each is an alarm of its own."""

TITLES = {
    AlarmKind.DURESS: "Duress",
    AlarmKind.FORCED: "Forced open",
    AlarmKind.TAMPER: "Tampered with",
    AlarmKind.TRIED: "Tried often",
    AlarmKind.CHAIN_BROKEN: "Record broken",
    AlarmKind.TWIN: "Two with one id",
    AlarmKind.HELD: "Held open",
    AlarmKind.FAULT: "Lock at fault",
    AlarmKind.OFFLINE: "Not online",
    AlarmKind.CAMERA_LOST: "Camera lost",
    AlarmKind.FACE_STAYS: "A face stays in view",
    AlarmKind.PEOPLE: "People not as they should be",
    AlarmKind.GAP: "Events missing",
    AlarmKind.PASSBACK: "Passed back",
    AlarmKind.OUTBOX: "Outbox filling",
    AlarmKind.CERTIFICATE: "Certificate ends",
    AlarmKind.CLOCK: "Clock wrong",
}
"""For people."""


class Presence(str, Enum):
    """Whether a door can be relied on to say what it sees, as far as anybody can know."""

    ONLINE = "online"
    DEGRADED = "degraded"
    """The device is there; its camera program or its relay guard is not."""
    SILENT = "silent"
    """The broker still calls it online, and it has said nothing for too long."""
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    """No collector is connected, so nobody knows."""


class ListState(str, Enum):
    """How far a door is with the list of people that the office published for it."""

    FINE = "as it should be"
    BEHIND = "not yet"
    REFUSED = "refused"
    NOT_BELIEVED = "not believed"
    """Signed by keys that the door does not believe: revoked, lost and begun anew, or not ours."""
    LAPSED = "lapsed"
    RESTORED = "restored"
    """From a backup, and no list has come that was made since."""
    OFF = "no people key"


class PersonState(str, Enum):
    """How far a door is with one person."""

    KNOWN = "known"
    NOT_YET = "not yet"
    REFUSED = "refused"
    ENDED = "ended"
    LAPSED = "lapsed"
    LEAVING = "not yet forgotten"
    FORGOTTEN = "forgotten"


class CommandState(str, Enum):
    """How far a command has come."""

    QUEUED = "queued"
    SENT = "sent"
    DONE = "done"
    REFUSED = "refused"
    UNANSWERED = "unanswered"


class Role(str, Enum):
    """What somebody may do, for one group of doors or for all."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ENROLLER = "enroller"
    ADMINISTRATOR = "administrator"
