"""Doors that go on writing and a collector, each a process of its own, at some broker; any of them
is killed with SIGKILL and comes back. In the end ledgers and database must agree to the letter.
"""

from __future__ import annotations

import contextlib
import random
import socket
from typing import TYPE_CHECKING, Any, Protocol

from edge.errors import LedgerError
from edge.fleet.collector.metrics import CollectorMetrics
from edge.fleet.collector.process import Collector, Settings, broker_of
from edge.fleet.database.database import Database
from edge.fleet.pki.certificates import Role
from edge.fleet.places import broker_at
from edge.fleet.simulate.run import Fleet, run_whole
from edge.fleet.simulate.tally import Tally
from edge.ledger.ledger import Ledger
from edge.stopping import StopSignal
from tests.fleet.parts import chains, stored
from tests.support.forked import CONTEXT
from tests.support.waiting import until

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from edge.fleet.pki.authority import Issued

DOORS = tuple(f"sim{number}" for number in (1, 2, 3))
RATE = 30.0


class Brokers(Protocol):
    """What the world needs of a broker, or of several that are one."""

    pki: Path
    host: str
    port: int
    addresses: tuple[str, ...]
    """What the host's name stands for."""

    def issue(self, name: str, role: Role = ...) -> Issued: ...


class Quick:
    """What is tested is that they come back, not how long a fleet spreads that."""

    def __init__(self, *_: object) -> None:
        pass

    def next(self) -> float:
        return random.uniform(0.05, 0.2)

    def reset(self) -> None:
        pass


def resolve(host: str, addresses: tuple[str, ...]) -> None:
    """Let a name have these addresses in this process, in any order, as a DNS would answer."""
    real = socket.getaddrinfo

    def answer(name: Any, port: Any, *more: Any, **options: Any) -> list[Any]:
        if name != host:
            return list(real(name, port, *more, **options))
        mixed = random.sample(addresses, len(addresses))
        return [found for each in mixed for found in real(each, port, *more, **options)]

    vars(socket)["getaddrinfo"] = answer


def be_doors(broker: dict[str, Any], folder: Path, pki: Path, rate: float) -> None:
    from edge.fleet.simulate import whole

    vars(whole)["Backoff"] = Quick
    resolve(broker["host"], broker["addresses"])
    fleet = Fleet(broker_at(broker["at"]), len(DOORS), rate, None, 1, folder, pki=pki)
    with StopSignal() as stop:
        run_whole(fleet, stop, Tally(), lambda _: None)


def be_collector(
    broker: dict[str, Any], address: str, files: dict[str, Path], name: str = "main"
) -> None:
    from edge.fleet.collector import process

    vars(process)["Backoff"] = Quick
    resolve(broker["host"], broker["addresses"])
    client, database = (
        broker_of(broker_at(broker["at"], **files), name),
        Database.open(address),
    )
    with StopSignal() as stop:
        Collector(Settings("facelock", name, 400), client, database, CollectorMetrics()).serve(
            stop, lambda: None
        )


class World:
    """Doors and a collector at a broker that runs."""

    def __init__(self, folder: Path, broker: Brokers) -> None:
        self.folder = folder / "doors"
        self.database = f"sqlite:///{folder / 'fleet.db'}"
        self._pki = broker.pki
        self._broker = {
            "at": f"mqtts://{broker.host}:{broker.port}",
            "host": broker.host,
            "addresses": broker.addresses,
        }
        issued = broker.issue("main", Role.COLLECTOR)
        assert issued.key is not None
        self._files = {
            "ca_file": broker.pki / "ca.crt",
            "cert_file": issued.certificate,
            "key_file": issued.key,
        }
        self._running: dict[str, ForkServerProcess] = {}
        self._ledgers: dict[str, Ledger] = {}
        Database.open(self.database).close()
        self.start("collector")
        self.start("doors")
        until(lambda: all((self.folder / door / "ledger.db").exists() for door in DOORS), 60)

    def start(self, name: str, rate: float = RATE) -> None:
        work: Any = be_collector if name == "collector" else be_doors
        args: tuple[Any, ...] = (self._broker, self.database, self._files)
        if name == "doors":
            args = (self._broker, self.folder, self._pki, rate)
        self._running[name] = CONTEXT.Process(target=work, args=args)
        self._running[name].start()

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.join()
        process.close()

    def written(self) -> dict[str, list[tuple[int, str]]]:
        found = {}
        for device in DOORS:
            path = self.folder / device / "ledger.db"
            with Ledger.open(path, device, read_only=True) as ledger:
                assert ledger.verify() == []
                events = ledger.events(limit=1_000_000)
            found[device] = [(stored.sequence, stored.chain) for stored in events]
        return found

    def has(self, events: int) -> bool:
        return self.count() >= events

    def count(self) -> int:
        """Events of all doors by now. The ledgers stay open: to open them costs the doors' time."""
        for device in DOORS:
            with contextlib.suppress(LedgerError):  # it is being made
                if device not in self._ledgers:
                    path = self.folder / device / "ledger.db"
                    self._ledgers[device] = Ledger.open(path, device, read_only=True)
        return sum(ledger.written() for ledger in self._ledgers.values())

    def check_everything_arrived(self) -> int:
        """Let the doors say what they have; then ledgers and database must agree to the letter."""
        self.kill("doors")
        written = self.written()
        total = sum(map(len, written.values()))
        assert total > 0
        self.start("doors", rate=0.0)
        database = Database.open(self.database)
        try:
            until(lambda: stored(database) >= total, 240)
            for device, events in written.items():
                assert chains(database, device) == events
        finally:
            database.close()
        return total

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)
        for ledger in self._ledgers.values():
            ledger.close()
