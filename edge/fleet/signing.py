"""An operator's own key on their own host, in a file."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from edge.access.command import public_text, sign_command
from edge.errors import UsageError, reason_of
from edge.files import create_file

if TYPE_CHECKING:
    from pathlib import Path

    from edge.vocabulary import Action


def make_key(file: Path) -> str:
    """A new key, mode 0600; its public half in base64.

    Raises:
        UsageError: the file exists already, or cannot be made.
    """
    key = Ed25519PrivateKey.generate()
    keep_key(file, key)
    return public_text(key)


def keep_key(file: Path, key: Ed25519PrivateKey, passphrase: str = "") -> None:
    """Write a private key into a new file, mode 0600; encrypted where there is a passphrase.

    Raises:
        UsageError: the file exists already, or cannot be made.
    """
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    try:
        create_file(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    except OSError as error:
        raise UsageError(f"{file} cannot be made: {reason_of(error)}") from error


def sign_now(key: Ed25519PrivateKey, device: str, action: Action, reason: str) -> str:
    """A command's text, valid for a minute, once."""
    now = time.time()
    nonce, counter = secrets.token_hex(16), int(now * 1000)
    return sign_command(key, device, action, counter, int(now), nonce, reason=reason)
