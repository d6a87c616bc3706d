"""How results are printed for people."""

from __future__ import annotations

import io
import os
import signal
from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from edge.cli import base, main, root
from edge.cli.record.events import _row as events_row
from edge.cli.record.events import _table as events_table
from edge.errors import ConfigError, UsageError
from edge.records import Event, EventKind, Reason, StoredEvent


def test_a_path_in_a_narrow_table_is_there_to_its_last_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(base, "console", Console(width=40, file=shown))
    table = Table("check", "what was found")
    table.add_row("key", "/var/lib/edge-door/somewhere/vault.key is readable")
    base.show({}, as_json=False, text=table)
    letters = "".join(shown.getvalue().replace("│", " ").replace("key", "", 1).split())
    assert "/var/lib/edge-door/somewhere/vault.key" in letters
    assert "…" not in letters


def test_who_may_not_read_is_told_what_to_do_in_a_sentence_of_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused() -> None:
        raise ConfigError("door.toml cannot be read: Permission denied") from PermissionError()

    monkeypatch.setattr(root, "app", refused)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == "edge-door: door.toml cannot be read: Permission denied. Use sudo.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--cert-file", __file__], "cert_file and key_file go together, set both or neither."),
        (["--base-topic", "#"], "--base-topic: must match pattern"),
    ],
)
def test_a_wrong_option_is_told_in_our_words(words: list[str], sentence: str) -> None:
    given = ["collect", "--broker", "mqtts://h", "--database", "sqlite:////nowhere/x.db", *words]
    done = CliRunner().invoke(root.app, given)
    assert isinstance(done.exception, UsageError)
    assert str(done.exception).startswith(sentence)


@pytest.mark.parametrize("terminal", [True, False])
def test_who_waits_is_told_for_whom_and_how_long(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool
) -> None:
    shown, passed = io.StringIO(), [0.0]
    console = Console(width=60, file=shown, force_terminal=terminal, markup=False)
    monkeypatch.setattr(base, "complaints", console)
    monkeypatch.setattr(base, "monotonic", lambda: passed[0])
    with base.waiting() as tell:
        for second in range(40):
            passed[0] = float(second)
            tell("door3")
    if terminal:
        assert "waiting for door3: 39 s" in shown.getvalue()
    else:
        lines = [f"waiting for door3: {second} s" for second in (2, 4, 8, 16, 32)]
        assert shown.getvalue().splitlines() == lines


def test_events_show_three_places_and_no_power_of_ten() -> None:
    detail: dict[str, str | float | bool] = {
        "similarity": 0.73123456,
        "ticket": 1234567.0,
        "blinks": 1,
        "why": "so",
    }
    event = Event(EventKind.ACCESS, Reason.GRANTED, 0.0, 0.0, wall_trusted=True, device="d")
    row = events_row(StoredEvent(1, "boot", replace(event, detail=detail), ""))
    assert row[3] == "similarity 0.731, ticket 1234567, blinks 1, why so"


def test_a_doubtful_time_is_explained_where_one_is_shown() -> None:
    event = Event(EventKind.SYSTEM, Reason.STARTED, 1.0, 1.7e9, wall_trusted=True, device="d")
    sure = StoredEvent(1, "boot", event, "00")
    unsure = replace(sure, event=replace(event, wall_trusted=False))
    assert events_table([sure]).caption is None
    assert events_table([]).caption is None
    caption = str(events_table([sure, unsure]).caption)
    assert caption.startswith("? The clock was not synchronised then")
    assert events_row(unsure)[1].endswith("?")
