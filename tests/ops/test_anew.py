"""After an update the programs run it, or what to type is said."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from edge.errors import UpdateError
from edge.ops import anew


class Systemd:
    """Stands for systemctl: writes down what it is asked, and answers as it is told."""

    def __init__(
        self, folder: Path, *, active: bool = True, restart: int = 0, says: str = "broken"
    ) -> None:
        self._asked = folder / "asked"
        program = folder / "systemctl"
        answer = f"active) exit {int(not active)} ;; restart) echo {says} >&2; exit {restart}"
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {self._asked}\ncase "${{1#is-}}" in {answer} ;; esac\n'
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def restarted(self) -> bool:
        """Whether it was asked to."""
        return "restart edge-door.target" in self._asked.read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


def test_what_systemd_runs_is_restarted_by_root(folder: Path) -> None:
    systemd = Systemd(folder)
    assert anew.start_anew()
    assert systemd.restarted()


def test_who_is_not_root_is_told_what_to_type(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    systemd = Systemd(folder)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert not anew.start_anew()
    assert anew.advice() == "Now: sudo systemctl restart edge-door.target"
    assert not systemd.restarted()


def test_where_systemd_runs_no_door_nothing_is_started(folder: Path) -> None:
    systemd = Systemd(folder, active=False)
    assert not anew.start_anew()
    assert "edge-door run" in anew.advice()
    assert not systemd.restarted()


def test_a_restart_that_fails_is_said(folder: Path) -> None:
    Systemd(folder, restart=1)
    with pytest.raises(
        UpdateError, match=r"is in force, but .* says: broken\. Look at `journalctl"
    ):
        anew.start_anew()


def test_a_restart_that_fails_without_a_word_is_said(folder: Path) -> None:
    Systemd(folder, restart=4, says="")
    with pytest.raises(UpdateError, match="says: exit code 4"):
        anew.start_anew()


def test_a_systemd_that_does_not_answer_ends_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(anew, "LIMIT_S", 0.2)
    (folder / "systemctl").write_text("#!/bin/sh\nexec sleep 5\n")
    (folder / "systemctl").chmod(0o755)
    assert not anew.start_anew()
    assert "edge-door run" in anew.advice()
