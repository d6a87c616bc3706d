"""Whoever waits for the demonstration is told so, and its film is made once."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edge.ops.demo import film
from edge.ops.demo.animate import Portrait
from edge.ops.demo.patience import Patience


def test_silence_is_broken() -> None:
    heard: list[str] = []
    ticked = threading.Event()

    def say(line: str) -> None:
        heard.append(line)
        if len(heard) == 3:
            ticked.set()

    with Patience(say, silence_s=0.05) as lines:
        lines.say("begin")
        assert ticked.wait(60)
    assert heard[0] == "begin"
    assert heard[1].startswith("  ... ")


def test_the_film_is_kept_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eileen: Portrait, grace: Portrait
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shot = []

    def shoot(person: Portrait, stranger: Portrait, path: Path) -> tuple[tuple[film.Scene], float]:
        shot.append((person, stranger))
        path.write_bytes(b"film")
        return (film.Scene(1.0, "who", "granted"),), 9.0

    monkeypatch.setattr(film, "shoot", shoot)
    told: list[str] = []
    once = film.kept_or_shot(eileen, grace, tmp_path / "a.avi", told.append)
    again = film.kept_or_shot(eileen, grace, tmp_path / "b.avi", told.append)
    assert once == again
    assert (tmp_path / "b.avi").read_bytes() == b"film"
    assert len(shot) == 1
    assert "earlier run" in told[1]
    film.kept_or_shot(grace, eileen, tmp_path / "c.avi", told.append)  # another film
    assert len(shot) == 2
