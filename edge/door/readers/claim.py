"""What readers give, and how a PIN is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edge.vocabulary import PIN_DIGITS
from edge.wire.messages import Credential, Presented

if TYPE_CHECKING:
    from edge.door.pins import Edge

TYPING_S = 10.0
"""Digits are forgotten when nothing follows for so long."""


class ClaimReader(Protocol):
    """What the guard asks of a reader. Nothing here waits, nothing raises."""

    def fileno(self) -> int:
        """Readable when there is something to read; -1 where lines tell of that."""

    @property
    def deadline(self) -> float | None:
        """When `claims` must be called, if nothing happens before; monotonic seconds."""

    def claims(self, edges: list[Edge], now: float) -> list[Presented]:
        """Take the falls of all lines since the last call; return what was presented."""


def card(number: int) -> Presented:
    """A card's number in decimal without leading zeros: the same from every kind of reader."""
    return Presented(Credential.CARD, str(number))


class PinEntry:
    """Keys one by one: digits, `#` to end, `*` to start again."""

    def __init__(self) -> None:
        self._digits = ""
        self._typed_at = 0.0

    def key(self, key: str, now: float) -> list[Presented]:
        """Take one key; return the PIN if it ended one of 4 to 12 digits."""
        if now - self._typed_at > TYPING_S:
            self._digits = ""
        self._typed_at = now
        if key.isdecimal():
            # One digit too many is kept, so that a PIN that is too long counts as none.
            self._digits = (self._digits + key)[: PIN_DIGITS[1] + 1]
            return []
        typed, self._digits = self._digits, ""
        if key == "#" and PIN_DIGITS[0] <= len(typed) <= PIN_DIGITS[1]:
            return [Presented(Credential.PIN, typed)]
        return []
