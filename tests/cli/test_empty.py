"""A device where nothing is yet: who only asks or changes begins no state; a sentence says how."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.errors import EdgeDoorError
from tests.cli.tree import leaves
from tests.support.running import Door

SERVE = {
    *("run", "door", "sight", "link", "metrics", "watch", "collect", "dashboard", "wall"),
    *("simulate", "demo", "bench"),
}
"""Programs, and what brings a state of its own."""
MAKES = {"init", "office init", "pki init", "operator add", "command key"}
"""What these are for is to make something."""
GIVEN = {
    "new": "Bea",
    "other": "Bea",
    "card": "77",
    "kind": "card",
    "device": "test",
    "action": "unlock",
    "groups": "staff",
    "fingerprint": "0" * 32,
    "reason": "none",
    "group": "staff",
    "door": "test",
    "preset": "arcface",
    "said": "2d84 cff1",
    "database": "sqlite:///fleet.db",
}
"""A word for each argument that a command wants; every other one is a file that is not there."""


def asked(command: Any) -> list[str]:
    """What the command must be given."""
    words = []
    for one in command.params:
        if one.required or one.name in {"bundle", "file", "name"}:
            word = "Anna" if one.name in {"name", "old"} else GIVEN.get(one.name, "missing")
            words += [word] if one.param_type_name == "argument" else [one.opts[-1], word]
    return words


def everything(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def test_no_command_begins_a_state_unless_it_is_for_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = []
    numbered = itertools.count()
    for name, command in leaves():
        if name in SERVE:
            continue
        folder = tmp_path / str(next(numbered))
        folder.mkdir()
        door = Door(folder, "/dev/video99")
        monkeypatch.chdir(folder)
        takes_config = any(one.name == "config" for one in command.params)
        config = ["--config", str(door.path)] if takes_config else []
        before = everything(folder)
        done = CliRunner().invoke(app, [*name.split(), *asked(command), *config])
        if not isinstance(done.exception, (EdgeDoorError, SystemExit, type(None))):
            wrong.append(f"{name}: {done.exception!r}")
        if (everything(folder) != before) != (name in MAKES):
            wrong.append(f"{name}: made {everything(folder) - before}: {done.output}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "words",
    [
        *(("people", "list"), ("people", "key"), ("people", "remove", "Anna")),
        *(("people", "rename", "Anna", "Bea"), ("people", "accept-backup")),
        *(("credentials", "list"), ("credentials", "add-card", "Anna", "77")),
        *(("credentials", "revoke", "Anna", "pin"), ("events",), ("audit", "verify")),
        *(("audit", "export"), ("ledger", "check"), ("ledger", "accept")),
        *(("ledger", "backup", "copy"), ("ledger", "restore", __file__), ("vault", "rekey")),
        *(("keys", "list"), ("keys", "make", "Anna"), ("keys", "revoke", "Anna"), ("seal",)),
    ],
)
def test_all_say_the_same_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    door = Door(tmp_path, "/dev/video99")
    done = CliRunner().invoke(app, [*words, "--config", str(door.path)])
    assert f"no door's key or database is in {door.config.paths.state} yet" in str(done.exception)
    assert isinstance(done.exception, EdgeDoorError)
    assert done.exception.exit_code == 1


def test_a_key_without_its_database_is_no_empty_list(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    assert CliRunner().invoke(app, ["init", "--config", str(door.path)]).exit_code == 0
    door.config.people_db.unlink()
    before = everything(tmp_path)
    done = CliRunner().invoke(app, ["people", "list", "--config", str(door.path)])
    assert "people.db is missing. Put it back from a backup" in str(done.exception)
    assert everything(tmp_path) == before
