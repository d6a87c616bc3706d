"""An operator's own key on their own host, in a file."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from edge.access.command import public_text, sign_command
from edge.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.vocabulary import Action


def make_key(file: Path) -> str:
    """A new key, mode 0600; its public half in base64.

    Raises:
        UsageError: the file exists already, or cannot be made.
    """
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as target:
            target.write(raw)
    except OSError as error:
        raise UsageError(f"{file} cannot be made: {error.strerror}") from error
    return public_text(key)


def sign_now(key: Ed25519PrivateKey, device: str, action: Action, reason: str) -> str:
    """A command's text, valid for a minute, once."""
    now = time.time()
    nonce, counter = secrets.token_hex(16), int(now * 1000)
    return sign_command(key, device, action, counter, int(now), nonce, reason=reason)
