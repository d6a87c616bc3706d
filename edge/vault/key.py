"""The vault's key file: 32 random bytes, readable by its owner alone, and the keys made from it."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from edge.believed import read_ordinary
from edge.errors import VaultError, reason_of
from edge.files import create_file, replace_file
from edge.roster.envelope import SEED_BYTES

KEY_BYTES = 32
_OTHERS = 0o077
_NONCE = 12
_LEDGER = b"edge-door ledger key"


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """One key a purpose, so that nothing made for one can serve another. 32 bytes each."""

    wrap: bytes
    """Encrypts every person's own data key (AES-256-GCM)."""
    seal: bytes
    """Signs the list of people and the rollback counter (HMAC-SHA256)."""
    card: bytes
    """Hashes card numbers (HMAC-SHA256)."""
    pin: bytes
    """Salts PINs (scrypt)."""
    ledger: bytes
    """Seals and signs the event ledger (`edge.ledger.seal`)."""
    rotation: bytes
    """Turns templates (`edge.access.rotation`)."""
    envelopes: bytes
    """Secret of this door's key for envelopes from the people office; SEED_BYTES of it."""


def create_key(path: Path) -> None:
    """Make a key file, mode 0600, durable when this returns.

    Raises:
        VaultError: there is one already, or it cannot be written; nothing is left then.
    """
    try:
        create_file(path, os.urandom(KEY_BYTES))
    except FileExistsError as error:
        raise VaultError(
            f"{path} exists already, and what it has encrypted can be read with nothing else. "
            "Use it, or move it away to begin anew."
        ) from error
    except OSError as error:
        raise VaultError(f"{path} cannot be made: {reason_of(error)}.") from error


def read_key(path: Path) -> bytes:
    """The key file's bytes, from which each purpose derives a key of its own.

    Raises:
        VaultError: it is missing, of the wrong size, or others may read it.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise VaultError(
            f"The key file {path} is missing, and the people database opens with no other. Where "
            "it is kept locked, `edge-door vault unlock` opens it; else restore it from a backup, "
            "or move people.db away too and enrol everybody again."
        ) from error
    except OSError as error:
        raise VaultError(f"The key file {path} cannot be read: {reason_of(error)}.") from error
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_size != KEY_BYTES:
            raise VaultError(
                f"The key file {path} is not a file of {KEY_BYTES} bytes, so it is damaged or "
                "another file. Restore it from a backup."
            )
        if status.st_mode & _OTHERS & ~_systemds(path):
            raise VaultError(
                f"The key file {path} may be read by others (mode {status.st_mode & 0o777:04o}). "
                f"Run `chmod 600 {path}`, and think about who may have copied it."
            )
        root = os.read(handle, KEY_BYTES)
    finally:
        os.close(handle)
    return root


def load_keys(path: Path) -> Keys:
    """The keys of a device.

    Raises:
        VaultError: as `read_key`.
    """
    return keys_of(read_key(path))


def keys_of(root: bytes) -> Keys:
    """The keys made from a key file's bytes."""
    return Keys(
        wrap=derive(root, b"wrap"),
        seal=derive(root, b"seal"),
        card=derive(root, b"card"),
        pin=derive(root, b"pin"),
        ledger=derive(root, b"ledger"),
        rotation=derive(root, b"rotation"),
        envelopes=derive(root, b"envelopes", SEED_BYTES),
    )


def _systemds(path: Path) -> int:
    """Systemd gives a unit's user a credential by an access list, which shows as a group's."""
    return stat.S_IRGRP if path.parent.parent == Path("/run/credentials") else 0


def ledger_secret(keys: Keys, path: Path) -> bytes:
    """The record's own secret: made from the first key, and kept in a file since there is another.

    Raises:
        VaultError: the file is damaged, or of another key.
    """
    try:
        content = read_ordinary(path)
        return AESGCM(keys.wrap).decrypt(content[:_NONCE], content[_NONCE:], _LEDGER)
    except FileNotFoundError:
        return keys.ledger
    except (OSError, ValueError, InvalidTag) as error:
        raise VaultError(f"{path} does not open with this device's key.") from error


def keep_ledger_secret(keys: Keys, path: Path, secret: bytes) -> None:
    """Encrypt the record's secret under these keys.

    Raises:
        OSError: it cannot be written; the old file stands then.
    """
    nonce = os.urandom(_NONCE)
    replace_file(path, nonce + AESGCM(keys.wrap).encrypt(nonce, secret, _LEDGER))


def derive(root: bytes, purpose: bytes, size: int = KEY_BYTES) -> bytes:
    """A key for one purpose alone (HKDF-SHA256, RFC 5869)."""
    return HKDF(SHA256(), size, salt=None, info=b"edge-door " + purpose).derive(root)
