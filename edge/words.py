"""Closed lists, and numbers of things, in sentences that a person understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import EventKind, Outcome, Reason
from edge.vocabulary import GRANTS, Action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.records import Event

MEANING: dict[Reason, str] = {
    Reason.GRANTED: "let in",
    Reason.NO_FACE: "nobody in view",
    Reason.MANY_FACES: "several people in view",
    Reason.POOR_QUALITY: "the face cannot be judged yet",
    Reason.NO_CLAIM: "waiting for a card, a PIN or a claim",
    Reason.NOBODY_ENROLLED: "nobody is enrolled",
    Reason.NO_MATCH: "the face matches nobody it was compared with",
    Reason.NOT_LIVE: "no sign of life",
    Reason.LIVENESS_PENDING: "waiting for a sign of life",
    Reason.LIVENESS_FAILED: "the proof of life failed",
    Reason.MATCH_PENDING: "comparing",
    Reason.LOCKED_OUT: "locked out after too many failures",
    Reason.TRIED_OFTEN: "their face was shown often and never proved to be alive",
    Reason.FACE_STAYS: "a face stays in view: a picture, a mirror, or somebody; beside it nobody "
    "is let in",
    Reason.RULES_NAME_NOBODY: "the rules name somebody who is not enrolled any more",
    Reason.LOCK_DOWN: "the door is in lock-down",
    Reason.OUTSIDE_SCHEDULE: "outside their hours",
    Reason.CLOCK_UNTRUSTED: "the clock is not set, or was set back, and they have hours or an end",
    Reason.STALE_FRAME: "the camera is too slow",
    Reason.REPEATED_FRAME: "the camera repeats its picture",
    Reason.DOOR_UNAVAILABLE: "the relay guard does not answer, or refuses",
    Reason.LEDGER_UNAVAILABLE: "the ledger cannot be written",
    Reason.INTERNAL_ERROR: "something broke while judging",
    Reason.INTENDED: "a change was begun",
    Reason.REX: "exit button",
    Reason.FORCED: "door forced open",
    Reason.HELD_OPEN: "door held open",
    Reason.TAMPER: "case tampered with",
    Reason.DURESS: "opened under duress",
    Reason.PIN: "let in by PIN",
    Reason.UNKNOWN_CREDENTIAL: "unknown card or PIN",
    Reason.COMMAND: "opened by command",
    Reason.COMMAND_REFUSED: "command refused",
    Reason.NEWER: "a newer edge-door wrote it, before an update was undone",
}
"""What each reason means; one that is not here says itself."""
LET_IN_ALREADY = "let in already; step out of view and come again"
"""Who was let in waits until they have left the view."""
_ORDERED: dict[str, str] = {
    Action.UNLOCK.value: "command to open",
    Action.LOCK.value: "command to lock",
    Action.NORMAL.value: "command to go back to normal",
    Action.ALWAYS_OPEN.value: "command to stay open",
    Action.LOCK_DOWN.value: "command to let nobody in",
}
_ORDERS = {
    Reason.COMMAND.value: "",
    Reason.COMMAND_WAITS.value: " waits for a second operator",
}
_LET_IN = GRANTS | {Reason.DURESS}


def meaning(reason: Reason) -> str:
    """A reason in words."""
    return MEANING.get(reason, reason.value.replace("_", " "))


def why(outcome: Outcome, reason: Reason) -> str:
    """Why one frame was judged so; empty for who is let in by it."""
    if reason is not Reason.GRANTED:
        return meaning(reason)
    return LET_IN_ALREADY if outcome is Outcome.WAIT else ""


def ordered(reason: str, detail: Mapping[str, object]) -> str | None:
    """What a command asked for, of an event that is one; that it was done, other events say."""
    if "action" not in detail or reason not in _ORDERS:
        return None
    return _ORDERED.get(str(detail["action"]), "command") + _ORDERS[reason]


def sentence(event: Event) -> str:
    """An event in words: who, and what."""
    what = ordered(event.reason.value, event.detail) or meaning(event.reason)
    if event.person is None:
        return what
    refused = event.kind is EventKind.ACCESS and event.reason not in _LET_IN
    return f"{event.person}: {'not let in, ' if refused else ''}{what}"


def counted(count: int, thing: str) -> str:
    """`1 event`, `2 events`."""
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
