"""What a door says of the list that it obeys: for the people office and the dashboard."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

from pydantic import ConfigDict, TypeAdapter, ValidationError

from edge.errors import RosterError
from edge.plain import spell

LIST = "list"
"""What is refused when it is the whole list; else it is a person's number."""


@dataclass(frozen=True, slots=True)
class Report:
    """How far a door is. Published retained; holds numbers and sentences, never names or faces.

    Short enough for any broker: of what could be long it holds the first, and how many there are.
    """

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    device: str
    generation: int
    """Of the newest list obeyed; 0: none yet."""
    digest: str
    model: str
    """SHA-256 of the network in use: envelopes must be sealed for it."""
    key: str
    """The door's public key for envelopes, base64."""
    keys: tuple[str, ...] = ()
    """The people keys whose lists count there."""
    signatures: int = 1
    """How many of them must have signed a list."""
    restored: str = ""
    """The door was restored from a backup, and obeys a list that repeats this alone."""
    lease: float | None = None
    """When its people lapse unless a newer list comes, seconds since the Unix epoch."""
    known: int = 0
    """How many people the door knows from the centre."""
    pages: tuple[str, ...] = ()
    """Hashes of pages of a newer list that have not come: the list is not obeyed yet."""
    envelopes: tuple[str, ...] = ()
    """Hashes of envelopes of the list obeyed that have not come, the first of them."""
    waiting: int = 0
    """How many people are waited for."""
    refused: dict[str, str] = field(default_factory=dict)
    """By the person's number, or LIST: a sentence why; the first of them."""
    erased: dict[str, float] = field(default_factory=dict)
    """Receipts, the newest: when who was forgotten, seconds since the Unix epoch."""

    def to_json(self) -> bytes:
        """The message for the topic."""
        return spell(asdict(self)).encode("ascii")

    @classmethod
    def from_json(cls, message: bytes) -> Report:
        """Raises RosterError: it is not one."""
        try:
            return _ADAPTER.validate_json(message)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise RosterError(f"the door's report does not read: {where} {first['msg']}") from error


_ADAPTER = TypeAdapter(Report)
