"""An installed door's state belongs to sight's user: what root asks for comes all the same."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.errors import ConfigError, EdgeDoorError, UsageError
from edge.link import process
from edge.ops import owner, programs
from edge.ops.demo.animate import Portrait
from edge.ops.demo.film import enrolment_pictures
from edge.records import Reason
from edge.vision import pictures
from tests.conftest import ROOT
from tests.support.forked import CONTEXT
from tests.support.running import Door

if TYPE_CHECKING:
    from edge.records import Pixels

SIGHT, LINK = 65534, 1  # nobody and daemon, which every Debian has


@pytest.fixture
def door() -> Iterator[Door]:
    if os.geteuid() != 0:
        pytest.skip("only root acts as somebody else")
    folder = Path(tempfile.mkdtemp(prefix="edge-door-owner-"))
    folder.chmod(0o755)
    made = Door(folder, "/dev/video99")
    made.command("init")
    for words in (("audit", "verify"), ("audit", "export"), ("ledger", "check")):
        assert ask(made, *words).exit_code == 0  # which imports all that it needs
    outbox = made.config.outbox_db.parent
    outbox.mkdir(exist_ok=True)
    for path in (made.config.paths.state, *made.config.paths.state.rglob("*")):
        os.chown(path, SIGHT, -1)
    os.chown(outbox, LINK, -1)
    outbox.chmod(0o700)
    yield made
    shutil.rmtree(folder)


def ask(door: Door, *words: str) -> Result:
    """In this process: another user may not be able to read this Python's modules."""
    return CliRunner().invoke(app, [*words, "--config", str(door.path)])


def test_the_record_is_checked_and_copied_to_where_root_may_write(door: Door) -> None:
    out = door.folder / "out"
    out.mkdir(mode=0o700)
    for words in (
        ("audit", "verify"),
        ("audit", "export", str(out / "events.csv"), "--format", "csv"),
        ("ledger", "backup", str(out / "ledger.db")),
    ):
        done = ask(door, *words)
        assert done.exit_code == 0, done.output
    assert (out / "ledger.db").stat().st_uid == 0
    owners = {path.stat().st_uid for path in door.config.ledger_db.parent.iterdir()}
    assert owners == {SIGHT}


def closed_stills(door: Door, person: Portrait) -> Path:
    """Pictures of somebody in a home that only root may look into beside its owner."""
    if not all(folder.stat().st_mode & stat.S_IXOTH for folder in ROOT.parents):
        pytest.skip(f"others may not read {ROOT}: clone it to a place like /srv")
    home = door.folder / "home"
    home.mkdir(mode=0o700)
    stills = enrolment_pictures(person, home / "eileen")
    for path in stills.iterdir():
        path.chmod(0o600)
    return stills


def test_pictures_and_a_backup_in_a_closed_home_are_read_and_the_state_stays_its_owners(
    door: Door, eileen: Portrait
) -> None:
    stills = closed_stills(door, eileen)
    door.enroll("Eileen", str(stills), str(stills / "*0.*"))
    assert ask(door, "ledger", "backup", str(stills.parent / "ledger.db")).exit_code == 0
    done = door.command("ledger", "restore", str(stills.parent / "ledger.db"))
    assert done.returncode == 0, done.stderr
    assert Reason.BACKUP_ACCEPTED in door.reasons()
    state = door.config.paths.state
    assert {path.stat().st_uid for path in state.rglob("*")} <= {SIGHT, LINK}


def decoding(door: Door, stills: Path, told: Connection) -> None:
    """Enrols in a process of its own, telling the rights with which each picture is decoded."""
    real = pictures.decoded

    def watched(data: bytes, name: str) -> Pixels:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        told.send([line.split()[1] for line in status.splitlines() if line.startswith("Cap")])
        return real(data, name)

    vars(pictures)["decoded"] = watched
    ask(door, "enroll", "Eileen", str(stills))
    told.close()


def test_pictures_are_decoded_without_the_right_to_read_everything(
    door: Door, eileen: Portrait
) -> None:
    stills = closed_stills(door, eileen)
    ours, theirs = CONTEXT.Pipe(duplex=False)
    child = CONTEXT.Process(target=decoding, args=(door, stills, theirs))
    child.start()
    theirs.close()
    rights = []
    with suppress(EOFError):
        while True:
            rights.append(ours.recv())
    child.join()
    assert rights
    for _inherited, permitted, effective, *_ in rights:
        assert int(permitted, 16) == int(effective, 16) == 0


def test_root_begins_no_state_of_its_own_where_an_installed_doors_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(tmp_path, "/dev/video99")
    monkeypatch.setattr(owner, "INSTALLED", door.config.paths.state)
    monkeypatch.setattr(owner, "SIGHT", "nobody")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    done = ask(door, "people", "list")
    assert isinstance(done.exception, ConfigError)
    assert "is missing. Is its disk mounted?" in str(done.exception)
    assert not door.config.paths.state.exists()


def folder_with_closed_ones(path: Path) -> None:
    (path / "closed" / "more").mkdir(parents=True)
    (path / "closed").chmod(0)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


def socket_at(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


PLANTED: list[Callable[[Path], object]] = [
    Path.mkdir,
    folder_with_closed_ones,
    os.mkfifo,
    socket_at,
    sparse,
    lambda path: path.symlink_to("/dev/zero"),
    lambda path: path.symlink_to(path),
    lambda path: path.symlink_to("/etc"),
    lambda path: path.symlink_to("/etc/shadow"),
    lambda path: path.write_bytes(b"no bundle"),
    lambda path: path.touch(mode=0),
]


def test_whatever_stands_where_link_leaves_an_update_is_refused_once(door: Door) -> None:
    path = door.config.offered_bundle
    for plant in PLANTED:
        with owner.acting_as_owner(path.parent):
            plant(path)
        done = ask(door, "update", "take")
        assert isinstance(done.exception, EdgeDoorError), plant
        assert not os.path.lexists(path), plant


def test_a_folder_where_its_fate_is_told_gives_way(door: Door) -> None:
    told = door.config.taken_bundle
    folder_with_closed_ones(told)
    os.chown(told, SIGHT, -1)
    door.config.offered_bundle.write_bytes(b"no bundle")
    assert isinstance(ask(door, "update", "take").exception, UsageError)
    assert b"knows nobody's key" in told.read_bytes()
    assert told.stat().st_uid == SIGHT


def test_a_link_lends_nobody_roots_rights(door: Door) -> None:
    """Who may write the state leads root to a folder of root's own by it."""
    secret = door.folder / "root"
    secret.mkdir(mode=0o755)
    shutil.copytree(door.config.taken_bundle.parent, secret, dirs_exist_ok=True)
    told = secret / door.config.taken_bundle.name
    told.write_bytes(b"root's own")
    shutil.rmtree(door.config.taken_bundle.parent)
    door.config.taken_bundle.parent.symlink_to(secret)
    os.lchown(door.config.taken_bundle.parent, SIGHT, -1)
    door.config.offered_bundle.write_bytes(b"no bundle")
    ask(door, "update", "take")
    assert told.read_bytes() == b"root's own"


def telling_who(door: Door, words: tuple[str, ...], told: Connection) -> None:
    """Run a command as far as it becomes another program; link as far as its work."""

    def begun(*_arguments: object) -> int:
        told.send(os.geteuid())
        os._exit(0)

    vars(owner).update(SIGHT="nobody", GUARD="daemon")
    vars(os)["execv"] = vars(process)["run"] = begun
    if words == ("link",):
        programs.link(door.path)
    else:
        ask(door, *words)


@pytest.mark.parametrize("words", [("door",), ("door", "test"), ("door", "--release"), ("link",)])
def test_a_program_that_root_starts_is_its_own_users(door: Door, words: tuple[str, ...]) -> None:
    """Else root leaves files that the program of the unit cannot open: no guard starts any more."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    child = CONTEXT.Process(target=telling_who, args=(door, words, theirs))
    child.start()
    theirs.close()
    assert ours.recv() == LINK  # daemon, who is the guard here too
    child.join()
