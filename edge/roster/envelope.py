"""One person's template, sealed for one door: HPKE (RFC 9180) with X25519 and ML-KEM-768 together.

Who records the traffic today must break both to read it, one of which is thought to withstand a
quantum computer (FIPS 203). The envelope is bound to door, person, network and generation: put
into another's place it does not open.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from edge.errors import NOT_AS_WRITTEN, RosterError
from edge.plain import spell
from edge.roster.canonical import from_base64, read, to_base64

if TYPE_CHECKING:
    from edge.records import Floats

SEED_BYTES = 96
"""Of a door's private key: 64 for ML-KEM-768, 32 for X25519."""
_MLKEM_SEED, _MLKEM_PUBLIC, _X25519, _ED25519 = 64, 1184, 32, 32
TRAVELS_AS = "<f2"
"""numpy's name of the numbers in an envelope, and in an offer."""
MAX_CONTENT = 60_000
"""Bytes in an envelope: brokers commonly take packets of 64 KiB."""
_UNEVEN = 0.01
"""By how much float16 may make a unit vector longer or shorter, with room."""
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True)
class Address:
    """For what an envelope was sealed; anything else does not open it."""

    device: str
    person: str
    model: str
    """SHA-256 of the network that made the vectors."""
    generation: int

    @property
    def info(self) -> bytes:
        """HPKE's `info`."""
        return ("edge-door envelope " + spell(asdict(self))).encode("ascii")


@dataclass(frozen=True, slots=True)
class _Told:
    """A `Content`, as it is spelled."""

    vectors: str
    captures: int
    cards: tuple[str, ...]
    pin: str | None
    resembles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What the centre knows of somebody and only the door may read."""

    vectors: Floats
    """Unit vectors `(captures, d)`; they travel as float16, which moves a cosine by under 1e-3."""
    cards: tuple[str, ...] = ()
    pin: str | None = None
    resembles: tuple[str, ...] = ()
    """Names of others whose faces are alike, as an operator knows."""

    def to_json(self, numbers: str) -> bytes:
        """As text; `numbers` is numpy's name of the vectors' format, such as `<f4`."""
        import numpy as np

        vectors = np.atleast_2d(self.vectors).astype(numbers)
        raw = to_base64(vectors.tobytes())
        told = _Told(raw, len(vectors), self.cards, self.pin, self.resembles)
        return spell(asdict(told)).encode("ascii")

    @classmethod
    def from_json(cls, text: bytes, numbers: str, what: str) -> Content:
        """What `to_json` wrote in the same format.

        Raises:
            RosterError: it is something else; `what` names it.
        """
        import numpy as np

        told = read(_Told, text, what)
        try:
            raw = from_base64(told.vectors, "the template")
            vectors = np.frombuffer(raw, numbers).reshape(told.captures, -1).astype(np.float32)
        except NOT_AS_WRITTEN as error:
            raise RosterError(f"{what} holds something else: {error}") from error
        # NaN is not near 1 either.
        if not (np.abs(np.linalg.norm(vectors, axis=1) - 1) < _UNEVEN).all():
            raise RosterError(f"{what} holds vectors that are not of length 1")
        return cls(vectors, told.cards, told.pin, told.resembles)


class DoorKey:
    """A door's private key, made from bytes that the vault derives from its own key."""

    def __init__(self, seed: bytes) -> None:
        """`seed`: SEED_BYTES secret bytes."""
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED:SEED_BYTES])
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        signing = hmac.digest(seed, b"edge-door signing", "sha256")
        self._signing = Ed25519PrivateKey.from_private_bytes(signing)
        keys = mlkem.public_key(), x25519.public_key(), self._signing.public_key()
        self.public = to_base64(b"".join(key.public_bytes_raw() for key in keys))
        """For whoever seals something for this door, or checks what it signed."""

    def open(self, envelope: bytes, address: Address) -> Content:
        """What is in an envelope.

        Raises:
            RosterError: it was not sealed for this door, person, network and generation.
        """
        plain = self.unlock(envelope, address.info)
        if plain is None:
            raise RosterError(
                "the envelope does not open: it is for another door, person, network or generation"
            )
        return Content.from_json(plain, TRAVELS_AS, "the envelope")

    def unlock(self, sealed: bytes, info: bytes) -> bytes | None:
        """What `lock` closed for this key and `info`; None: it was closed for another."""
        try:
            return _SUITE.decrypt(sealed, self._private, info=info)
        except (InvalidTag, ValueError):
            return None

    def sign(self, message: bytes) -> bytes:
        """Ed25519."""
        return self._signing.sign(message)


def seal(content: Content, public: str, address: Address) -> bytes:
    """An envelope that the door of `public` alone opens.

    Raises:
        RosterError: `public` is no door's key.
    """
    return lock(content.to_json(TRAVELS_AS), public, address.info)


def lock(plain: bytes, public: str, info: bytes) -> bytes:
    """Bytes that the key of `public` alone opens, given the same `info`.

    Raises:
        RosterError: `public` is no door's or office's key.
    """
    raw = _raw(public)
    key = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:-_ED25519]),
    )
    return _SUITE.encrypt(plain, key, info=info)


def signed(message: bytes, signature: bytes, public: str) -> bool:
    """Whether the door of `public` signed a message."""
    try:
        Ed25519PublicKey.from_public_bytes(_raw(public)[-_ED25519:]).verify(signature, message)
    except (InvalidSignature, RosterError):
        return False
    return True


def require_key(public: str) -> None:
    """See that this is a door's or office's public key.

    Raises:
        RosterError: it is not; what it is instead.
    """
    _raw(public)


def _raw(public: str) -> bytes:
    raw = from_base64(public, "the key")
    size = _MLKEM_PUBLIC + _X25519 + _ED25519
    if len(raw) != size:
        raise RosterError(f"a door's or office's key has {size} bytes, this one {len(raw)}")
    return raw


def fingerprint(public: str) -> str:
    """What two people compare over the telephone: eight groups of four hex digits."""
    hexed = hashlib.sha256(public.encode("ascii")).hexdigest()[:32]
    return " ".join(hexed[i : i + 4] for i in range(0, len(hexed), 4))
