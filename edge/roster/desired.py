"""The list of people whom a door should know, as the people office signs it.

It is retained on the broker, so a door that was away finds the newest. Each has a number that only
rises, and names the hash of the one before: a door refuses an older one, and a second one with a
number that it has seen. Whoever holds the broker can withhold a list and nothing more; a list
that is withheld for longer than its lease lets its people lapse.

What is signed names the hashes of its pages (`edge.roster.pages`), so that a change to one person
among thousands sends one page, and no message is longer than brokers take.

Names and schedules are readable by whoever reads the topic, as in the events. Templates, cards and
PINs are not: they lie in the envelopes, of which the pages hold the hashes.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edge.errors import RosterError
from edge.plain import spell
from edge.roster.canonical import from_base64, read, to_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_PAGES = 512
MAX_GENERATION = 2**53
"""No office comes so far; what is above is no number that every program here can keep."""
_PURPOSE = "edge-door people "
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    pages: tuple[str, ...]
    """Hex SHA-256 of each page, on which the people stand."""
    answers: str = ""
    """What the door asks since it was restored from a backup (`Report.restored`); else empty."""

    @property
    def body(self) -> str:
        """What is signed."""
        return spell(asdict(self))

    @property
    def digest(self) -> str:
        """Hex SHA-256 of the body."""
        return hashlib.sha256(self.body.encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class _Signed:
    """The message that carries a list."""

    body: str
    signatures: dict[str, str]
    """Base64, by the base64 of the key."""

    def encode(self) -> bytes:
        return spell(asdict(self)).encode("ascii")


def sign(desired: Desired, keys: Iterable[Ed25519PrivateKey]) -> bytes:
    """The message for the topic, with a signature by each key."""
    body = desired.body
    signatures = {
        to_base64(key.public_key().public_bytes_raw()): to_base64(
            key.sign((_PURPOSE + body).encode("ascii"))
        )
        for key in keys
    }
    return _Signed(body, signatures).encode()


def add_signature(message: bytes, key: Ed25519PrivateKey) -> bytes:
    """The same message with one signature more: two people may have to agree.

    Raises:
        RosterError: it is no such message.
    """
    signed = _read(message)
    mine = _read(sign(_parse(signed.body), [key]))
    return replace(signed, signatures={**signed.signatures, **mine.signatures}).encode()


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
    signed = _read(message)
    valid = sum(_signed_by(key, signed) for key in dict.fromkeys(keys))
    if valid < max(1, quorum):
        raise RosterError(
            f"the list of people is signed by {valid} of the keys in [people] keys, and "
            f"{max(1, quorum)} are needed"
        )
    desired = _parse(signed.body)
    if desired.device != device:
        raise RosterError(f"the list of people is for the door {desired.device!r}, not this one")
    return desired


def signers(message: bytes) -> tuple[Desired, tuple[str, ...]]:
    """A list and the keys whose signatures on it are right, whoever's they are.

    Raises:
        RosterError: it is not a list.
    """
    signed = _read(message)
    valid = tuple(key for key in signed.signatures if _signed_by(key, signed))
    return _parse(signed.body), valid


def _read(message: bytes) -> _Signed:
    return read(_Signed, message, "the list of people")


def _signed_by(key: str, signed: _Signed) -> bool:
    if key not in signed.signatures:
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(from_base64(key, "a people key"))
        raw = from_base64(signed.signatures[key], "a signature")
        public.verify(raw, (_PURPOSE + signed.body).encode("ascii", "replace"))
    except (InvalidSignature, RosterError, ValueError):
        return False
    return True


def _parse(body: str) -> Desired:
    desired = read(Desired, body, "the list of people")
    if desired.body != body:
        raise RosterError("the list of people is not spelled as it was signed")
    if not _is_sane(desired):  # the signature says who wrote it, not that it makes sense
        raise RosterError("the list of people has a number, a time or a page that is none")
    return desired


def _is_sane(desired: Desired) -> bool:
    return (
        1 <= desired.generation <= MAX_GENERATION
        and len(desired.pages) <= MAX_PAGES
        and all(is_hash(page) for page in desired.pages)
    )


def is_hash(text: str) -> bool:
    """Whether it is a hex SHA-256."""
    return bool(_SHA256.fullmatch(text))
