"""Changes to who may enter: in the ledger before they are made, and the two of one time."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from edge.config import Config, parse
from edge.errors import LedgerError, UsageError, VaultError
from edge.ledger.ledger import Ledger
from edge.records import Event, EventKind, Reason, Template
from edge.sight import changes
from edge.sight.changes import recorded, settle
from edge.sight.journal import Entry, Journal
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import Vault, open_vault


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return parse({"paths": {"state": str(tmp_path / "state"), "run": str(tmp_path)}}, "test")


def template(name: str) -> Template:
    return Template(name, np.eye(1, 8, dtype=np.float32), "ab" * 32)


def enrol(config: Config, name: str) -> None:
    with (
        open_vault(config) as vault,
        open_ledger(config) as ledger,
        recorded(ledger, vault, "door1", Reason.ENROLLED, name),
    ):
        vault.add(template(name))


def remove(config: Config, name: str) -> None:
    with (
        open_vault(config) as vault,
        open_ledger(config) as ledger,
        recorded(ledger, vault, "door1", Reason.REMOVED, name),
    ):
        vault.remove(name)


def people(config: Config) -> list[str]:
    with open_vault(config) as vault:
        return [person.name for person in vault.people()]


def said(config: Config) -> list[Reason]:
    with open_ledger(config) as ledger:
        return [stored.event.reason for stored in ledger.events()]


def start(config: Config) -> None:
    """As sight does."""
    with open_vault(config) as vault, open_ledger(config) as ledger:
        settle(ledger, vault, "door1")


def test_intent_then_change_then_end(config: Config) -> None:
    enrol(config, "Ann")
    assert people(config) == ["Ann"]
    assert said(config) == [Reason.INTENDED, Reason.ENROLLED]


def test_what_the_ledger_cannot_take_is_not_changed(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(config, "Ann")

    def full(*_: object) -> None:
        raise LedgerError("the disk is full.")

    with monkeypatch.context() as trouble:
        trouble.setattr(Ledger, "append_all", full)
        for change, name in ((enrol, "Bo"), (remove, "Ann")):
            with pytest.raises(LedgerError, match="disk is full"):
                change(config, name)
    assert people(config) == ["Ann"]
    start(config)


def test_a_disk_that_fills_after_the_intent_says_that_the_change_was_made(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Event] = []
    append = Ledger.append_all

    def fills_after_one(self: Ledger, events: list[Event], *rest: object) -> object:
        if written:
            raise LedgerError("the disk is full.")
        written.extend(events)
        return append(self, events, *rest)  # type: ignore[arg-type]

    with monkeypatch.context() as trouble:
        trouble.setattr(Ledger, "append_all", fills_after_one)
        with pytest.raises(LedgerError, match=r"was changed .*the ledger holds the intent alone"):
            enrol(config, "Ann")
    assert people(config) == ["Ann"]
    start(config)
    assert said(config) == [Reason.INTENDED, Reason.DONE_AFTER_ALL]


def test_a_change_that_fails_is_noted_as_not_done(config: Config) -> None:
    with pytest.raises(UsageError):
        remove(config, "Nobody")
    assert said(config) == [Reason.INTENDED, Reason.NOT_DONE]
    start(config)
    enrol(config, "Ann")


def test_a_change_that_stands_though_its_counter_failed_is_noted_as_made(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(config, "Ann")

    def full(*_: object) -> None:
        raise VaultError("the counter cannot be written.")

    with monkeypatch.context() as trouble:
        trouble.setattr("edge.vault.counter.Counter.write", full)
        with pytest.raises(VaultError):
            remove(config, "Ann")
    assert said(config)[-1] is Reason.REMOVED
    assert people(config) == []
    start(config)


@pytest.mark.parametrize("moment", ["before the change", "after the change"])
def test_a_power_cut_between_intent_and_end_is_settled_at_the_next_start(
    config: Config, moment: str
) -> None:
    with open_vault(config) as vault, open_ledger(config) as ledger:
        journal = Journal(ledger, "door1")
        journal.write(
            Entry(EventKind.PEOPLE, Reason.INTENDED),
            {changes.CHANGES: "0", changes.INTENDED: "1"},
        )
        if moment == "after the change":
            vault.add(template("Ann"))
    start(config)
    done = moment == "after the change"
    assert said(config)[-1] is (Reason.DONE_AFTER_ALL if done else Reason.NOT_DONE)
    start(config)
    assert len(said(config)) == 2


def test_yesterdays_people_with_their_counter_from_the_same_folder_are_refused(
    config: Config, tmp_path: Path
) -> None:
    enrol(config, "Ann")
    files = [config.people_db, config.people_db.with_name("vault.counter")]
    for file in files:
        shutil.copy(file, tmp_path)
    remove(config, "Ann")
    for file in files:
        shutil.copy(tmp_path / file.name, file)
    assert people(config) == ["Ann"], "the vault alone cannot tell"
    with pytest.raises(VaultError, match=r"change 1, and the ledger knows of change 2"):
        start(config)
    with pytest.raises(VaultError, match="older copy"):
        enrol(config, "Bo")
    with open_vault(config) as vault, open_ledger(config) as ledger:
        changes.accept(ledger, vault, "door1", Reason.BACKUP_ACCEPTED)
    start(config)


def test_yesterdays_ledger_with_its_anchor_is_refused(config: Config, tmp_path: Path) -> None:
    enrol(config, "Ann")
    files = [config.ledger_db, config.ledger_anchor]
    for file in files:
        shutil.copy(file, tmp_path)
    remove(config, "Ann")
    for file in files:
        shutil.copy(tmp_path / file.name, file)
    with pytest.raises(LedgerError, match=r"knows of change 1 .* of change 2"):
        start(config)


def test_people_replaced_under_a_running_sight_are_not_used(config: Config) -> None:
    enrol(config, "Ann")
    enrol(config, "Bo")
    before = config.people_db.read_bytes()
    remove(config, "Ann")
    with open_vault(config) as running:
        assert len(running.templates("ab" * 32)) == 1
        replacement = config.people_db.with_name("older")
        replacement.write_bytes(before)
        replacement.rename(config.people_db)
        with pytest.raises(VaultError, match="removed or replaced while it was open"):
            running.stand()
        with pytest.raises(VaultError, match="removed or replaced"):
            running.templates("ab" * 32)
    with pytest.raises(VaultError, match="older copy"):
        Vault.open(config.people_db, config.key_file, "door1")


def test_a_rename_keeps_both_names(config: Config) -> None:
    enrol(config, "Ann")
    with (
        open_vault(config) as vault,
        open_ledger(config) as ledger,
        recorded(ledger, vault, "door1", Reason.RENAMED, "Bea", before="Ann"),
    ):
        vault.rename("Ann", "Bea")
    with open_ledger(config) as ledger:
        event = ledger.events(limit=1, newest_first=True)[0].event
    assert (event.person, event.detail["before"]) == ("Bea", "Ann")


def test_the_key_may_lie_elsewhere_and_everything_else_stays(tmp_path: Path) -> None:
    key = tmp_path / "stick" / "door.key"
    paths = {"state": str(tmp_path / "state"), "run": str(tmp_path), "key": str(key)}
    config = parse({"paths": paths}, "test")
    enrol(config, "Ann")
    assert key.exists()
    assert not list((tmp_path / "state").glob("*.key"))
    assert [path.name for path in (tmp_path / "stick").iterdir()] == ["door.key"]
    start(config)
    key.rename(key.with_name("taken"))
    with pytest.raises(VaultError, match=r"key file .* is missing"):
        start(config)
