"""A device key that lies encrypted: under a passphrase (scrypt, RFC 7914), or sealed in a TPM."""

from __future__ import annotations

import base64
import json
import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from edge.errors import VaultError
from edge.vault import tpm
from edge.vault.key import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

_SALT, _NONCE = 16, 12
_COUNTED = ">QQ"
_COST = 2**17
"""128 MiB and most of a second on a small board, once a boot: what each guess costs a thief too."""
_MOST = 2**20
_BLOCK, _LANES = 8, 1


def lock_with_words(root: bytes, words: str) -> bytes:
    """The text of a key file that a passphrase opens."""
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    fields: dict[str, Any] = {"how": "passphrase", "cost": _COST, "salt": _text(salt)}
    cipher = AESGCM(_stretched(words, salt, _COST))
    fields["key"] = _text(nonce + cipher.encrypt(nonce, root, None))
    return json.dumps(fields).encode("ascii")


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """What a locked key file held."""

    root: bytes
    """The device key."""
    least: int | None = None
    """How often people must have changed, as the TPM that opened it has counted; None: no TPM."""


def lock_in_tpm(root: bytes, changes: int) -> bytes:
    """The text of a key file that this machine's TPM alone opens.

    Args:
        root: The device key.
        changes: How often people were changed, from where on the TPM counts.

    Raises:
        VaultError: there is no TPM, or its tools are missing.
    """
    public, private = tpm.seal(root + struct.pack(_COUNTED, tpm.count(), changes))
    fields = {"how": "tpm", "public": _text(public), "private": _text(private)}
    return json.dumps(fields).encode("ascii")


def unlock(content: bytes, ask: Callable[[], str]) -> Opened:
    """The device key.

    Args:
        content: Of the key file.
        ask: For the passphrase, where one is needed.

    Raises:
        VaultError: the file is damaged, the passphrase is wrong, or the TPM is not the one.
    """
    try:
        fields: dict[str, Any] = json.loads(content)
        if fields["how"] == "tpm":
            return _from_tpm(tpm.unseal(_bytes(fields["public"]), _bytes(fields["private"])))
        cost, salt, sealed = int(fields["cost"]), _bytes(fields["salt"]), _bytes(fields["key"])
        if not 1 < cost <= _MOST:
            raise VaultError("The locked key asks for more memory than a door has: it is damaged.")
        cipher = AESGCM(_stretched(ask(), salt, cost))
        return Opened(cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], None))
    except InvalidTag as error:
        raise VaultError("That is not the passphrase.") from error
    except (ValueError, KeyError, TypeError, struct.error) as error:
        raise VaultError("The locked key is damaged. Restore it from a backup.") from error


def _from_tpm(secret: bytes) -> Opened:
    began, changes = struct.unpack(_COUNTED, secret[KEY_BYTES:])
    return Opened(secret[:KEY_BYTES], changes + tpm.count() - began)


def _stretched(words: str, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt, KEY_BYTES, cost, _BLOCK, _LANES).derive(words.encode())


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
