"""`--json`: one object, whose `ok` says what the exit code says; for every command alike."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from edge.cli import base
from edge.ops.demo.film import enrolment_pictures
from tests.conftest import ROOT
from tests.support.running import Door

if TYPE_CHECKING:
    from pathlib import Path

    from edge.ops.demo.animate import Portrait

MAY_WRITE = {
    "edge/cli/base.py",  # `show`: every result
    "edge/cli/root.py",  # `fail`: every failure, with ok false
    "edge/cli/fleet/mqtt.py",  # JSON Schemas, a document of others' form
    "edge/cli/door/asking.py",  # `watch`: a stream of messages
}


def told(result: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    shown = io.StringIO()
    monkeypatch.setattr(base, "console", Console(file=shown))
    base.show(result, as_json=True, text="")
    found: dict[str, Any] = json.loads(shown.getvalue())
    return found


def test_a_result_is_ok_unless_it_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told({"people": []}, monkeypatch) == {"ok": True, "people": []}
    assert told({"ok": False, "doors": []}, monkeypatch) == {"ok": False, "doors": []}


def test_no_command_prints_an_object_of_its_own() -> None:
    writers = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "edge" / "cli").rglob("*.py")
        if re.search(r"console\.(file|out|print)[^\n]*(dumps|encode)\(", path.read_text())
    }
    assert writers == MAY_WRITE


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    made = Door(tmp_path_factory.mktemp("json"), "/dev/video99")
    assert made.command("init").returncode == 0
    assert made.command("office", "init").returncode == 0
    return made


@pytest.mark.parametrize(
    "words",
    [
        "people list",
        "people key",
        "credentials list",
        "keys list",
        "events --verify",
        "models list",
        "models show mobilefacenet",
        "office people",
        "office erased",
        "office erased Nobody",
        "people remove Nobody",
        "ledger check",
        "audit verify",
        "status",
        "config",
        "update check",
    ],
)
def test_ok_says_what_the_exit_code_says(door: Door, words: str) -> None:
    done = door.command(*words.split(), "--json")
    assert json.loads(done.stdout)["ok"] == (done.returncode == 0), done


def test_a_record_that_is_not_whole_is_one_object_and_not_ok(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    door.command("keys", "make", "Bea", "--out", str(tmp_path / "bea.key"))
    with sqlite3.connect(door.config.ledger_db) as ledger:
        ledger.execute("UPDATE events SET chain = 'x'")
    done = door.command("events", "--verify", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (1, False), done


def test_who_is_another_person_is_not_ok(
    door: Door, stills: Path, grace: Portrait, tmp_path: Path
) -> None:
    one = str(min(stills.iterdir()))
    other = str(min(enrolment_pictures(grace, tmp_path / "grace").iterdir()))
    for second, code in ((one, 0), (other, 3)):
        done = door.command("verify", one, second, "--json")
        assert (done.returncode, json.loads(done.stdout)["ok"]) == (code, code == 0), done
