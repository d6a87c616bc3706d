"""A new device key, from every source: everything goes on, and the old key opens nothing of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.config import Config, parse
from edge.errors import UsageError, VaultError
from edge.ops.rekey import rekey, unlock_key
from edge.records import Reason
from edge.sight.sealed_ledger import open_ledger
from edge.vault.credentials import Claimed, Kind
from edge.vault.locked import lock_with_words, unlock
from edge.vault.vault import Vault, open_vault
from tests.support.running import Door
from tests.support.tpm import Tpm, needs_tpm
from tests.vault.test_vault import MODEL, template

WORDS = "four plain words here"


def configured(folder: Path, key: str = "file") -> Config:
    (folder / "run").mkdir(exist_ok=True)
    paths = {"state": str(folder / "state"), "run": str(folder / "run")}
    return parse({"paths": paths, "vault": {"key": key}}, "test")


def words() -> str:
    return WORDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A door with Ann, her card and her PIN."""
    with open_vault(configured(tmp_path)) as vault:
        vault.add(template("Ann"))
        vault.credentials.add_card("Ann", "7654321")
        vault.credentials.set_pin("Ann", "482913")
    open_ledger(configured(tmp_path)).close()
    shutil.copy(tmp_path / "state" / "vault.key", tmp_path / "old.key")
    return tmp_path


def whole(config: Config) -> None:
    """Everything that was there still is."""
    with open_vault(config) as vault, open_ledger(config) as ledger:
        (ann,) = vault.plain_templates(MODEL)
        assert np.allclose(ann.vectors, template("Ann").vectors, atol=1e-5)
        assert vault.credentials.identify(Kind.CARD, "7654321") == Claimed("Ann")
        assert vault.credentials.identify(Kind.PIN, "482913") == Claimed("Ann")
        assert vault.credentials.identify(Kind.PIN, "482914") is None
        assert not ledger.verify(thorough=True)
        assert ledger.events(limit=100)[-1].event.reason is Reason.REKEYED


def test_a_folder_in_memory_that_is_gone_since_the_boot_is_made_again(folder: Path) -> None:
    config = configured(folder, "passphrase")
    shutil.rmtree(config.paths.run)
    rekey(config, folder / "state" / "vault.key", words)
    whole(config)
    shutil.rmtree(config.paths.run)
    unlock_key(config, words)
    whole(config)


def test_no_key_is_locked_with_a_passphrase_that_never_came(tmp_path: Path) -> None:
    assert Door(tmp_path, "/dev/video99").command("init").returncode == 0
    door = Door(tmp_path, "/dev/video99", vault={"key": "passphrase"})
    before = {path: path.read_bytes() for path in door.config.paths.state.glob("*.key*")}
    done = door.command("vault", "rekey", "--stdin")  # whose standard input is empty
    assert (done.returncode, "Passphrase: nothing came" in done.stderr) == (2, True)
    asked = ["vault", "rekey", "--config", str(door.path)]
    refused = CliRunner().invoke(app, asked, input="echo the script's next line\n")
    assert "`--stdin` takes a line" in str(refused.exception)
    assert before == {path: path.read_bytes() for path in door.config.paths.state.glob("*.key*")}


def opens_nothing(config: Config, old: Path) -> None:
    with pytest.raises(VaultError, match="another key"):
        Vault.open(config.people_db, old, config.device.id)


def test_twice_and_templates_are_turned_anew(folder: Path) -> None:
    config = configured(folder)
    with open_vault(config) as vault:
        ((before,), public) = vault.templates(MODEL), vault.door_key.public
    with open_ledger(config) as ledger:
        signer = ledger.public_key()
    for number in range(2):
        shutil.copy(config.key_file, folder / f"old-{number}")
        rekey(config, config.key_file, words)
        opens_nothing(config, folder / f"old-{number}")
        whole(config)
    with open_vault(config) as vault, open_ledger(config) as ledger:
        (after,) = vault.templates(MODEL)
        assert float(np.abs(np.sum(after.vectors * before.vectors, axis=1)).max()) < 0.9
        assert vault.door_key.public != public
        assert ledger.public_key() == signer  # the record goes on
        vault.credentials.add_card("Ann", "1234")
        assert vault.credentials.identify(Kind.CARD, "1234") == Claimed("Ann")
    assert config.key_file.stat().st_mode & 0o777 == 0o600


def test_from_a_file_to_a_passphrase_and_back(folder: Path) -> None:
    config = configured(folder, "passphrase")
    rekey(config, folder / "state" / "vault.key", words)
    whole(config)
    opens_nothing(config, folder / "old.key")
    assert not (folder / "state" / "vault.key").exists()
    config.key_file.unlink()  # as after a boot
    with pytest.raises(VaultError, match="edge-door vault unlock"):
        open_vault(config)
    locked = config.locked_key.read_bytes()
    with pytest.raises(VaultError, match="not the passphrase"):
        unlock(locked, lambda: "another")
    unlock_key(config, words)
    whole(config)
    back = configured(folder)
    rekey(back, config.key_file, words)
    whole(back)


def test_a_flipped_byte_of_a_locked_key_opens_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.vault.locked._COST", 2**4)  # each byte costs one
    content = lock_with_words(bytes(range(32)), WORDS)
    assert unlock(content, words).root == bytes(range(32))
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 0x80
        with pytest.raises(VaultError):
            unlock(bytes(changed), words)


def test_systemd_gives_a_key_and_takes_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = folder / "credentials"
    given.mkdir()
    shutil.copy(folder / "old.key", given / "edge-door.key")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(given))
    config = configured(folder, "credential")
    with open_vault(config) as vault:
        assert len(vault.people()) == 1
    with pytest.raises(UsageError, match="systemd-creds"):
        rekey(config, config.key_file, words)


@needs_tpm
def test_a_key_in_a_tpm_opens_with_that_one_alone(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(folder, "tpm")
    with Tpm(tmp_path_factory.mktemp("one"), monkeypatch):
        rekey(config, folder / "state" / "vault.key", words)
        whole(config)
        opened = unlock(config.locked_key.read_bytes(), words)
        assert opened.root == config.key_file.read_bytes()
    with (
        Tpm(tmp_path_factory.mktemp("other"), monkeypatch),
        pytest.raises(VaultError, match="The TPM refuses tpm2_load"),
    ):
        unlock(config.locked_key.read_bytes(), words)


@needs_tpm
def test_a_card_put_back_as_a_whole_is_refused_where_there_is_a_tpm(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(folder, "tpm")
    with Tpm(tmp_path_factory.mktemp("one"), monkeypatch):
        rekey(config, folder / "state" / "vault.key", words)
        for _ in range(2):  # a boot, and another
            unlock_key(config, words)
        shutil.copytree(config.paths.state, folder / "card")
        with open_vault(config) as vault:
            vault.remove("Ann")
        unlock_key(config, words)  # the next boot counts that
        shutil.rmtree(config.paths.state)
        shutil.copytree(folder / "card", config.paths.state)
        with pytest.raises(VaultError, match="ends at change 3, and the TPM has counted 4"):
            unlock_key(config, words)
        unlock_key(config, words, accept_older=True)
        rekey(config, config.key_file, words)
        unlock_key(config, words)
        whole(config)
