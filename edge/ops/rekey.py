"""The device key unlocked, and changed.

A new one: everything is encrypted anew, and the old key opens nothing of it. The steps, each of
which can be done again after a kill at any moment: the new key is written beside the old one, as it
will lie; the people database is changed in one transaction; the counter and the record's secret
follow; the new key takes the old one's place, and the old one goes.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from edge.config.device import KeySource
from edge.errors import UsageError, VaultError
from edge.files import create_file, replace_file, sync_folder
from edge.folders import make_folder
from edge.records import EventKind, Reason
from edge.sight.journal import Entry, Journal
from edge.sight.sealed_ledger import open_ledger
from edge.vault.counter import Counter
from edge.vault.key import KEY_BYTES, keep_ledger_secret, keys_of, ledger_secret, read_key
from edge.vault.locked import lock_in_tpm, lock_with_words, unlock
from edge.vault.tpm import count_up
from edge.vault.vault import Vault, require_begun

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.config import Config
    from edge.vault.key import Keys

    Ask = Callable[[], str]


def new_place(config: Config) -> Path:
    """Where the key will lie that the configuration asks for.

    Raises:
        UsageError: systemd gives it, and only its owner can put another there.
    """
    if config.vault.key is KeySource.CREDENTIAL:
        raise UsageError(
            '[vault] key is "credential", and edge-door cannot write one. Set it to "file", make '
            "the new key, encrypt it with systemd-creds, and set it back: deploy/guide/keys.md."
        )
    return config.locked_key if config.vault.key.locked else config.key_file


def rekey(config: Config, old_key: Path, ask: Ask) -> None:
    """Change the device key, or go on with a change that was cut short.

    Args:
        config: Says where the new key is to lie, and whether it is locked.
        old_key: The key file of now, in clear.
        ask: For the new passphrase, where there is one.

    Raises:
        UsageError: see `new_place`.
        VaultError: a key or database cannot be read or written; running it again goes on.
        OSError: a key cannot be written.
    """
    require_begun(config)
    place = new_place(config)
    staged = place.with_name(f"{place.name}.new")
    if staged.exists():
        root = _read_staged(config, staged, ask)
    else:
        root = os.urandom(KEY_BYTES)
        create_file(staged, _as_it_lies(config, root, ask, read_key(old_key)))
    new = keys_of(root)
    if not _is_done(config, new):
        _change(config, keys_of(read_key(old_key)), new)
    Vault.count_anew(new, config.people_db, config.device.id)
    _move_ledger_secret(config, old_key, new)
    staged.replace(place)
    sync_folder(place.parent)
    if config.vault.key.locked:
        _put_in_clear(config, root)
    if old_key != config.key_file:
        old_key.unlink(missing_ok=True)
    with open_ledger(config) as ledger:
        source = {"change": "rekeyed", "source": config.vault.key.value}
        entry = Entry(EventKind.SYSTEM, Reason.REKEYED, detail=source)
        Journal(ledger, config.device.id).write(entry)


def unlock_key(config: Config, ask: Ask, *, accept_older: bool = False) -> None:
    """Put a locked key in clear where programs read it, in memory.

    A TPM has counted the changes to people: a card that was put back as a whole, with an older
    database, counter and ledger on it, is found here. `accept_older` takes it all the same.

    Raises:
        VaultError: it does not open, or the state is older than the TPM knows.
        OSError: it cannot be read, or written there.
    """
    require_begun(config)
    if not config.locked_key.exists():
        raise VaultError(
            f"{config.locked_key} is missing: `edge-door vault rekey` locks the key of now; one of "
            "a backup goes there."
        )
    opened = unlock(config.locked_key.read_bytes(), ask)
    if opened.least is not None:
        changes = _changes(config, keys_of(opened.root))
        if changes < opened.least and not accept_older:
            raise VaultError(
                f"The people database ends at change {changes}, and the TPM has counted "
                f"{opened.least}: an older card was put back, and people who were removed may be "
                "in it. If that was you, restoring a backup: `edge-door vault unlock "
                "--accept-older`, then `edge-door vault rekey`."
            )
        count_up(max(0, changes - opened.least))
    _put_in_clear(config, opened.root)


def _put_in_clear(config: Config, root: bytes) -> None:
    """Where programs read it: in memory, so that its folder may be gone since the boot."""
    make_folder(config.key_file.parent)
    replace_file(config.key_file, root)


def _changes(config: Config, keys: Keys) -> int:
    """How often people were changed, by the counter's file that the key has signed."""
    return Counter(config.people_db.with_name("vault.counter"), keys.seal).read() or 0


def _as_it_lies(config: Config, root: bytes, ask: Ask, old: bytes) -> bytes:
    if config.vault.key is KeySource.WORDS:
        return lock_with_words(root, ask())
    if config.vault.key is KeySource.TPM:
        return lock_in_tpm(root, _changes(config, keys_of(old)))
    return root


def _read_staged(config: Config, staged: Path, ask: Ask) -> bytes:
    return unlock(staged.read_bytes(), ask).root if config.vault.key.locked else read_key(staged)


def _is_done(config: Config, new: Keys) -> bool:
    try:
        Vault.count_anew(new, config.people_db, config.device.id)
    except VaultError:
        return False
    return True


def _change(config: Config, old: Keys, new: Keys) -> None:
    with Vault.open_with(old, config.people_db, config.device.id) as vault:
        vault.rekey(new)


def _move_ledger_secret(config: Config, old_key: Path, new: Keys) -> None:
    if config.ledger_key.exists():
        try:
            ledger_secret(new, config.ledger_key)
        except VaultError:  # it is under the old key still
            pass
        else:
            return
    old = keys_of(read_key(old_key))
    keep_ledger_secret(new, config.ledger_key, ledger_secret(old, config.ledger_key))
