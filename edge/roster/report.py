"""What a door says of the list that it obeys: for the people office and the dashboard."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from edge.errors import RosterError, plainly
from edge.plain import spell
from edge.roster.canonical import LATEST, from_base64, to_base64
from edge.roster.desired import MAX_GENERATION

if TYPE_CHECKING:
    from edge.roster.envelope import DoorKey

_PURPOSE = b"edge-door people report "
LIST = "list"
"""What is refused when it is the whole list; else it is a person's number."""
RESEMBLES = (
    "is not taken in: their face resembles that of somebody known here. `edge-door office status` "
    "says whom of the office's book, this door's own log whoever it is. If they are two people, "
    "say so with `edge-door office lookalike`, and publish"
)
"""After a name. Whose face it is does not travel: brokers and dashboards read reports."""


def _prints(text: str) -> str:
    """What is shown at a terminal must not command it.

    Raises:
        ValueError: it does not print.
    """
    if not text.isprintable():
        raise ValueError("holds what does not print")
    return text


_Count = Annotated[int, Field(ge=0, le=MAX_GENERATION)]
_Moment = Annotated[float, Field(ge=0, le=LATEST)]
_Hash = Annotated[str, Field(max_length=64), AfterValidator(_prints)]
"""It comes back in the next list, which brokers must take."""
_Sentence = Annotated[str, AfterValidator(_prints)]


@dataclass(frozen=True, slots=True)
class Report:
    """How far a door is. Published retained; holds numbers and sentences, never names or faces.

    Short enough for any broker: of what could be long it holds the first, and how many there are.
    """

    __pydantic_config__ = ConfigDict(use_attribute_docstrings=True)

    device: str
    generation: _Count
    """Of the newest list obeyed; 0: none yet."""
    digest: _Hash
    model: _Hash
    """SHA-256 of the network in use: envelopes must be sealed for it."""
    key: str
    """The door's public key for envelopes, base64."""
    keys: tuple[str, ...] = ()
    """The people keys whose lists count there."""
    signatures: int = 1
    """How many of them must have signed a list."""
    restored: _Hash = ""
    """The door was restored from a backup, and obeys a list that repeats this alone."""
    lease: _Moment | None = None
    """When its people lapse unless a newer list comes, seconds since the Unix epoch."""
    known: _Count = 0
    """How many people the door knows from the centre."""
    pages: tuple[str, ...] = ()
    """Hashes of pages of a newer list that have not come: the list is not obeyed yet."""
    envelopes: tuple[str, ...] = ()
    """Hashes of envelopes of the list obeyed that have not come, the first of them."""
    waiting: _Count = 0
    """How many people are waited for."""
    refused: dict[_Sentence, _Sentence] = field(default_factory=dict)
    """By the person's number, or LIST: a sentence why; the first of them."""
    erased: dict[_Sentence, _Moment] = field(default_factory=dict)
    """Receipts, the newest: when who was forgotten, seconds since the Unix epoch."""

    signature: str = ""
    """By the door, with `key`, over the canonical JSON of the rest; base64 of Ed25519's."""

    def to_json(self, key: DoorKey) -> bytes:
        """The message for the topic."""
        fields = asdict(self)
        del fields["signature"]
        signature = to_base64(key.sign(_PURPOSE + spell(fields).encode("ascii")))
        return spell({**fields, "signature": signature}).encode("ascii")

    @classmethod
    def from_json(cls, message: bytes) -> Report:
        """What `to_json` wrote.

        Whoever owns the broker can withhold a report, or repeat one; were they not signed, they
        could say that somebody was forgotten, or that the door uses another network.

        Raises:
            RosterError: it is not one, or the holder of the key that it names has not signed it.
        """
        from edge.roster.envelope import signed  # link, which checks none, needs no HPKE

        try:
            report = _ADAPTER.validate_json(message)
            fields = json.loads(message)
            signature = from_base64(fields.pop("signature", ""), "the signature")
            said = _PURPOSE + spell(fields).encode("ascii")
            if not signed(said, signature, report.key):
                raise RosterError(f"the report of {report.device} is not signed by that door")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise RosterError(
                f"the door's report does not read: {where} {plainly(first['msg'])}"
            ) from error
        except ValueError as error:  # a number that is none
            raise RosterError("the door's report is not JSON") from error
        return report


_ADAPTER = TypeAdapter(Report)
