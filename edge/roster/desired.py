"""The list of people whom a door should know, as the people office signs it.

It is retained on the broker, so a door that was away finds the newest. Each has a number that only
rises, and names the hash of the one before: a door refuses an older one, and a second one with a
number that it has seen. Whoever holds the broker can withhold a list and nothing more; a list
that is withheld for longer than its lease lets its people lapse.

Names and schedules are readable by whoever reads the topic, as in the events. Templates, cards and
PINs are not: they lie in the envelopes, of which the list holds the hashes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.errors import RosterError
from edge.roster.canonical import from_base64, read, spell, to_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_MEMBERS = 20_000
_PURPOSE = "edge-door people "
_PERSON = re.compile(r"[A-Za-z0-9_-]{1,36}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Member:
    """One person whom the door should know."""

    person: str
    """The person's number at the people office; stays when the name changes."""
    name: str
    envelope: str
    """Hex SHA-256 of the envelope with the template."""
    sealed: int
    """The generation for which the envelope was sealed."""
    schedule: tuple[str, ...] = ()
    """Windows such as `mon-fri 07:00-19:00`, in the door's local time; none: always."""
    expires: float | None = None
    """A visitor's end, seconds since the Unix epoch; None: no end."""


@dataclass(frozen=True, slots=True)
class Desired:
    """Everybody from the centre whom one door should know, and nobody else."""

    device: str
    generation: int
    """Rises by one with each list for this door, from 1."""
    previous: str
    """`digest` of the list before; "" for the first."""
    issued: float
    """Seconds since the Unix epoch."""
    lease: float | None
    """From when these people lapse at a door that has heard of no newer list; None: never."""
    members: tuple[Member, ...]

    @property
    def body(self) -> str:
        """What is signed."""
        return spell(asdict(self))

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the body."""
        return hashlib.sha256(self.body.encode("ascii")).hexdigest()


def sign(desired: Desired, keys: Iterable[Ed25519PrivateKey]) -> bytes:
    """The message for the topic, with a signature by each key."""
    body = desired.body
    signatures = {
        to_base64(key.public_key().public_bytes_raw()): to_base64(
            key.sign((_PURPOSE + body).encode("ascii"))
        )
        for key in keys
    }
    return spell({"body": body, "signatures": signatures}).encode("ascii")


def add_signature(message: bytes, key: Ed25519PrivateKey) -> bytes:
    """The same message with one signature more: two people may have to agree.

    Raises:
        RosterError: it is no such message.
    """
    signed = read(message, "the list of people")
    desired = _parse(signed.get("body"))
    mine = read(sign(desired, [key]), "the list of people")["signatures"]
    signed["signatures"] = signed.get("signatures", {}) | mine
    return spell(signed).encode("ascii")


def verify(message: bytes, keys: Sequence[str], quorum: int, device: str) -> Desired:
    """The list in a message, if enough of the configured keys signed it for this door.

    Args:
        message: From the topic.
        keys: The people keys that count, base64 of raw Ed25519 public keys.
        quorum: How many different ones must have signed.
        device: This door.

    Raises:
        RosterError: it is not a list, not for this door, or not signed by enough of the keys.
    """
    signed = read(message, "the list of people")
    body, signatures = signed.get("body"), signed.get("signatures")
    if not isinstance(body, str) or not isinstance(signatures, dict):
        raise RosterError("the list of people is not signed")
    valid = sum(_signed_by(key, body, signatures.get(key)) for key in dict.fromkeys(keys))
    if valid < max(1, quorum):
        raise RosterError(
            f"the list of people is signed by {valid} of the keys in [people] keys, and "
            f"{max(1, quorum)} are needed"
        )
    desired = _parse(body)
    if desired.device != device:
        raise RosterError(f"the list of people is for the door {desired.device!r}, not this one")
    return desired


def _signed_by(key: str, body: str, signature: object) -> bool:
    if signature is None:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(from_base64(key, "a people key"))
        raw = from_base64(signature, "a signature")
        public.verify(raw, (_PURPOSE + body).encode("ascii", "replace"))
    except (InvalidSignature, RosterError, ValueError):
        return False
    return True


def _parse(body: object) -> Desired:
    if not isinstance(body, str):
        raise RosterError("the list of people has no body")
    fields = read(body, "the list of people")
    try:
        members = tuple(_member(one) for one in fields.pop("members"))
        desired = Desired(**fields, members=members)
    except (TypeError, KeyError, AttributeError) as error:
        raise RosterError(f"the list of people does not read: {error}") from error
    if desired.body != body:
        raise RosterError("the list of people is not spelled as it was signed")
    _check(desired)
    return desired


def _member(fields: dict[str, Any]) -> Member:
    return Member(**{**fields, "schedule": tuple(fields["schedule"])})


def _check(desired: Desired) -> None:
    """Refuse what no office writes: the signature says who wrote it, not that it makes sense."""
    people = {member.person for member in desired.members}
    if len(desired.members) > MAX_MEMBERS or len(people) != len(desired.members):
        raise RosterError("the list of people names somebody twice, or too many")
    if not (_counts(desired.generation) and _is_time(desired.issued) and _is_time(desired.lease)):
        raise RosterError("the list of people has a number or a time that is none")
    for member in desired.members:
        if not _is_sane(member):
            raise RosterError(f"the list of people has a damaged entry: {member.person!r:.40}")


def _is_sane(member: Member) -> bool:
    texts = (member.person, member.name, member.envelope, *member.schedule)
    return (
        all(isinstance(text, str) for text in texts)
        and bool(_PERSON.fullmatch(member.person) and _SHA256.fullmatch(member.envelope))
        and _counts(member.sealed)
        and _is_time(member.expires)
    )


def _counts(number: object) -> bool:
    return type(number) is int and number >= 1


def _is_time(value: object) -> bool:
    return value is None or type(value) in (int, float)
