"""Card readers and keypads: a claimed identity, never a permission.

Wiegand 26/34, matrix and serial keypads, serial RFID readers, and USB readers that type like a
keyboard. OSDP is out of scope: it needs RS-485 and a secure channel with key management of its
own. All of these send a number in clear, and a card can be copied: it only says whose face to
expect.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from edge.door.readers.claim import ClaimReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.door.pins import Pins
    from edge.vocabulary import Reader

__all__ = ["ClaimReader", "open_readers"]


def open_readers(readers: tuple[Reader, ...], pins: Pins) -> list[ClaimReader]:
    """Claim the lines and open the devices of every reader of the configuration.

    Each kind has its name for a file of this folder, whose `fitted` makes the reader; only those
    that are fitted are loaded. A device that is not there is tried again and again: a door must
    not stop for its keypad.

    Raises:
        PinError: a line cannot be claimed.
    """
    return [_open(reader, pins) for reader in readers]


def _open(reader: Reader, pins: Pins) -> ClaimReader:
    fitted: Callable[[Reader, Pins], ClaimReader]
    fitted = import_module(f"{__name__}.{reader.kind.value}").fitted
    return fitted(reader, pins)
