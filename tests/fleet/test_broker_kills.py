"""Whatever dies, and when: every event is in the database exactly once, and the chain is whole.

Whole simulated doors that go on writing, the shipped mosquitto with TLS and access list, and the
collector, each a process of its own, killed with SIGKILL in turn and started again.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.errors import LedgerError
from edge.fleet.collector.figures import Figures
from edge.fleet.collector.process import Collector, Settings
from edge.fleet.database.database import Database
from edge.fleet.pki.certificates import Role
from edge.fleet.places import broker_at
from edge.fleet.simulate.run import Fleet, run_whole
from edge.fleet.simulate.tally import Tally
from edge.ledger.ledger import Ledger
from edge.link.client import Broker
from edge.stopping import StopSignal
from tests.fleet.broker_parts import Place, place
from tests.fleet.parts import chains, stored
from tests.support.link_parts import needs_mosquitto, until

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

DOORS = 3
RATE = 30.0
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["edge.fleet.simulate.run", "edge.fleet.collector.process"])


class Quick:
    """What is tested is that they come back, not how long a fleet spreads that."""

    def __init__(self, *_: object) -> None:
        pass

    def next(self) -> float:
        return random.uniform(0.05, 0.2)

    def reset(self) -> None:
        pass


def be_doors(port: int, folder: Path, pki: Path, rate: float) -> None:
    from edge.fleet.simulate import whole

    vars(whole)["Backoff"] = Quick
    section = broker_at(f"mqtts://127.0.0.1:{port}")
    fleet = Fleet(section, DOORS, rate, None, 1, folder, pki=pki)
    with StopSignal() as stop:
        run_whole(fleet, stop, Tally(), lambda _: None)


def be_collector(port: int, address: str, files: dict[str, Path]) -> None:
    from edge.fleet.collector import process

    vars(process)["Backoff"] = Quick
    section = broker_at(f"mqtts://127.0.0.1:{port}", **files)
    broker, database = Broker(section, "collector-main"), Database.open(address)
    with StopSignal() as stop:
        Collector(Settings("facelock", "main", 400), broker, database, Figures()).serve(
            stop, lambda: None
        )


class World:
    """Broker, doors, collector; each may be killed and comes back."""

    def __init__(self, folder: Path) -> None:
        self.place: Place = place(folder)
        self.doors = folder / "doors"
        self.address = f"sqlite:///{folder / 'fleet.db'}"
        issued = self.place.issue("main", Role.COLLECTOR)
        assert issued.key is not None
        self._files = {
            "ca_file": self.place.pki / "ca.crt",
            "cert_file": issued.certificate,
            "key_file": issued.key,
        }
        self._running: dict[str, ForkServerProcess] = {}
        self._ledgers: dict[Path, Ledger] = {}
        self.place.start()
        Database.open(self.address).close()
        self.start("collector")
        self.start("doors")

    def start(self, name: str, rate: float = RATE) -> None:
        port = self.place.port
        if name == "broker":
            self.place.start()
            return
        work: Any = be_collector if name == "collector" else be_doors
        args: tuple[Any, ...] = (port, self.address, self._files)
        if name == "doors":
            args = (port, self.doors, self.place.pki, rate)
        self._running[name] = CONTEXT.Process(target=work, args=args)
        self._running[name].start()

    def kill(self, name: str) -> None:
        if name == "broker":
            self.place.mosquitto.kill()
            return
        process = self._running.pop(name)
        process.kill()
        process.join()
        process.close()

    def written(self) -> dict[str, list[tuple[int, str]]]:
        found = {}
        for number in range(1, DOORS + 1):
            device = f"sim{number}"
            path = self.doors / device / "ledger.db"
            with Ledger.open(path, device, read_only=True) as ledger:
                assert ledger.verify() == []
                events = ledger.events(limit=1_000_000)
            found[device] = [(stored.sequence, stored.chain) for stored in events]
        return found

    def has(self, events: int) -> bool:
        return self.count() >= events

    def count(self) -> int:
        """Events of all doors by now. The ledgers stay open: to open them costs the doors' time."""
        for number in range(1, DOORS + 1):
            path = self.doors / f"sim{number}" / "ledger.db"
            with contextlib.suppress(LedgerError):  # it is being made
                if path not in self._ledgers:
                    self._ledgers[path] = Ledger.open(path, f"sim{number}", read_only=True)
        return sum(ledger.written() for ledger in self._ledgers.values())

    def close(self) -> None:
        for name in list(self._running):
            self.kill(name)
        self.kill("broker")
        for ledger in self._ledgers.values():
            ledger.close()


def kill_at_random(world: World, kills: int, seed: int) -> dict[str, int]:
    dice = random.Random(seed)
    told = dict.fromkeys(("broker", "doors", "collector"), 0)
    for _ in range(kills):
        goal = world.count() + dice.randrange(1, 8)
        until(partial(world.has, goal), 60)
        victim = dice.choices(list(told), [3, 2, 2])[0]
        told[victim] += 1
        world.kill(victim)
        time.sleep(dice.uniform(0.0, 0.2))
        world.start(victim)
    return told


def check_everything_arrived(world: World) -> int:
    """Let the doors say what they have; then ledgers and database must agree to the letter."""
    world.kill("doors")
    written = world.written()
    total = sum(map(len, written.values()))
    assert total > 0
    world.start("doors", rate=0.0)
    database = Database.open(world.address)
    try:
        until(lambda: stored(database) >= total, 240)
        for device, events in written.items():
            assert chains(database, device) == events
    finally:
        database.close()
    return total


@needs_mosquitto
@pytest.mark.parametrize(
    "kills",
    [6, pytest.param(int(os.environ.get("EDGE_DOOR_KILLS", "500")), marks=pytest.mark.slow)],
)
@pytest.mark.timeout(7200)
def test_nothing_is_lost_or_doubled_whatever_is_killed(
    tmp_path: Path, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path)
    try:
        begun = time.monotonic()
        until(lambda: all((world.doors / f"sim{n}" / "ledger.db").exists() for n in (1, 2, 3)), 60)
        told = kill_at_random(world, kills, seed=11)
        total = check_everything_arrived(world)
        with capsys.disabled():
            seconds = round(time.monotonic() - begun)
            print("\n" + json.dumps({"kills": told, "events": total, "seconds": seconds}))
    finally:
        world.close()
