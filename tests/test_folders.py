"""Nobody else may write where state, run and secrets lie, under a umask that forbids nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import edge
from edge.config import parse
from edge.door.pins.fake import Board, FakeLines
from edge.door.settings import InputPin, OutputPin
from edge.fleet.database.database import Database
from edge.fleet.pki.authority import Authority
from edge.folders import make_folder
from edge.link.outbox import Outbox
from edge.office.keys import OfficeKeys
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from edge.wire.channel import Listener


@pytest.fixture
def open_to_all() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def begin_door(folder: Path, _: ExitStack) -> None:
    paths = {"state": str(folder / "state"), "run": str(folder / "run")}
    config = parse({"paths": paths}, "test")
    open_vault(config).close()
    open_ledger(config).close()
    Outbox.open(config.outbox_db).close()


def listen(folder: Path, until: ExitStack) -> None:
    until.enter_context(Listener(folder / "run" / "door.sock"))


def use_board(folder: Path, until: ExitStack) -> None:
    board, lines = Board(folder / "run"), FakeLines(folder / "run")
    until.callback(lines.free)
    board.set_input(27, high=False)
    lines.open_input(InputPin(27), edges=True)
    lines.open_output(OutputPin(17), high=False)
    lines.write(17, high=True)


def begin_office(folder: Path, _: ExitStack) -> None:
    OfficeKeys.create(folder / "office" / "people.key")


def begin_authority(folder: Path, _: ExitStack) -> None:
    Authority.begin(folder / "pki", "Ours")


def begin_wall(folder: Path, _: ExitStack) -> None:
    Database.open(f"sqlite:///{folder}/fleet.db").engine.dispose()
    assert stat.S_IMODE((folder / "fleet.db").stat().st_mode) == 0o660


@pytest.mark.parametrize(
    "begin", [begin_door, listen, use_board, begin_office, begin_authority, begin_wall]
)
@pytest.mark.usefixtures("open_to_all")
def test_nobody_else_may_write(tmp_path: Path, begin: Callable[[Path, ExitStack], None]) -> None:
    with ExitStack() as until:
        begin(tmp_path / "a" / "b" if begin is not begin_wall else tmp_path, until)
        made = {path: path.stat().st_mode for path in tmp_path.rglob("*")}
    assert made
    for path, mode in made.items():
        forbidden = 0o022 if path.is_dir() else 0o002  # one group shares a socket
        assert not mode & forbidden, f"{path} has {stat.filemode(mode)}"


def test_a_stricter_umask_counts(tmp_path: Path) -> None:
    before = os.umask(0o077)
    make_folder(tmp_path / "above" / "place")
    os.umask(before)
    assert stat.S_IMODE((tmp_path / "above").stat().st_mode) == 0o700


@pytest.mark.usefixtures("open_to_all")
def test_the_mode_is_that_of_the_last_and_what_is_there_stays(tmp_path: Path) -> None:
    make_folder(f"{tmp_path}/a/b/", 0o700)
    make_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OSError, match="exists"):
            make_folder(path)


def test_folders_are_made_in_one_way() -> None:
    sources = [path for path in Path(edge.__path__[0]).rglob("*.py") if path.stem != "folders"]
    text = {path: path.read_text() for path in sources}
    assert [path for path in sources if "mkdir(" in text[path] or "makedirs(" in text[path]] == []
