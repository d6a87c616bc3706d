"""Wiegand: two lines that idle high; a short fall of D0 is a 0, of D1 a 1.

26 bits: even parity over the first half, 24 bits of number, odd parity over the second half. 34
bits: the same with 32. A keypad on the reader sends each key as 4 bits, or as 8 with the first four
inverted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.door.readers.claim import PinEntry, card
from edge.door.say import say
from edge.door.settings import InputPin
from edge.vocabulary import Pull

if TYPE_CHECKING:
    from edge.door.pins import Edge, Pins
    from edge.vocabulary import Reader
    from edge.wire.messages import Presented

GAP_S = 0.025
"""Bits come 0.2 to 20 ms apart; a longer silence ends a frame."""
GLITCH_S = 100e-6
"""Falls closer than this are not bits: the frame is dropped."""
CARD_BITS = (26, 34)
KEY_BITS = 8
KEYS = "0123456789*#"


def fitted(reader: Reader, pins: Pins) -> Wiegand:
    """See `open_readers`."""
    return Wiegand(pins, *reader.lines)


class Wiegand:
    """One reader on two lines."""

    def __init__(self, pins: Pins, d0: int, d1: int) -> None:
        """Claim both lines.

        Raises:
            PinError: a line cannot be claimed, or gives no edges with this backend.
        """
        for line in (d0, d1):
            pins.claim_input(InputPin(line, active_high=False, pull=Pull.OFF), edges=True)
        self._bit = {d0: "0", d1: "1"}
        self._bits = ""
        self._last_at = 0.0
        self._spoilt = False
        self._entry = PinEntry()
        self._told: set[str] = set()

    def fileno(self) -> int:
        """The lines' own descriptors tell."""
        return -1

    @property
    def deadline(self) -> float | None:
        """The end of the frame under way."""
        return self._last_at + GAP_S if self._bits else None

    def claims(self, edges: list[Edge], now: float) -> list[Presented]:
        """Card numbers and PINs whose frames are whole."""
        found: list[Presented] = []
        for edge in edges:
            if edge.line not in self._bit:
                continue
            pause = edge.at - self._last_at
            if pause >= GAP_S:
                found += self._end(edge.at)
            elif self._bits and pause < GLITCH_S:
                self._spoilt = True
            # One bit more than any frame has is enough to know that it is none.
            self._bits = (self._bits + self._bit[edge.line])[: max(CARD_BITS) + 1]
            self._last_at = edge.at
        if now >= self._last_at + GAP_S:
            found += self._end(now)
        return found

    def _end(self, now: float) -> list[Presented]:
        bits, spoilt = self._bits, self._spoilt
        self._bits, self._spoilt = "", False
        if spoilt:
            return []
        if len(bits) in CARD_BITS:
            number = card_number(bits)
            if number is None:
                self._tell(_why_not(bits))
            return [] if number is None else [card(number)]
        key = pressed_key(bits)
        if not key and len(bits) > KEY_BITS:
            self._tell("its frame is not one of 26 or 34 bits, which are all that is read here")
        return self._entry.key(key, now) if key else []

    def _tell(self, why: str) -> None:
        """Once for each cause: who presents cards does not decide how much is logged."""
        if why not in self._told:
            self._told.add(why)
            say(f"a card at the Wiegand reader was not understood: {why}")


def _why_not(bits: str) -> str:
    """Why a frame of the right length holds no number."""
    swapped = bits.translate(str.maketrans("01", "10"))
    if card_number(swapped) is not None:
        return "with 0 and 1 exchanged it would be right. Are D0 and D1 swapped?"
    return "its parity is wrong. Look at the cable, its ground and its length"


def card_number(bits: str) -> int | None:
    """The number in a 26 or 34 bit frame; None: a parity bit is wrong."""
    half = len(bits) // 2
    even, odd = bits[:half].count("1") % 2, bits[half:].count("1") % 2
    return int(bits[1:-1], 2) if (even, odd) == (0, 1) else None


def pressed_key(bits: str) -> str:
    """The key in a 4 or 8 bit frame; empty: it is none."""
    if len(bits) == KEY_BITS:
        if any(a == b for a, b in zip(bits[:4], bits[4:], strict=True)):
            return ""
        bits = bits[4:]
    if len(bits) != 4 or int(bits, 2) >= len(KEYS):
        return ""
    return KEYS[int(bits, 2)]
