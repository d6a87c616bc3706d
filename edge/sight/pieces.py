"""What the people office posts comes in pieces, since a packet on the socket is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import RosterError
from edge.roster.canonical import from_base64

if TYPE_CHECKING:
    from edge.wire.messages import Part

MAX_PARTS = 4
"""Of one list, page or envelope: no broker's packet needs more."""


class Pieces:
    """Puts them together again."""

    def __init__(self) -> None:
        self._data: list[str] = []

    def take(self, part: Part) -> bytes | None:
        """A piece; the whole with the last one.

        Raises:
            RosterError: one is missing, or it is no base64.
        """
        if part.part == 0:
            self._data = []
        if part.part != len(self._data) or not part.part < part.parts <= MAX_PARTS:
            self._data = []
            raise RosterError("a piece of the list of people is missing: it must be sent again")
        self._data.append(part.data)
        if len(self._data) < part.parts:
            return None
        data, self._data = self._data, []
        return b"".join(from_base64(each, "a piece") for each in data)
