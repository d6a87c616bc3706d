"""The closed lists that records, messages and events carry. The relay guard knows them too."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PIN_DIGITS = (4, 12)
"""Fewest and most of a PIN: what keypads send, and what the vault takes."""


class Hint(str, Enum):
    """What to tell the person in front of the camera."""

    NONE = ""
    COME_CLOSER = "come closer"
    STEP_BACK = "step back"
    FACE_CAMERA = "face the camera"
    MORE_LIGHT = "more light, please"
    LESS_LIGHT = "too bright"
    HOLD_STILL = "hold still"
    MOVE_TO_CENTRE = "move to the centre"
    UNCOVER_FACE = "uncover your face"
    UPSIDE_DOWN = "the picture is upside down"
    ONE_AT_A_TIME = "one at a time"
    BLINK = "please blink"
    CHALLENGE = "follow the instruction"
    WELCOME = "welcome"
    WAIT = "please wait"


class LivenessState(str, Enum):
    """How far the proof of life has come."""

    PENDING = "pending"
    LIVE = "live"
    FAILED = "failed"


class Move(str, Enum):
    """What a challenge asks for."""

    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    CLOSER = "closer"
    BLINK_TWICE = "blink_twice"
    BLINK_THRICE = "blink_thrice"


TURNS = frozenset({Move.LEFT, Move.RIGHT, Move.UP})
"""Moves that show whether a head is solid."""


class Outcome(str, Enum):
    """What policy says."""

    GRANT = "grant"
    DENY = "deny"
    WAIT = "wait"


class Reason(str, Enum):
    """Why. A closed list: every decision and every event carries one of these."""

    GRANTED = "granted"
    NO_FACE = "no_face"
    MANY_FACES = "many_faces"
    POOR_QUALITY = "poor_quality"
    NO_CLAIM = "no_claim"
    NOBODY_ENROLLED = "nobody_enrolled"
    NO_MATCH = "no_match"
    NOT_LIVE = "not_live"
    LIVENESS_PENDING = "liveness_pending"
    LIVENESS_FAILED = "liveness_failed"
    MATCH_PENDING = "match_pending"
    LOCKED_OUT = "locked_out"
    LOCK_DOWN = "lock_down"
    OUTSIDE_SCHEDULE = "outside_schedule"
    CLOCK_UNTRUSTED = "clock_untrusted"
    LAPSED = "lapsed"
    RESTORED = "restored"
    STALE_FRAME = "stale_frame"
    REPEATED_FRAME = "repeated_frame"
    DOOR_UNAVAILABLE = "door_unavailable"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    INTERNAL_ERROR = "internal_error"
    REX = "rex"
    FORCED = "forced"
    HELD_OPEN = "held_open"
    TAMPER = "tamper"
    DURESS = "duress"
    PIN = "pin"
    UNKNOWN_CREDENTIAL = "unknown_credential"
    COMMAND = "command"
    COMMAND_REFUSED = "command_refused"
    COMMAND_WAITS = "command_waits"
    KEYS_CHANGED = "keys_changed"
    REKEYED = "rekeyed"
    SEALED = "sealed"
    UPDATED = "updated"
    UPDATE_UNDONE = "update_undone"
    STARTED = "started"
    STOPPED = "stopped"
    CAMERA_LOST = "camera_lost"
    CAMERA_BACK = "camera_back"
    TOO_SLOW = "too_slow"
    FAST_AGAIN = "fast_again"
    TRIED_OFTEN = "tried_often"
    FACE_STAYS = "face_stays"
    RULES_NAME_NOBODY = "rules_name_nobody"
    DOOR_LOST = "door_lost"
    DOOR_BACK = "door_back"
    LEDGER_BACK = "ledger_back"
    INTENDED = "intended"
    NOT_DONE = "not_done"
    DONE_AFTER_ALL = "done_after_all"
    ENROLLED = "enrolled"
    REMOVED = "removed"
    RENAMED = "renamed"
    CREDENTIAL_ADDED = "credential_added"
    CREDENTIAL_REVOKED = "credential_revoked"
    ROSTER_OBEYED = "roster_obeyed"
    ROSTER_REFUSED = "roster_refused"
    OFFERED = "offered"
    BACKUP_ACCEPTED = "backup_accepted"
    OFFICE_ANSWERED = "office_answered"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    OPENED = "opened"
    CLOSED = "closed"
    FAULT = "fault"
    NEWER = "newer"


GRANTS = frozenset({Reason.GRANTED, Reason.PIN, Reason.COMMAND})
"""Why the door opened."""
LIFELESS = frozenset({Reason.NOT_LIVE, Reason.LIVENESS_FAILED})
"""What a picture of somebody, or whoever shows no life, is denied for."""


class EventKind(str, Enum):
    """What an event is about."""

    ACCESS = "access"
    DOOR = "door"
    PEOPLE = "people"
    SYSTEM = "system"


class Action(str, Enum):
    """What a signed command may ask for."""

    UNLOCK = "unlock"
    LOCK = "lock"
    NORMAL = "normal"
    ALWAYS_OPEN = "always_open"
    LOCK_DOWN = "lock_down"


class Pull(str, Enum):
    """What holds an input's line while its switch is open; off: an outside resistor."""

    UP = "up"
    DOWN = "down"
    OFF = "off"


class RelockOn(str, Enum):
    """What ends a grant before its pulse does: nothing, or what the door does."""

    TIME = "time"
    OPEN = "open"
    CLOSE = "close"


class ReaderKind(str, Enum):
    """How a card reader or keypad speaks: the name of its file in `edge/door/readers`."""

    WIEGAND = "wiegand"
    MATRIX = "matrix"
    SERIAL = "serial"
    SERIAL_CARD = "serial_card"
    WEDGE = "wedge"


@dataclass(frozen=True, slots=True)
class Reader:
    """A card reader or keypad."""

    kind: ReaderKind
    lines: tuple[int, ...] = ()
    """Wiegand: D0, D1. Matrix: the rows, then the columns."""
    columns: int = 0
    """How many of a matrix's lines are columns."""
    device: str = ""
    baud: int = 0
