"""What a door says of the list that it obeys: for the people office and the dashboard."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from edge.errors import RosterError
from edge.roster.canonical import read, spell

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Report:
    """How far a door is. Published retained; holds numbers and sentences, never names or faces."""

    device: str
    generation: int
    """Of the newest list obeyed; 0: none yet."""
    digest: str
    model: str
    """SHA-256 of the network in use: envelopes must be sealed for it."""
    key: str
    """The door's public key for envelopes, base64."""
    known: int = 0
    """How many people the door knows from the centre."""
    waiting: tuple[str, ...] = ()
    """Hashes of envelopes that have not come."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """By the person's number, or by "list" for a list as a whole: a sentence why."""
    erased: Mapping[str, float] = field(default_factory=dict)
    """Receipts: when who was forgotten, seconds since the Unix epoch."""

    def to_json(self) -> bytes:
        """The message for the topic."""
        return spell(asdict(self)).encode("ascii")

    @classmethod
    def from_json(cls, message: bytes) -> Report:
        """Raises RosterError: it is not one."""
        fields = read(message, "the door's report")
        try:
            fields["waiting"] = tuple(map(str, fields.get("waiting", ())))
            return cls(**fields)
        except TypeError as error:
            raise RosterError(f"the door's report does not read: {error}") from error
