"""Card readers and keypads: a claimed identity, never a permission.

Wiegand 26/34, matrix and serial keypads, and USB readers that type like a keyboard. OSDP is out of
scope: it needs RS-485 with a secure channel and key management of its own. Wiegand and keyboard
readers send a card's number in clear and a card can be copied: the number only says whose face
to expect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from edge.errors import PinError

if TYPE_CHECKING:
    from edge.door.pins import Edge, Pins
    from edge.door.settings import Reader

Claim = dict[str, str]
"""`{"source": "card" | "pin", "value": digits}`."""


class ClaimReader(Protocol):
    """What the guard asks of a reader. Nothing here waits."""

    def fileno(self) -> int:
        """Readable when there is something to read; -1 where lines say so."""

    @property
    def deadline(self) -> float | None:
        """When `claims` must be called next, if nothing happens before."""

    def claims(self, edges: list[Edge], now: float) -> list[Claim]:
        """Take falls of all lines since the last call; return what was presented."""


def open_readers(readers: tuple[Reader, ...], pins: Pins) -> list[ClaimReader]:
    """Claim and open every reader of the configuration.

    Raises:
        PinError: a line or device cannot be used; the text says what to do.
    """
    for reader in readers:
        raise PinError(f"{reader.kind} readers are not supported yet; remove them ({pins})")
    return []
