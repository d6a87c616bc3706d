"""An operator's own key on their own host, in a file."""

from __future__ import annotations

import re
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

from edge.access.command import MAX_REASON, NONCE, public_text, sign_command
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


def sign_now(
    key: Ed25519PrivateKey, device: str, action: Action, reason: str, nonce: str = ""
) -> str:
    """A command's text, valid for a minute, once; `nonce`: of one that somebody else signs, too.

    Raises:
        UsageError: no door takes that reason, or that nonce.
    """
    if len(reason) > MAX_REASON or not reason.isprintable():
        raise UsageError(f"the reason has at most {MAX_REASON} printable characters.")
    nonce = nonce or new_nonce()
    if not re.fullmatch(NONCE, nonce):
        raise UsageError(f"a nonce has 32 hex digits, as the door said it, and {nonce!r} has not.")
    now = time.time()
    return sign_command(key, device, action, int(now * 1000), int(now), nonce, reason=reason)


def new_nonce() -> str:
    """What tells a command from all others."""
    return secrets.token_hex(16)
