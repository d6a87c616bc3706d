"""How results are printed for people."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from edge.cli import base


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
