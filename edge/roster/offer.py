"""Whom a door has captured for the people office: sealed for the office, signed by the door.

Nobody else reads even the name. An offer makes nobody known: an operator at the office accepts it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from edge.errors import RosterError, UsageError
from edge.names import proper_name
from edge.plain import spell
from edge.roster.canonical import LATEST, from_base64, read, to_base64
from edge.roster.envelope import TRAVELS_AS, Content, DoorKey, lock, signed

_PURPOSE = b"edge-door offer "


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """Whom the door would like to be known, and where."""

    device: str
    """The door that captured them."""
    at: float
    """When, seconds since the Unix epoch."""
    name: str
    groups: tuple[str, ...]
    schedule: tuple[str, ...]
    expires: float | None
    model: str
    """SHA-256 of the network that made the vectors."""


@dataclass(frozen=True, slots=True, eq=False)
class Offer(_Wish):
    """A wish, with what was captured."""

    content: Content


@dataclass(frozen=True, slots=True, eq=False)
class _Told(_Wish):
    """An `Offer`, as it is spelled."""

    content: str


@dataclass(frozen=True, slots=True)
class _Signed:
    """What the office unlocks."""

    body: str
    signature: str


def seal_offer(offer: Offer, office: str, door: DoorKey) -> bytes:
    """For the office of this public key.

    Raises:
        RosterError: `office` is no such key.
    """
    told = _Told(**_same(offer), content=to_base64(offer.content.to_json(TRAVELS_AS)))
    body = spell(asdict(told))
    outer = _Signed(body, to_base64(door.sign(_PURPOSE + body.encode("ascii"))))
    message = spell(asdict(outer)).encode("ascii")
    return lock(message, office, _PURPOSE + offer.device.encode("ascii"))


def open_offer(sealed: bytes, device: str, door: str, office: DoorKey) -> Offer:
    """What `device`, whose trusted public key is `door`, has sealed.

    Raises:
        RosterError: it is for another office, not of this door, or no offer.
    """
    message = office.unlock(sealed, _PURPOSE + device.encode("ascii"))
    if message is None:
        raise RosterError(f"what {device} offers was sealed for another office")
    outer = read(_Signed, message, "the offer")
    signature = from_base64(outer.signature, "the signature")
    if not signed(_PURPOSE + outer.body.encode("ascii", "replace"), signature, door):
        raise RosterError(f"what {device} offers is not signed by the door that is trusted")
    return _read(outer.body, device)


def _read(body: str, device: str) -> Offer:
    told = read(_Told, body, "the offer")
    if told.device != device:
        raise RosterError("the offer is another door's")
    _require_sense(told)
    content = Content.from_json(from_base64(told.content, "the template"), TRAVELS_AS, "the offer")
    return Offer(**_same(told), content=content)


def _require_sense(told: _Told) -> None:
    """A door that was stolen may offer anything, and operators read it at a terminal."""
    try:
        proper_name(told.name)
    except UsageError as error:
        raise RosterError(f"the offer is of nobody: {error}") from error
    times = [at for at in (told.at, told.expires) if at is not None]
    words = (*told.groups, *told.schedule, told.model)
    if not all(0 <= at <= LATEST for at in times) or not all(map(str.isprintable, words)):
        raise RosterError("the offer has a time that is none, or a word that does not print")


def _same(wish: _Wish) -> dict[str, Any]:
    """What an offer and its spelling have in common."""
    return {each.name: getattr(wish, each.name) for each in fields(_Wish)}
