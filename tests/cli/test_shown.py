"""How results are printed for people."""

from __future__ import annotations

import io
import os
import signal

import pytest
from rich.console import Console
from rich.table import Table

from edge.cli import base, main, root
from edge.errors import ConfigError


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
