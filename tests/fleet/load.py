"""How long an event takes from a door to the database and to a browser, and what that costs.

    python -m tests.fleet.load 10x5 100x50 1000x200 10000x460 --picture load.png
    python -m tests.fleet.load 1000x200 --tls --into tls.jsonl

With `--tls`: the shipped configuration and access list of `deploy/broker`, a certificate a door.

Doors and events a second. For each, starts mosquitto, a collector, the dashboard and simulated
doors as programs of their own, reads the database and one browser's stream meanwhile, and then
kills the broker and starts it again. Adds a JSON object a step to `--into`, and makes a table and a
picture of all that stands there: a long measurement can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx2 as httpx
from sqlalchemy import func, select

from edge.fleet.database.database import Database
from edge.fleet.database.tables import devices, events
from edge.fleet.kinds import Role as Operators
from edge.fleet.pki.certificates import Role
from edge.fleet.web.operators import add_operator
from edge.fleet.web.roles import Grant
from tests.conftest import ROOT
from tests.fleet.broker_parts import place
from tests.fleet.load_chart import a_door_more, draw, table
from tests.support.link_parts import Mosquitto, free_port
from tests.support.waiting import until

PASSWORD = "correct horse battery"
TICKS = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.02
SETTLED_S = 3.0
_TIME = re.compile(r'datetime=\\"([^\\]+)\\"')


class Program:
    """One of ours, and what it has used."""

    def __init__(self, *arguments: str) -> None:
        nothing = subprocess.DEVNULL
        command = [sys.executable, "-m", "edge", *arguments]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=nothing, stderr=nothing)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_kib(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


class Watcher:
    """Sees what is committed as soon as anybody can, and how old it is then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.ages: list[float] = []
        self._newest = 0.0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        batch = 0
        while not self.stop.wait(LOOK_S):
            with self._database.reading() as reading:
                new = select(events.c.at, events.c.batch).where(events.c.batch > batch)
                rows = reading.execute(new).all()
            now = time.time()
            self.ages += [now - row.at for row in rows]
            self._newest = max([self._newest, *(row.at for row in rows)])
            batch = max([batch, *(row.batch for row in rows)])

    def late(self) -> float:
        """How old the newest event is."""
        return time.time() - self._newest


class Stream:
    """A browser's stream of news; how old each event is when it arrives."""

    def __init__(self, address: str) -> None:
        self.ages: list[float] = []
        self._client = httpx.Client(base_url=address, timeout=None)
        page = self._client.get("/login").text
        csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
        form = {"name": "load", "password": PASSWORD, "csrf": csrf}
        assert self._client.post("/login", data=form).status_code == 303
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        kind = ""
        # The dashboard ends before this stream does.
        with suppress(httpx.HTTPError), self._client.stream("GET", "/live") as answer:
            for line in answer.iter_lines():
                kind = line[7:] if line.startswith("event: ") else kind
                if kind == "event" and line.startswith("data: ") and (found := _TIME.search(line)):
                    there = datetime.fromisoformat(found[1]).timestamp()
                    self.ages.append(time.time() - there)


def spread(ages: list[float]) -> dict[str, float]:
    if len(ages) < 100:
        return {"n": len(ages)}
    cuts = quantiles(ages, n=100)
    return {"n": len(ages), "p50": round(cuts[49], 3), "p99": round(cuts[98], 3)}


class Way:
    """How to come to the broker: openly, or over TLS with the shipped configuration."""

    def __init__(self, folder: Path, *, tls: bool) -> None:
        self.pki = folder / "pki" if tls else None
        self.collector: tuple[str, ...] = ()
        self.doors: tuple[str, ...] = ()
        if self.pki is None:
            # As in deploy/broker: a collector that falls behind for a moment loses nothing.
            lines = ("max_queued_messages 10000", "max_inflight_messages 1000")
            self.broker = Mosquitto(folder, *lines, quiet=True).start()
        else:
            there = place(folder)
            main = there.folder / "mosquitto.conf"
            main.write_text(main.read_text().replace("log_type all", "log_type error"))
            self.broker = there.start().mosquitto
            issued = there.issue("main", Role.COLLECTOR)
            ca = ("--ca-file", str(self.pki / "ca.crt"))
            own = ("--cert-file", str(issued.certificate), "--key-file", str(issued.key))
            self.collector = (*ca, *own)
            self.doors = ("--pki", str(self.pki), *ca)
        self.at = f"{'mqtts' if tls else 'mqtt'}://127.0.0.1:{self.broker.port}"


class Site:
    """The programs of one step, and what is seen of them."""

    def __init__(self, folder: Path, doors: int, rate: float, database: str, *, tls: bool) -> None:
        self.doors = doors
        way = Way(folder, tls=tls)
        self.broker = way.broker
        at = ("--broker", way.at)
        address = database or f"sqlite:///{folder}/fleet.db"
        self.database = Database.open(address)
        with self.database.writing() as writing:
            add_operator(writing, "load", PASSWORD, [Grant(Operators.VIEWER, None)], time.time())
        port = free_port()
        collect = ("collect", *at, "--name", "main", *way.collector)
        self.programs = {
            "collector": Program(*collect, "--database", address),
            "dashboard": Program("dashboard", "--database", address, "--port", str(port)),
        }
        until(lambda: _answers(port), 60)
        simulated = ("simulate", *at, "--doors", str(doors), *way.doors)
        self.programs["doors"] = Program(*simulated, "--rate", str(rate), "--thin")
        self.watcher = Watcher(self.database)
        self.stream = Stream(f"http://127.0.0.1:{port}")
        self.watcher.thread.start()

    def pids(self) -> dict[str, int]:
        ours = {name: program.process.pid for name, program in self.programs.items()}
        return {**ours, "broker": self.broker.pid}

    def heard_since(self, moment: float) -> int:
        """Doors that are online and have said so after that."""
        there = (devices.c.available == "online", devices.c.heard > moment)
        with self.database.reading() as reading:
            counted = select(func.count()).select_from(devices).where(*there)
            return int(reading.execute(counted).scalar_one())

    def all_are_there(self, moment: float = 0.0) -> bool:
        return self.heard_since(moment) >= self.doors

    def close(self) -> None:
        self.watcher.stop.set()
        self.watcher.thread.join()
        for program in reversed(self.programs.values()):
            program.close()
        self.broker.kill()
        self.database.close()


def measure(site: Site, rate: float, seconds: float) -> dict[str, Any]:
    """Steady work, once all doors are there and what they had to say at first is stored."""
    until(site.all_are_there, 600)
    until(lambda: site.watcher.late() < SETTLED_S, 100)
    site.watcher.ages.clear()
    site.stream.ages.clear()
    pids = site.pids()
    before, begun = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - begun
    used = {name: round((cpu_seconds(pid) - before[name]) / took, 3) for name, pid in pids.items()}
    return {
        "doors": site.doors,
        "rate": rate,
        "database": site.database.engine.dialect.name,
        "stored_a_second": round(len(site.watcher.ages) / took, 1),
        "to_database_s": spread(site.watcher.ages),
        "to_browser_s": spread(site.stream.ages),
        "cpu": used,
        "memory_kib": {name: memory_kib(pid) for name, pid in pids.items()},
        "load_average": round(os.getloadavg()[0], 1),
    }


def storm(site: Site) -> dict[str, float]:
    """The broker dies and is back: how long until every door is, and until nothing is late."""
    site.broker.kill()
    site.broker.start()
    back, begun = time.time(), time.monotonic()
    until(lambda: site.all_are_there(back), 200)
    online = time.monotonic() - begun
    until(lambda: site.watcher.late() < SETTLED_S, 100)
    return {"online_s": round(online, 1), "caught_up_s": round(time.monotonic() - begun, 1)}


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/alive").status_code == 200
    except httpx.HTTPError:
        return False


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("steps", nargs="*", help="DOORSxRATE")
    reader.add_argument("--seconds", type=float, default=40.0)
    reader.add_argument("--database", default="")
    reader.add_argument("--tls", action="store_true")
    reader.add_argument("--into", type=Path, default=Path("load.jsonl"))
    reader.add_argument("--picture", type=Path)
    options = reader.parse_args()
    for step in options.steps:
        doors, _, rate = step.partition("x")
        with tempfile.TemporaryDirectory(prefix="edge-door-load-") as folder:
            site = Site(Path(folder), int(doors), float(rate), options.database, tls=options.tls)
            try:
                found = measure(site, float(rate), options.seconds)
                found["storm"] = storm(site)
            finally:
                site.close()
        with options.into.open("a") as file:
            file.write(json.dumps(found) + "\n")
    steps = [json.loads(line) for line in options.into.read_text().splitlines()]
    steps.sort(key=lambda step: step["doors"])
    print(table(steps))
    if steps[0]["doors"] < steps[-1]["doors"]:
        print(a_door_more(steps))
    if options.picture:
        draw(steps, options.picture)


if __name__ == "__main__":
    main()
