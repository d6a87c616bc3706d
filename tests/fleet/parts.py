"""What the fleet's tests are made of: databases, a PostgreSQL cluster, collectors, doors."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from edge.fleet.collector.metrics import CollectorMetrics
from edge.fleet.collector.process import Collector, Settings, broker_of
from edge.fleet.database.database import Database
from edge.fleet.database.tables import alarms, collectors, devices, events
from edge.fleet.places import broker_at
from tests.support.link_parts import free_port
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config.network import MqttSection

BASE = "facelock"


def _postgresql() -> Path | None:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else None


PROGRAMS = _postgresql()
needs_postgresql = pytest.mark.skipif(
    PROGRAMS is None, reason="no PostgreSQL here: apt-get install postgresql"
)


class Cluster:
    """A PostgreSQL of this test's own. It refuses root, so there it runs as `postgres`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._as = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._as:
            shutil.chown(folder, "postgres")
        self._run("initdb", "-D", str(folder / "data"), "-U", "edge", "-A", "trust", "-N")
        options = f"-p {self.port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(folder / "log")
        self._start = ("pg_ctl", "-D", str(folder / "data"), "-w", "-l", log, "-o", options)
        self._run(*self._start, "start")
        Database.open(self.fresh("tables", of="template0")).close()

    def fresh(self, name: str, *, of: str = "tables") -> str:
        """A new database without a row; its address. To copy one is quicker than to make it."""
        place = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "edge")
        self._run("createdb", *place, "-T", of, name)
        return f"postgresql://edge@127.0.0.1:{self.port}/{name}"

    def close(self) -> None:
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        assert PROGRAMS is not None
        command = [*self._as, str(PROGRAMS / program), *arguments]
        # pg_ctl's child would keep a pipe open.
        nothing = subprocess.DEVNULL
        subprocess.run(command, check=True, stdout=nothing, stderr=nothing, stdin=nothing, cwd="/")


class Running:
    """A collector on a thread."""

    def __init__(self, address: str, at: int | MqttSection, name: str = "a") -> None:
        """`at`: a port on this machine, without TLS, or where the broker is."""
        self.database = Database.open(address)
        section = (
            broker_at(f"mqtt://127.0.0.1:{at}", base_topic=BASE) if isinstance(at, int) else at
        )
        broker = broker_of(section, name)
        settings = Settings(BASE, name, keep_days=400)
        self.collector = Collector(settings, broker, self.database, CollectorMetrics())
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self.collector.serve, args=(self._stop, lambda: None), daemon=True
        )
        self._thread.start()
        until(lambda: listens(self.database, name))

    def close(self) -> None:
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.database.close()


@contextmanager
def running(address: str, at: int | MqttSection, name: str = "a") -> Iterator[Database]:
    """A collector meanwhile; its database."""
    collector = Running(address, at, name)
    try:
        yield collector.database
    finally:
        collector.close()


def chains(database: Database, device: str = "door1") -> list[tuple[int, str]]:
    """All stored events of a door: number and chain, in order."""
    with database.reading() as reading:
        rows = reading.execute(
            select(events.c.sequence, events.c.chain)
            .where(events.c.device == device)
            .order_by(events.c.epoch, events.c.sequence)
        )
        return [(row.sequence, row.chain) for row in rows]


def stored(database: Database) -> int:
    with database.reading() as reading:
        return int(reading.execute(select(func.count()).select_from(events)).scalar_one())


def standing(database: Database) -> list[tuple[str, str]]:
    """Alarms that are not over: door and kind."""
    with database.reading() as reading:
        rows = reading.execute(select(alarms).where(alarms.c.cleared.is_(None)))
        return [(row.device, row.kind) for row in rows]


def raised(database: Database) -> list[str]:
    with database.reading() as reading:
        return list(reading.execute(select(alarms.c.kind).order_by(alarms.c.id)).scalars())


def listens(database: Database, name: str) -> bool:
    """Whether this collector has subscribed."""
    with database.reading() as reading:
        ours = select(collectors.c.connected).where(collectors.c.name == name)
        return bool(reading.execute(ours).scalar())


def door(database: Database, name: str = "door1") -> Any:
    with database.reading() as reading:
        return reading.execute(select(devices).where(devices.c.id == name)).first()
