"""A state that cannot be written or read: a sentence, and nothing half done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge.cli.door import update
from edge.errors import EdgeDoorError, UsageError
from edge.evaluate.clips import read_clips
from edge.evaluate.liveness import crops
from edge.evaluate.pairs import read_pairs
from edge.evaluate.people import read_people
from edge.fleet.web.provider import read_provider
from edge.ops.boot import lines_in
from edge.store.file import reading
from edge.vision.models.model import shapes_of
from tests.support.running import Door

READ_ONLY = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'


@pytest.fixture
def door(tmp_path: Path) -> Door:
    made = Door(tmp_path, "/dev/video99")
    assert made.command("init").returncode == 0
    return made


def on_a_read_only_disk(door: Door, *words: str) -> subprocess.CompletedProcess[str]:
    if os.geteuid() != 0:
        pytest.skip("only root mounts")
    state = str(door.config.paths.state)
    edge_door = [sys.executable, "-m", "edge", *words, "--config", str(door.path)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", state, *edge_door],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    return done


@pytest.mark.parametrize(
    "words",
    [
        ("people", "rename", "Anna", "Bea"),
        ("init",),
        ("keys", "make", "Bea", "--out", "FOLDER/bea.key"),
        ("ledger", "accept"),
        ("bench", "--tune"),
        ("verify", __file__, __file__, "--plot", "FOLDER/state/x.png"),
    ],
)
def test_a_read_only_disk_is_named(door: Door, words: tuple[str, ...]) -> None:
    before = {path: path.read_bytes() for path in door.folder.rglob("*") if path.is_file()}
    done = on_a_read_only_disk(door, *(w.replace("FOLDER", str(door.folder)) for w in words))
    assert done.returncode in (1, 2)
    assert "read-only" in done.stderr.lower()
    assert "Traceback" not in done.stderr
    after = {path: path.read_bytes() for path in door.folder.rglob("*") if path.is_file()}
    assert after == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("people", "list"), "Nobody is enrolled"),
        (("people", "key"), " "),
        (("credentials", "list"), "holds"),
        (("events",), "what happened"),
        (("ledger", "check"), "whole"),
        (("config",), "is valid"),
    ],
)
def test_what_only_reads_reads_from_a_read_only_disk(
    door: Door, words: tuple[str, ...], said: str
) -> None:
    done = on_a_read_only_disk(door, *words)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_the_offices_book_reads_from_one_too(door: Door) -> None:
    door.command("office", "init")
    for words in (("office", "people"), ("office", "erased")):
        done = on_a_read_only_disk(door, *words)
        assert done.returncode == 0, done.stderr


def test_doctor_says_that_the_disk_only_reads(door: Door) -> None:
    said = json.loads(on_a_read_only_disk(door, "doctor", "--json").stdout)
    checks = {check["name"]: check for check in said["checks"]}
    assert checks["disk"]["level"] == "fail"
    assert "mounted read-only" in checks["disk"]["sentence"]
    assert f"remount,rw {door.config.paths.state}" in checks["disk"]["remedy"]
    assert checks["people"]["level"] == "ok"


def test_what_only_reads_makes_no_file_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = SimpleNamespace(f_bavail=0, f_frsize=4096, f_flag=0)
    monkeypatch.setattr("edge.store.file.os.statvfs", lambda _path: full)
    database, log = tmp_path / "x.db", tmp_path / "x.db-wal"
    assert reading(database) == "ro&immutable=1"
    log.touch()  # who could not write left it so
    assert reading(database) == "ro&immutable=1"
    log.write_bytes(b"what the database itself has not got yet")
    assert reading(database) == "ro"


def test_a_key_that_the_door_does_not_take_leaves_no_file(door: Door) -> None:
    first = door.folder / "bea.key"
    assert door.command("keys", "make", "Bea", "--out", str(first)).returncode == 0
    again = door.folder / "again.key"
    assert door.command("keys", "make", "Bea", "--out", str(again)).returncode != 0
    assert first.exists()
    assert not again.exists()


def test_a_copy_for_which_there_is_no_room_leaves_no_part_of_it(door: Door) -> None:
    out = door.folder / "out"
    out.mkdir()
    words = ("ledger", "backup", str(out / "ledger.db"), "--config", str(door.path))
    done = subprocess.run(
        ["prlimit", "--fsize=8192", sys.executable, "-m", "edge", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert list(out.iterdir()) == []


def test_what_a_terminal_cannot_show_is_spelt_out(door: Door) -> None:
    odd = door.folder / "m\udcfcller.jpg"
    odd.touch()
    for encoding in ("utf-8", "latin-1", "ascii"):
        done = subprocess.run(
            [sys.executable, "-m", "edge", "enroll", "علی", odd, "--json", "-c", door.path],
            env={**os.environ, "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1
        assert b"Traceback" not in done.stderr
        assert rb"m\udcfcller.jpg" in done.stdout
        assert (rb"\u0639" in done.stdout) == (encoding != "utf-8")


def test_where_nothing_can_be_printed_it_is_a_sentence(door: Door) -> None:
    words = [sys.executable, "-m", "edge", "people", "list", "--json", "-c", str(door.path)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "edge-door: No space left on device.\n")


@pytest.mark.parametrize(
    "read",
    [
        *(read_clips, read_people, read_pairs, shapes_of, read_provider, lines_in),
        *(crops._read, update._program),
    ],
)
def test_a_device_is_no_file_to_read(read: Callable[[Path], object]) -> None:
    """/dev/zero was read until the memory was full, and a pipe kept a command waiting."""
    with pytest.raises(EdgeDoorError, match="not an ordinary file"):
        read(Path("/dev/null"))


def test_digits_that_are_no_numbers_are_no_pair(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("Anna \u00b2 \u00b3\n", encoding="utf-8")
    with pytest.raises(UsageError, match="line 1"):
        read_pairs(tmp_path / "pairs.txt")
