"""The owner's seal over what is believed: configuration, manifest, models, calibration.

A seal is a JSON file beside the configuration: the SHA-256 of every file, a version that only
rises, and an Ed25519 signature by a key that is kept elsewhere. A door that was sealed once knows
the key (in its sealed states) and from then on starts with nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge import plain
from edge.believed import read_ordinary
from edge.errors import NOT_AS_WRITTEN, SealError, reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileSeal:
    """What one seal vouches for."""

    version: int
    key: str
    """Base64 public key of who sealed."""
    files: dict[str, str]
    """SHA-256 by path: absolute, or in a bundle relative to it."""


def digests(files: Iterable[Path]) -> dict[str, str]:
    """SHA-256 of these files as they are now, by absolute path.

    Raises:
        OSError: one cannot be read.
    """
    return {str(path.absolute()): digest(read_ordinary(path)) for path in files}


def digest(content: bytes) -> str:
    """As seals have it."""
    return hashlib.sha256(content).hexdigest()


def make_seal(key: Ed25519PrivateKey, files: Mapping[str, str], version: int) -> str:
    """A seal's text over these digests, by path; a bundle's are relative (`edge.bundle`)."""
    fields = {
        "version": version,
        "key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "files": dict(files),
    }
    return _text(fields, key.sign(_signed(fields)))


def read_seal(path: Path, key: str | None = None) -> FileSeal:
    """A seal, if its signature is right, and by `key` where one is known.

    Raises:
        SealError: it is missing, damaged, changed, or somebody else's.
    """
    try:
        return parse_seal(read_ordinary(path), str(path), key)
    except OSError as error:
        if key is None:
            raise SealError(
                f"there is no seal at {path}: {reason_of(error)}. To make one: "
                "edge-door seal --key YOUR.key"
            ) from error
        raise SealError(
            f"the seal {path} cannot be read ({reason_of(error)}), and this door was sealed. Put "
            "it back, or run `edge-door seal`."
        ) from error


def parse_seal(text: bytes, place: str, key: str | None = None) -> FileSeal:
    """As `read_seal`, of a seal's bytes; `place` names it in messages.

    Raises:
        SealError: it is damaged, changed, or somebody else's.
    """
    try:
        fields = json.loads(text)
        signature = base64.b64decode(fields.pop("signature"), validate=True)
        if _text(fields, signature).encode() != text:  # else bits of it could change unseen
            raise ValueError("not as it was written")
        seal = plain.read(FileSeal, fields)
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(seal.key, validate=True))
        public.verify(signature, _signed(fields))
    except (InvalidSignature, *NOT_AS_WRITTEN) as error:
        raise SealError(f"the seal {place} was changed or is damaged. Put it back.") from error
    if key is not None and seal.key != key:
        raise SealError(f"the seal {place} is by another key than the one this door knows.")
    return seal


def _text(fields: Mapping[str, object], signature: bytes) -> str:
    told = {**fields, "signature": base64.b64encode(signature).decode()}
    return json.dumps(told, indent=2) + "\n"


def _signed(fields: Mapping[str, object]) -> bytes:
    return plain.spell(fields).encode("ascii")
