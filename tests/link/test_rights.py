"""What a program with link's rights can do to what sight obeys: nothing."""

from __future__ import annotations

import codecs
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config import Config, parse
from edge.link.outbox import Outbox
from edge.records import Event, EventKind, Reason
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault

SIGHT, LINK, LEDGER_GROUP = 61001, 61002, 61003
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="becomes other users: run as root")

# Every file by every way, and every table by every statement; tells what succeeded.
ATTACK = """
import json, os, shutil, sqlite3, sys
from pathlib import Path

state, link = Path(sys.argv[1]), Path(sys.argv[2])
done = []

def attempt(name, action):
    try:
        action()
        done.append(name)
    except (OSError, sqlite3.Error):
        pass

def sql(path, statement):
    db = sqlite3.connect(path, timeout=0.2)
    with db:
        db.execute(statement)
    db.close()

STATEMENTS = [
    "INSERT OR REPLACE INTO states VALUES ('commanded_mode', 'always_open')",
    "DELETE FROM states", "DELETE FROM events", "UPDATE head SET memory = '{}'",
    "UPDATE seal SET counter = 0", "DELETE FROM people", "DELETE FROM credentials",
    "CREATE TRIGGER t AFTER INSERT ON events BEGIN DELETE FROM states; END",
    "PRAGMA user_version = 0", "DROP TABLE events", "VACUUM",
]
files = ["people.db", "vault.key", "vault.counter", "ledger.anchor", "ledger/ledger.db",
         "ledger/ledger.db-wal", "ledger/ledger.db-shm"]
for name in files:
    path = state / name
    attempt(f"append {name}", lambda: path.open("ab").close())
    attempt(f"truncate {name}", lambda: os.truncate(path, 0))
    attempt(f"remove {name}", lambda: path.unlink())
    attempt(f"move {name}", lambda: path.rename(link / "taken"))
    attempt(f"replace {name}", lambda: shutil.copy("/etc/hostname", path))
    attempt(f"chmod {name}", lambda: path.chmod(0o777))
for name in ["people.db", "vault.key", "vault.counter", "ledger.anchor"]:
    attempt(f"read {name}", lambda: (state / name).read_bytes())
for name in ["people.db", "ledger/ledger.db"]:
    for statement in STATEMENTS:
        attempt(f"{name}: {statement}", lambda: sql(state / name, statement))
for folder in ["", "ledger"]:
    attempt(f"new in {folder}", lambda: (state / folder / "new").touch())
print(json.dumps(done))
"""

READ = """
import sys
from pathlib import Path
from edge.ledger.ledger import Ledger
from edge.link.outbox import Outbox
with Ledger.open(Path(sys.argv[1]), "door1", read_only=True) as ledger:
    print(len(ledger.events()), ledger.verify())
with Outbox.open(Path(sys.argv[2])) as outbox:
    outbox.mark_delivered(1)
"""


BECOME = """
import json, os, shutil, sqlite3, sys
import edge.ledger.ledger, edge.link.outbox  # while the interpreter may still be read
user, group = int(sys.argv.pop(1)), int(sys.argv.pop(1))
os.setgroups([group])
os.setgid(group)
os.setuid(user)
"""


def run_as(user: int, script: str, *args: Path) -> str:
    command = [sys.executable, "-B", "-c", BECOME + script]
    command += [str(user), str(LEDGER_GROUP), *map(str, args)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture
def config() -> Iterator[Config]:
    """A state folder with the owners and modes that systemd/edge-door.tmpfiles.conf gives."""
    folder = Path(tempfile.mkdtemp(prefix="edge-door-rights-"))  # others may pass through /tmp
    folder.chmod(0o755)
    state = folder / "state"
    for path, owner, mode in (
        (state, SIGHT, 0o711),
        (state / "ledger", SIGHT, 0o2750),
        (state / "link", LINK, 0o700),
    ):
        path.mkdir()
        os.chown(path, owner, LEDGER_GROUP)
        path.chmod(mode)
    yield parse({"paths": {"state": str(state), "run": str(folder / "run")}}, "test")
    shutil.rmtree(folder)


@pytest.fixture
def running(config: Config) -> Iterator[Config]:
    """Sight has its databases open, as its own user, while others try."""
    codecs.lookup("ascii")  # this Python may lie where that user reads nothing
    os.setegid(LEDGER_GROUP)
    os.seteuid(SIGHT)
    try:
        with open_vault(config), open_ledger(config) as ledger:
            ledger.append(
                Event(EventKind.SYSTEM, Reason.STARTED, 1.0, 2.0, True, "door1"),
                {"lockout": "{}", "lock": "LOCKED"},
            )
            os.seteuid(0)
            yield config
            os.seteuid(SIGHT)
            assert ledger.sealed() == {"lockout": "{}"}
            assert ledger.states() == {"lock": "LOCKED"}
            assert ledger.verify() == []
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.mark.parametrize(
    "user",
    [LINK, 61009],
    ids=["link", "somebody of the ledger's group"],
)
def test_nothing_that_sight_obeys_can_be_written(running: Config, user: int) -> None:
    state = running.paths.state
    said = run_as(user, ATTACK, state, state / "link")
    assert json.loads(said) == []


def test_link_reads_the_events_and_keeps_its_outbox(running: Config) -> None:
    args = (running.ledger_db, running.outbox_db)
    assert run_as(LINK, READ, *args) == "1 []\n"
    with Outbox.open(running.outbox_db) as outbox:
        assert outbox.watermarks().delivered == 1


def test_a_ledger_that_an_earlier_version_left_writable_is_not_any_more(config: Config) -> None:
    os.setegid(LEDGER_GROUP)
    os.seteuid(SIGHT)
    try:
        open_vault(config).close()
        open_ledger(config).close()
        config.ledger_db.chmod(0o660)
        open_ledger(config).close()
    finally:
        os.seteuid(0)
        os.setegid(0)
    assert config.ledger_db.stat().st_mode & 0o777 == 0o640
