"""Files in folders that another hand may write: nothing leads astray, nothing keeps waiting."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.believed import read_ordinary
from edge.errors import EdgeDoorError
from edge.files import clear_away, create_file, made_whole, replace_file
from edge.ledger.seal import Seal
from edge.link.encryption import read_text
from edge.owner import known_owner
from edge.vault.counter import Counter
from edge.vault.key import keys_of, ledger_secret, read_key
from tests.support.small_disk import disk, fill


@pytest.mark.parametrize("write", [replace_file, create_file])
def test_a_link_that_was_planted_is_not_followed(write: object, tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "file"
    victim.write_text("whole")
    (tmp_path / f"file.{os.getpid()}").symlink_to(victim)
    assert callable(write)
    write(path, b"new")
    assert (victim.read_text(), path.read_bytes()) == ("whole", b"new")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "victim"]


@pytest.mark.parametrize("write", [replace_file, create_file])
def test_a_full_disk_is_told_by_the_file_that_had_no_room(
    write: Callable[[Path, bytes], None], tmp_path: Path
) -> None:
    """`vault rekey` said "No space left on device." and no more."""
    with disk(tmp_path / "disk", "64k") as folder:
        fill(folder)
        with pytest.raises(OSError, match="No space left") as failed:
            write(folder / "key", b"secret")
        assert failed.value.filename == str(folder / "key")
        assert [entry.name for entry in folder.iterdir()] == ["filler"]


@pytest.fixture
def stick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """A folder as FAT has it: no links, and every file of the one mode that it was mounted with."""

    def mounted(mode: int) -> Path:
        real = os.fchmod

        def chmod(file: int, _mode: int) -> None:
            real(file, mode)  # and not a word

        def link(*_names: object) -> None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

        monkeypatch.setattr(os, "fchmod", chmod)
        monkeypatch.setattr(os, "link", link)
        return tmp_path

    return mounted


def test_a_key_on_a_stick_is_refused_where_everybody_could_read_it(
    stick: Callable[[int], Path],
) -> None:
    place = stick(0o755)
    for write in (create_file, replace_file):
        with pytest.raises(OSError, match=r"keeps no permissions.*umask=077"):
            write(place / "key", b"secret")
    assert list(place.iterdir()) == []
    replace_file(place / "public", b"certificate", 0o644)
    assert (place / "public").read_bytes() == b"certificate"


def test_a_key_on_a_stick_that_is_its_owners_is_made_once(stick: Callable[[int], Path]) -> None:
    place = stick(0o700)
    create_file(place / "key", b"secret")
    with pytest.raises(FileExistsError):
        create_file(place / "key", b"another")
    with pytest.raises(FileExistsError), made_whole(place / "key") as file:
        file.write("another")
    with made_whole(place / "copy") as file:
        file.write("all of it")
    assert {path.name: path.read_text() for path in place.iterdir()} == {
        "key": "secret",
        "copy": "all of it",
    }


def test_a_pipe_that_was_put_there_after_the_look_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bundle"
    os.mkfifo(path)
    monkeypatch.setattr(Path, "is_file", lambda _path: True)  # as it was a moment ago
    with pytest.raises(OSError, match="not an ordinary file"):
        read_ordinary(path)


@pytest.mark.parametrize(
    "read",
    [
        lambda path: Seal(bytes(32), path).read_anchor(),
        lambda path: Counter(path, b"").read(),
        lambda path: ledger_secret(keys_of(bytes(32)), path),
        lambda path: read_text("password_file", path),
        lambda _path: known_owner(),
        read_key,
    ],
    ids=["anchor", "counter", "the ledger's key", "password", "owner", "key"],
)
def test_a_pipe_in_the_place_of_any_file_that_a_program_reads_is_a_sentence(
    read: Callable[[Path], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    os.mkfifo(path)
    monkeypatch.setenv("EDGE_DOOR_OWNER", str(path))
    with pytest.raises(EdgeDoorError):
        read(path)


def test_whatever_stands_there_is_cleared_away(tmp_path: Path) -> None:
    path = tmp_path / "in the way"
    full = tmp_path / "full"
    (full / "of").mkdir(parents=True)
    plants: list[Callable[[Path], object]] = [
        Path.mkdir,
        Path.touch,
        os.mkfifo,
        lambda place: place.symlink_to(full),
    ]
    for plant in plants:
        plant(path)
        clear_away(path)
        assert not os.path.lexists(path)
    clear_away(path)
    assert (full / "of").is_dir()
    clear_away(full)
    assert list(tmp_path.iterdir()) == []
