"""Templates of an older edge-door are turned once, and a copy is kept."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from edge.errors import VaultError
from edge.vault.credentials import Claimed, Kind
from edge.vault.vault import Vault
from tests.vault.test_vault import DEVICE, MODEL, raw, template

BEFORE = Path(__file__).parent / "before_rotation"
"""Ann, who has a PIN, and Bo, as the edge-door before this wrote them."""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    shutil.copy(BEFORE / "people.db", tmp_path)
    shutil.copy(BEFORE / "vault.counter", tmp_path)
    shutil.copy(BEFORE / "device-key", tmp_path / "vault.key")
    (tmp_path / "vault.key").chmod(0o600)
    return tmp_path


def opened(folder: Path) -> Vault:
    return Vault.open(folder / "people.db", folder / "vault.key", DEVICE)


def test_they_are_turned_once_and_nothing_else_changes(old: Path) -> None:
    for _ in range(2):
        with opened(old) as vault:
            ann, bo = vault.templates(MODEL)
            assert np.array_equal(ann.vectors, vault.rotation(template("Ann").vectors))
            assert np.array_equal(bo.vectors, vault.rotation(template("x", 1, 5).vectors))
            assert vault.changes() == 3  # the ledger knows of so many
            assert vault.credentials.identify(Kind.PIN, "482913") == Claimed("Ann")
    copy = old / "people.db.version-2"
    assert raw(copy, "PRAGMA user_version") == [(2,)]
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_older_one_put_back_is_turned_again(old: Path) -> None:
    opened(old).close()
    for name in ("people.db-wal", "people.db-shm"):
        (old / name).unlink(missing_ok=True)
    shutil.copy(old / "people.db.version-2", old / "people.db")
    with opened(old) as vault:
        assert np.array_equal(
            vault.templates(MODEL)[0].vectors, vault.rotation(template("Ann").vectors)
        )


def test_who_says_that_they_are_not_turned_is_found_out(old: Path) -> None:
    opened(old).close()
    with sqlite3.connect(old / "people.db") as db:
        db.execute("DELETE FROM rotated")
    db.close()
    with pytest.raises(VaultError, match="was changed by another program"):
        opened(old)
