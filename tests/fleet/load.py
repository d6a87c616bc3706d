"""How long an event takes from a door to the database and to a browser, and what that costs.

    python -m tests.fleet.load --doors 1000 --rate 200 --seconds 60 [--database postgresql://...]

Starts mosquitto, a collector, the dashboard and simulated doors as programs of their own; reads the
database and one browser's stream meanwhile. One JSON object: seconds (p50, p99), events stored,
CPU seconds of each program a second, and memory a door.
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
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx2 as httpx
from sqlalchemy import func, select

from edge.fleet.database.database import Database
from edge.fleet.database.tables import events
from edge.fleet.kinds import Role
from edge.fleet.operators import add_operator
from edge.fleet.web.roles import Grant
from tests.conftest import ROOT
from tests.support.link_parts import Mosquitto, free_port, until

PASSWORD = "correct horse battery"
TICKS = os.sysconf("SC_CLK_TCK")
LOOK_S = 0.02
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
            batch = max([batch, *(row.batch for row in rows)])


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
        with self._client.stream("GET", "/live") as answer:
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


def measure(folder: Path, options: Any) -> dict[str, Any]:
    # As in deploy/broker: a collector that falls behind for a moment loses nothing.
    broker = Mosquitto(folder, "max_queued_messages 10000").start()
    at = f"mqtt://127.0.0.1:{broker.port}"
    address = options.database or f"sqlite:///{folder}/fleet.db"
    database = Database.open(address)
    with database.writing() as writing:
        add_operator(writing, "load", PASSWORD, [Grant(Role.VIEWER, None)], time.time())
    port = free_port()
    programs = {
        "collector": Program("collect", "--broker", at, "--database", address),
        "dashboard": Program("dashboard", "--database", address, "--port", str(port)),
    }
    until(lambda: _answers(port), 60)
    simulated = ("simulate", "--broker", at, "--doors", str(options.doors))
    programs["doors"] = Program(*simulated, "--rate", str(options.rate), "--thin")
    watcher, stream = Watcher(database), Stream(f"http://127.0.0.1:{port}")
    watcher.thread.start()
    time.sleep(options.settle)
    watcher.ages.clear()
    stream.ages.clear()
    pids = {name: program.process.pid for name, program in programs.items()}
    pids["broker"] = broker.pid
    before, begun = {name: cpu_seconds(pid) for name, pid in pids.items()}, time.monotonic()
    time.sleep(options.seconds)
    took = time.monotonic() - begun
    used = {name: round((cpu_seconds(pid) - before[name]) / took, 3) for name, pid in pids.items()}
    memory = {name: memory_kib(pid) for name, pid in pids.items()}
    with database.reading() as reading:
        stored = reading.execute(select(func.count()).select_from(events)).scalar_one()
    result = {
        "doors": options.doors,
        "rate": options.rate,
        "database": database.engine.dialect.name,
        "stored_a_second": round(len(watcher.ages) / took, 1),
        "stored": stored,
        "to_database_s": spread(watcher.ages),
        "to_browser_s": spread(stream.ages),
        "cpu": used,
        "memory_kib": memory,
        "load_average": os.getloadavg()[0],
    }
    watcher.stop.set()
    watcher.thread.join()
    for program in reversed(programs.values()):
        program.close()
    broker.kill()
    database.close()
    return result


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/alive").status_code == 200
    except httpx.HTTPError:
        return False


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--doors", type=int, default=10)
    reader.add_argument("--rate", type=float, default=5.0)
    reader.add_argument("--seconds", type=float, default=60.0)
    reader.add_argument("--settle", type=float, default=15.0)
    reader.add_argument("--database", default="")
    with tempfile.TemporaryDirectory(prefix="edge-door-load-") as folder:
        print(json.dumps(measure(Path(folder), reader.parse_args()), indent=1))


if __name__ == "__main__":
    main()
