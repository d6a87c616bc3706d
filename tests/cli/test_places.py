"""A mistake in a path is told before any work, alike in every command, with exit code 2."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app, places
from edge.cli.places import to_draw, to_fill, to_look_in, to_make, to_read, to_write, write
from edge.errors import UsageError
from tests.cli.tree import leaves

ELSEWHERE = {
    "config": "read_config has sentences of its own",
    "files": "enroll names each file that gives nothing, and takes the others",
    "sources": "the same",
    "folder": "pki's, made where there is none",
    "door": "configurations",
}


def test_every_path_of_every_command_is_looked_at_first() -> None:
    unseen = []
    for name, command in leaves():
        for one in command.params:
            if one.type_descriptor.annotation is not Path:
                continue
            if one.name in ELSEWHERE:
                continue
            if getattr(one.callback, "__name__", "") not in dir(places):
                unseen.append(f"{name} {one.name}")
    assert not unseen


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "file.png").write_bytes(b"as it was")
    return tmp_path


@pytest.mark.parametrize(
    ("look", "name", "said"),
    [
        (to_read, "none", "none cannot be read: No such file or directory."),
        (to_read, "in", "in is a folder, and a file is needed."),
        (to_read, "file.png/x", "x cannot be read: Not a directory."),
        (to_read, "x" * 300, "cannot be read: File name too long."),
        (to_look_in, "none", "none cannot be read: No such file or directory."),
        (to_look_in, "file.png", "file.png is a file, and a folder is needed."),
        (to_write, "in", "in is a folder: name a file in it."),
        (to_write, "no/x.json", "x.json cannot be written: there is no folder"),
        (to_write, "x" * 300, "cannot be written: File name too long."),
        (to_make, "file.png", "file.png exists already: name another file."),
        (to_make, "in", "in is a folder: name a file in it."),
        (to_draw, "no/x.png", "x.png cannot be written: there is no folder"),
        (to_draw, "in/x.txt", "x.txt is no name for a picture: it ends with .png, .svg, .pdf."),
        (to_fill, "file.png", "file.png cannot be a folder:"),
        (to_fill, "file.png/x/y", "y cannot be a folder:"),
        (to_fill, "/proc/x", "/proc/x cannot be written: "),
    ],
)
def test_what_is_wrong_with_a_place(
    folder: Path, look: Callable[[Path], Path | None], name: str, said: str
) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(UsageError, match=re.escape(said)):
        look(folder / name)
    assert sorted(folder.rglob("*")) == before


def test_a_good_place_is_left_as_it_is(folder: Path) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
    for look, name in (
        *((to_read, "file.png"), (to_look_in, "in"), (to_write, "file.png")),
        *(
            (to_write, "in/new"),
            (to_draw, "in/new.svg"),
            (to_make, "in/new"),
            (to_fill, "a/b/c"),
            (to_fill, "in"),
        ),
    ):
        assert look(folder / name) == folder / name
        assert look(None) is None
    assert (folder / "file.png").read_bytes() == b"as it was"
    assert sorted(path.name for path in folder.rglob("*")) == ["file.png", "in"]


def test_a_pipe_is_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert to_read(tmp_path / "pipe")
    assert to_write(tmp_path / "pipe")
    assert to_write(Path("/dev/stdout"))


def test_what_is_no_file_is_written_into(tmp_path: Path) -> None:
    pipe, target, link = tmp_path / "pipe", tmp_path / "target", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(target)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    for path in (pipe, link, target):
        write(path, b"told")
    assert os.read(reader, 9) == b"told"
    os.close(reader)
    assert (pipe.is_fifo(), link.is_symlink(), target.read_bytes()) == (True, True, b"told")


@pytest.mark.parametrize(
    "words",
    [
        *(["verify", "none", "none"], ["command", "sign", "a", "lock", "--reason=x", "--key=none"]),
        *(["update", "apply", "none"], ["update", "check", "none"], ["ledger", "restore", "none"]),
        *(["seal", "--key", "none"], ["models", "add", "none", "--preset", "arcface"]),
        *(["office", "rollout", "none"], ["evaluate", "liveness", "--clips", "none"]),
        *(["calibrate", "--images=none", "--pairs=none", "--out=x"], ["adapt", "--images=none"]),
        *(["pki", "device", "a", "--csr=none"], ["dashboard", "--database=x", "--oidc=none"]),
        ["command", "lock", "--reason", "x", "--key", "none"],
    ],
)
def test_a_missing_file_is_the_same_mistake_everywhere(words: list[str]) -> None:
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, UsageError)
    assert str(done.exception) == "none cannot be read: No such file or directory."


def test_a_preset_is_checked_before_any_picture_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"nothing")
    (tmp_path / "a.png").write_bytes(b"no picture")
    words = ["models", "add", str(tmp_path / "a.tflite"), "--preset=x", f"--images={tmp_path}"]
    done = CliRunner().invoke(app, words)
    assert "there is no preset 'x'" in str(done.exception)
