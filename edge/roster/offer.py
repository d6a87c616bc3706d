"""Whom a door has captured for the people office: sealed for the office, signed by the door.

Nobody else reads even the name. An offer makes nobody known: an operator at the office accepts it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from edge.errors import RosterError
from edge.roster.canonical import from_base64, read, spell, to_base64
from edge.roster.envelope import Content, DoorKey, lock, signed

_NUMBERS = "<f2"
_PURPOSE = b"edge-door offer "


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
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
    content: Content


def seal_offer(offer: Offer, office: str, door: DoorKey) -> bytes:
    """For the office of this public key.

    Raises:
        RosterError: `office` is no such key.
    """
    fields = {
        "device": offer.device,
        "at": offer.at,
        "name": offer.name,
        "groups": offer.groups,
        "schedule": offer.schedule,
        "expires": offer.expires,
        "model": offer.model,
        "content": to_base64(offer.content.to_json(_NUMBERS)),
    }
    body = spell(fields)
    signature = to_base64(door.sign(_PURPOSE + body.encode("ascii")))
    plain = spell({"body": body, "signature": signature}).encode("ascii")
    return lock(plain, office, _PURPOSE + offer.device.encode("ascii"))


def open_offer(sealed: bytes, device: str, door: str, office: DoorKey) -> Offer:
    """What `device`, whose trusted public key is `door`, has sealed.

    Raises:
        RosterError: it is for another office, not of this door, or no offer.
    """
    plain = office.unlock(sealed, _PURPOSE + device.encode("ascii"))
    if plain is None:
        raise RosterError(f"what {device} offers was sealed for another office")
    outer = read(plain, "the offer")
    body, signature = str(outer.get("body")), from_base64(outer.get("signature"), "the signature")
    if not signed(_PURPOSE + body.encode("ascii", "replace"), signature, door):
        raise RosterError(f"what {device} offers is not signed by the door that is trusted")
    return _read(body, device)


def _read(body: str, device: str) -> Offer:
    fields = read(body, "the offer")
    try:
        raw = from_base64(fields.pop("content"), "the template")
        content = Content.from_json(raw, _NUMBERS, "the offer")
        offer = Offer(**fields, content=content)
        if offer.device != device:
            raise RosterError("the offer is another door's")
        groups, schedule = tuple(map(str, offer.groups)), tuple(map(str, offer.schedule))
        return replace(offer, groups=groups, schedule=schedule)
    except (TypeError, KeyError) as error:
        raise RosterError(f"the offer does not read: {error}") from error
