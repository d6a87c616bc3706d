"""A device key that lies encrypted: under a passphrase (scrypt, RFC 7914), or sealed in a TPM."""

from __future__ import annotations

import base64
import json
import os
import struct
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from edge import plain
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


@dataclass(frozen=True, slots=True, repr=False)
class _ByWords:
    """A key file that a passphrase opens."""

    cost: int
    """Of scrypt."""
    salt: str
    key: str
    """Nonce and encrypted key; this and the salt base64, as below."""
    how: str = "passphrase"


@dataclass(frozen=True, slots=True, repr=False)
class _ByTpm:
    """A key file that one machine's TPM opens."""

    public: str
    private: str
    how: str = "tpm"


def lock_with_words(root: bytes, words: str) -> bytes:
    """The text of a key file that a passphrase opens."""
    salt, nonce = os.urandom(_SALT), os.urandom(_NONCE)
    cipher = AESGCM(_stretched(words, salt, _COST))
    key = _text(nonce + cipher.encrypt(nonce, root, None))
    return json.dumps(asdict(_ByWords(_COST, _text(salt), key))).encode("ascii")


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
    return json.dumps(asdict(_ByTpm(_text(public), _text(private)))).encode("ascii")


def unlock(content: bytes, ask: Callable[[], str]) -> Opened:
    """The device key.

    Args:
        content: Of the key file.
        ask: For the passphrase, where one is needed.

    Raises:
        VaultError: the file is damaged, the passphrase is wrong, or the TPM is not the one.
    """
    try:
        fields = json.loads(content)
        if fields["how"] == "tpm":
            held = plain.read(_ByTpm, fields)
            return _from_tpm(tpm.unseal(_bytes(held.public), _bytes(held.private)))
        kept = plain.read(_ByWords, fields)
        salt, sealed = _bytes(kept.salt), _bytes(kept.key)
        if not 1 < kept.cost <= _MOST:
            raise VaultError("The locked key asks for more memory than a door has: it is damaged.")
        cipher = AESGCM(_stretched(ask(), salt, kept.cost))
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
