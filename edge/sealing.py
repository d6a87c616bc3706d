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
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge.believed import read_ordinary
from edge.errors import SealError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileSeal:
    """What one seal vouches for."""

    version: int
    key: str
    """Base64 public key of who sealed."""
    files: Mapping[str, str]
    """SHA-256 by absolute path."""


def make_seal(key: Ed25519PrivateKey, files: Iterable[Path], version: int) -> str:
    """A seal's text over these files as they are now.

    Raises:
        OSError: one cannot be read.
    """
    fields: dict[str, Any] = {
        "version": version,
        "key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "files": {
            str(path.absolute()): hashlib.sha256(read_ordinary(path)).hexdigest() for path in files
        },
    }
    signature = base64.b64encode(key.sign(_canonical(fields))).decode()
    return json.dumps({**fields, "signature": signature}, indent=2) + "\n"


def read_seal(path: Path, key: str | None = None) -> FileSeal:
    """A seal, if its signature is right, and by `key` where one is known.

    Raises:
        SealError: it is missing, damaged, changed, or somebody else's.
    """
    try:
        fields: dict[str, Any] = json.loads(read_ordinary(path))
        signature = base64.b64decode(fields.pop("signature"), validate=True)
        seal = FileSeal(int(fields["version"]), str(fields["key"]), dict(fields["files"]))
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(seal.key, validate=True))
        public.verify(signature, _canonical(fields))
    except OSError as error:
        raise SealError(
            f"the seal {path} cannot be read ({error.strerror}), and this door was sealed. Put it "
            "back, or run `edge-door seal`."
        ) from error
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SealError(f"the seal {path} was changed or is damaged. Put it back.") from error
    if key is not None and seal.key != key:
        raise SealError(f"the seal {path} is by another key than the one this door knows.")
    return seal


def _digest(path: Path) -> str:
    return hashlib.sha256(read_ordinary(path)).hexdigest()


def _canonical(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")
