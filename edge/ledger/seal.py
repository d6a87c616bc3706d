"""What only the ledger's writer holds: the key that seals the head row and signs every entry.

Three things keep the ledger from another hand:

- Every entry's chain is signed (Ed25519), so a tail that was cut or computed anew shows to anyone
  who knows the public key; the signature travels with the event.
- The head row is sealed (HMAC-SHA256): the newest number and chain, and what sight must remember
  (mode, lockouts, command counters), so that none of it is obeyed once another hand wrote it.
- The anchor, a small sealed file beside the key, knows a late entry: yesterday's ledger, put back
  as a whole, does not hold it. Who puts back ledger and anchor together is found by the people
  database's counter, or by the collector, which keeps the newest signed head.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge.believed import read_ordinary
from edge.errors import LedgerError, reason_of
from edge.files import replace_file
from edge.plain import spell
from edge.records import Head

if TYPE_CHECKING:
    from pathlib import Path

_NAME_BYTES = 8


def head_text(device: str, sequence: int, chain: str) -> bytes:
    """What is signed: canonical JSON, ASCII."""
    return spell(["edge-door head", device, sequence, chain]).encode("ascii")


def key_name(public: bytes) -> str:
    """How a head names the key that signed it."""
    return hashlib.sha256(public).digest()[:_NAME_BYTES].hex()


def signed_by(public: bytes, signature: bytes, device: str, sequence: int, chain: str) -> bool:
    """Whether the holder of this raw public key vouches for an entry's chain."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public)
        key.verify(signature, head_text(device, sequence, chain))
    except (InvalidSignature, ValueError):
        return False
    return True


def head(public: bytes, signature: bytes, sequence: int, chain: str) -> Head | None:
    """What travels with an entry; None for one that was never signed."""
    if not signature:
        return None
    return Head(sequence, chain, key_name(public), base64.b64encode(signature).decode())


class Seal:
    """The writer's keys and anchor. `secret` is 32 bytes that serve nothing else."""

    def __init__(self, secret: bytes, anchor: Path) -> None:
        self._mac = _derive(secret, b"seal")
        self._signer = Ed25519PrivateKey.from_private_bytes(_derive(secret, b"sign"))
        self._anchor = anchor
        self.public = self._signer.public_key().public_bytes_raw()
        """Raw Ed25519 public key of this device's entries."""

    def sign(self, device: str, sequence: int, chain: str) -> bytes:
        """Vouch for an entry."""
        return self._signer.sign(head_text(device, sequence, chain))

    def mac(self, fields: list[object]) -> bytes:
        """The seal of a head row."""
        return hmac.digest(self._mac, b"head " + spell(fields).encode("ascii"), "sha256")

    def read_anchor(self) -> tuple[int, str] | None:
        """Number and chain of the late entry that was kept; None where there is no anchor yet.

        Raises:
            LedgerError: it cannot be read, or another hand wrote it.
        """
        try:
            number, chain, mac = read_ordinary(self._anchor).decode("ascii").split()
            if hmac.compare_digest(bytes.fromhex(mac), self._anchor_mac(int(number), chain)):
                return int(number), chain
        except FileNotFoundError:
            return None
        except OSError as error:
            raise LedgerError(f"{self._anchor} cannot be read: {reason_of(error)}.") from error
        except ValueError:
            pass
        raise LedgerError(
            f"{self._anchor} was changed or damaged, or belongs to another key. Restore it "
            "together with the key and the ledger, or take the ledger as it is with `edge-door "
            "ledger accept`."
        )

    def write_anchor(self, sequence: int, chain: str) -> None:
        """Keep a late entry.

        Raises:
            LedgerError: it cannot be written; the old anchor stands then.
        """
        line = f"{sequence} {chain} {self._anchor_mac(sequence, chain).hex()}\n"
        try:
            replace_file(self._anchor, line.encode("ascii"))
        except OSError as error:
            raise LedgerError(
                f"{self._anchor} cannot be written: {error.strerror or error}."
            ) from error

    def _anchor_mac(self, sequence: int, chain: str) -> bytes:
        told = b"anchor " + spell([sequence, chain]).encode("ascii")
        return hmac.digest(self._mac, told, "sha256")


def _derive(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=b"edge-door ledger " + purpose).derive(secret)
