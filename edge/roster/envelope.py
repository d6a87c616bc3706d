"""One person's template, sealed for one door: HPKE (RFC 9180) with X25519 and ML-KEM-768 together.

Who records the traffic today must break both to read it, one of which is thought to withstand a
quantum computer (FIPS 203). The envelope is bound to door, person, network and generation: put
into another's place it does not open.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
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

from edge.errors import RosterError
from edge.roster.canonical import from_base64, read, spell, to_base64

if TYPE_CHECKING:
    from edge.records import Floats

SEED_BYTES = 96
"""Of a door's private key: 64 for ML-KEM-768, 32 for X25519."""
_MLKEM_SEED, _MLKEM_PUBLIC, _X25519 = 64, 1184, 32
_NUMBERS = "<f2"
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


@dataclass(frozen=True, slots=True, eq=False)
class Content:
    """What the centre knows of somebody and only the door may read."""

    vectors: Floats
    """Unit vectors `(captures, d)`; they travel as float16, which moves a cosine by under 1e-3."""
    cards: tuple[str, ...] = ()
    pin: str | None = None

    def to_json(self, numbers: str) -> bytes:
        """As text; `numbers` is numpy's name of the vectors' format, such as `<f4`."""
        import numpy as np

        vectors = np.atleast_2d(self.vectors).astype(numbers)
        fields = {
            "vectors": to_base64(vectors.tobytes()),
            "captures": len(vectors),
            "cards": list(self.cards),
            "pin": self.pin,
        }
        return spell(fields).encode("ascii")

    @classmethod
    def from_json(cls, text: bytes, numbers: str, what: str) -> Content:
        """What `to_json` wrote in the same format.

        Raises:
            RosterError: it is something else; `what` names it.
        """
        import numpy as np

        fields = read(text, what)
        try:
            raw = from_base64(fields["vectors"], "the template")
            vectors = np.frombuffer(raw, numbers).reshape(fields["captures"], -1)
            return cls(vectors.astype(np.float32), tuple(fields["cards"]), fields["pin"])
        except (KeyError, TypeError, ValueError) as error:
            raise RosterError(f"{what} holds something else: {error}") from error


class DoorKey:
    """A door's private key, made from bytes that the vault derives from its own key."""

    def __init__(self, seed: bytes) -> None:
        """`seed`: SEED_BYTES secret bytes."""
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seed[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(seed[_MLKEM_SEED:SEED_BYTES])
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        halves = mlkem.public_key().public_bytes_raw(), x25519.public_key().public_bytes_raw()
        self.public = to_base64(b"".join(halves))
        """For whoever seals an envelope for this door."""

    def open(self, envelope: bytes, address: Address) -> Content:
        """What is in an envelope.

        Raises:
            RosterError: it was not sealed for this door, person, network and generation.
        """
        try:
            plain = _SUITE.decrypt(envelope, self._private, info=address.info)
        except (InvalidTag, ValueError) as error:
            raise RosterError(
                "the envelope does not open: it is for another door, person, network or generation"
            ) from error
        return Content.from_json(plain, _NUMBERS, "the envelope")


def seal(content: Content, public: str, address: Address) -> bytes:
    """An envelope that the door of `public` alone opens.

    Raises:
        RosterError: `public` is no door's key.
    """
    raw = from_base64(public, "the door's key")
    if len(raw) != _MLKEM_PUBLIC + _X25519:
        raise RosterError(f"a door's key has {_MLKEM_PUBLIC + _X25519} bytes, this one {len(raw)}")
    key = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC]),
        X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:]),
    )
    return _SUITE.encrypt(content.to_json(_NUMBERS), key, info=address.info)


def fingerprint(public: str) -> str:
    """What two people compare over the telephone: eight groups of four hex digits."""
    hexed = hashlib.sha256(public.encode("ascii")).hexdigest()[:32]
    return " ".join(hexed[i : i + 4] for i in range(0, len(hexed), 4))
