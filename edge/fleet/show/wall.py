"""`edge-door wall`: everything started as programs of their own, ended together."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from edge.errors import UsageError
from edge.fleet.collector.intake import known_doors
from edge.fleet.database.database import Database
from edge.fleet.database.tables import devices, events, groups, keys, zones
from edge.fleet.kinds import Role
from edge.fleet.show.door import ShownDoor
from edge.fleet.signing import make_key
from edge.fleet.web.operators import add_operator
from edge.fleet.web.roles import Grant

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sqlalchemy import Connection
    from typing_extensions import Self

OPERATOR = "operator"
START_S = 60.0
_NAMES = ("Front door", "Laboratory", "Workshop", "Back door", "Store room")


@dataclass(frozen=True, slots=True)
class Shown:
    """What runs, for whoever wants to look at it."""

    address: str
    name: str
    password: str
    key: str
    """File that `edge-door command sign --key` takes."""
    broker: str
    database: str


class Wall:
    """The whole of it. A context: everything ends with it."""

    def __init__(self, folder: Path, doors: int, port: int | None) -> None:
        self._folder = folder
        self._doors = doors
        self._port = port or _free_port()
        self._address = f"sqlite:///{folder}/fleet.db"
        self._running = ExitStack()
        self._programs: dict[Path, subprocess.Popen[bytes]] = {}
        """By its log."""

    def start(self) -> Shown:
        """Start everything; returns when the dashboard answers and every door has told something.

        Raises:
            UsageError: mosquitto is missing, or something does not start.
        """
        broker = self._start_broker()
        database = Database.open(self._address)
        self._running.callback(database.close)
        password = secrets.token_urlsafe(9)
        key = self._folder / "operator.key"
        public = make_key(key)
        furnish(database, self._doors, password, public)
        self._program("collect", "--broker", f"mqtt://127.0.0.1:{broker}")
        self._program("dashboard", "--port", str(self._port))

        for number in range(self._doors):
            door = ShownDoor(self._folder, f"door{number + 1}", broker, [public])
            door.start()
            self._running.callback(door.close)
        address = f"http://127.0.0.1:{self._port}"
        self._await(lambda: _answers(f"{address}/alive") and self._all_told(database))
        at = f"mqtt://127.0.0.1:{broker}"
        return Shown(address, OPERATOR, password, str(key), at, self._address)

    def close(self) -> None:
        """End everything."""
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _all_told(self, database: Database) -> bool:
        with database.reading() as reading:
            found = reading.execute(select(events.c.device).distinct()).all()
        return len(found) == self._doors

    def _start_broker(self) -> int:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
        if program is None:
            raise UsageError("the wall needs a broker: apt-get install mosquitto")
        port = _free_port()
        config = self._folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        self._spawn([program, "-c", str(config)], "mosquitto")
        self._await(lambda: _listens(port))
        return port

    def _program(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "edge", *arguments, "--database", self._address]
        self._spawn(command, arguments[0])

    def _spawn(self, command: list[str], name: str) -> None:
        path = self._folder / f"{name}.log"
        log = self._running.enter_context(path.open("ab"))
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._programs[path] = process

        def end() -> None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self._running.callback(end)

    def _await(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + START_S
        while not done():
            for log, process in self._programs.items():
                if process.poll() is not None:
                    raise UsageError(f"{log.stem} ended: {_last_line(log)}")
            if time.monotonic() > end:
                said = "; ".join(f"{log.stem}: {_last_line(log)}" for log in self._programs)
                raise UsageError(f"not everything started within {START_S:g} s. {said}")
            time.sleep(0.1)


def furnish(database: Database, doors: int, password: str, public: str) -> None:
    """An operator and their key, groups, zones, and names for doors that are not heard yet."""
    now = time.time()
    with database.news() as (writing, batch):
        grants = [Grant(Role.ADMINISTRATOR, None)]
        operator = add_operator(writing, OPERATOR, password, grants, now)
        key = {"public": public, "operator_id": operator, "label": "on this host", "created": now}
        writing.execute(insert(keys).values(**key))
        writing.execute(insert(groups), [{"name": "Offices"}, {"name": "Labs"}])
        writing.execute(insert(zones), [{"name": "House"}, {"name": "Laboratory"}])
        for number in range(doors):
            name = f"{_NAMES[number % len(_NAMES)]}{'' if number < len(_NAMES) else f' {number}'}"
            _door(writing, f"door{number + 1}", name, number, batch)


def _door(writing: Connection, device: str, name: str, number: int, batch: int) -> None:
    known_doors(writing, [device], time.time(), batch)
    inner = number % 2
    values = {"name": name, "group_id": 1 + inner, "from_zone": 1 if inner else None}
    ours = devices.c.id == device
    writing.execute(update(devices).where(ours).values(**values, to_zone=1 + inner))


def _last_line(log: Path) -> str:
    """The logs themselves go with the wall's folder."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=1) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
