"""A dashboard in the test's own process, with doors, operators of every role, and browsers."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from sqlalchemy import insert, update
from starlette.testclient import TestClient

from edge.fleet.collector import upkeep
from edge.fleet.collector.news import News
from edge.fleet.database.database import Database
from edge.fleet.database.tables import devices, groups, zones
from edge.fleet.kinds import Role
from edge.fleet.web.app import make_app
from edge.fleet.web.operators import add_operator
from edge.fleet.web.patience import Patient
from edge.fleet.web.roles import Grant
from edge.fleet.web.site import Options
from edge.ledger.chain import chained, encode, genesis
from edge.link.arrivals import Received
from edge.link.topics import Topics
from edge.records import Event, EventKind, Reason, StoredEvent
from tests.support.link_parts import free_port
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from edge.fleet.web.provider import Provider

PASSWORD = "correct horse battery"
BASE = "facelock"


def an_event(device: str, reason: Reason = Reason.GRANTED, **fields: Any) -> Event:
    kind = EventKind.PEOPLE if reason is Reason.ENROLLED else EventKind.ACCESS
    values: dict[str, Any] = {"person": "Ada", "wall": time.time(), "wall_trusted": True}
    return Event(kind=kind, reason=reason, at=1.0, device=device, **{**values, **fields})


class Doors:
    """Doors as the broker tells of them, without a broker."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._chains: dict[str, tuple[int, str]] = {}

    def say(self, device: str, rest: str, payload: bytes, *, retained: bool = False) -> None:
        news = News(BASE)
        news.hear(Received(f"{BASE}/{device}/{rest}", payload, retained), 0.0)
        news.write(self.database, time.time())

    def online(self, *names: str) -> None:
        news = News(BASE)
        for name in names:
            for rest, word in (
                ("availability", b"online"),
                ("lock/availability", b"online"),
                ("lock/state", b"LOCKED"),
                ("door/contact", b"OFF"),
            ):
                news.hear(Received(f"{BASE}/{name}/{rest}", word, retained=False), 0.0)
        news.write(self.database, time.time())
        upkeep.sign_of_life(self.database, "a", time.time(), connected=True)

    def happen(self, events: Iterable[Event], *, replayed: bool = False) -> None:
        news = News(BASE)
        for event in events:
            sequence, chain = self._chains.get(event.device, (0, genesis(event.device)))
            body = encode(event)
            sequence, chain = sequence + 1, chained(chain, sequence + 1, "boot", body)
            self._chains[event.device] = sequence, chain
            stored = StoredEvent(sequence, "boot", event, chain, body)
            message = Topics(BASE, event.device).event(stored, replayed=replayed)
            news.hear(Received(message.topic, message.payload, retained=False), 0.0)
        news.write(self.database, time.time())


def furnish(database: Database) -> None:
    """Two groups (1 north, 2 south), two zones, one operator a role for all doors and for north."""
    now = time.time()
    with database.writing() as writing:
        writing.execute(insert(groups), [{"name": "north"}, {"name": "south"}])
        writing.execute(insert(zones), [{"name": "hall"}, {"name": "cellar"}])
        for role in Role:
            add_operator(writing, role.value, PASSWORD, [Grant(role, None)], now)
            add_operator(writing, f"{role.value} north", PASSWORD, [Grant(role, 1)], now)
    doors = Doors(database)
    doors.online("door1", "door2")
    with database.writing() as writing:
        for number in (1, 2):
            ours = devices.c.id == f"door{number}"
            writing.execute(
                update(devices).where(ours).values(group_id=number, from_zone=None, to_zone=1)
            )


@contextmanager
def furnished(folder: Path) -> Iterator[Database]:
    """A database of that kind, in a folder."""
    database = Database.open(f"sqlite:///{folder}/fleet.db")
    furnish(database)
    yield database
    database.close()


class Served:
    """The dashboard on a port of its own."""

    def __init__(self, database: Database, port: int = 0, provider: Provider | None = None) -> None:
        self.database = database
        self.doors = Doors(database)
        port = port or free_port()
        self.address = f"http://localhost:{port}"
        config = uvicorn.Config(
            make_app(database, Options(provider=provider)),
            port=port,
            log_level="error",
            http=Patient,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        until(lambda: self._server.started)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(20)
        self.database.close()


class Browser:
    """A client that logs in and sends forms with their CSRF word."""

    def __init__(
        self,
        database: Database,
        *,
        tls: bool = False,
        provider: Provider | None = None,
        address: str = "testclient",
    ) -> None:
        self.provider = provider
        scheme = "https" if tls else "http"
        self.http = TestClient(
            make_app(database, Options(tls=tls, provider=provider)),
            base_url=f"{scheme}://testserver",
            follow_redirects=False,
            raise_server_exceptions=True,
            client=(address, 50_000),
        )

    def csrf(self, page: str = "/account") -> str:
        text = self.http.get(page).text
        _, _, rest = text.partition('name="csrf" value="')
        return rest.partition('"')[0]

    def login(self, name: str, password: str = PASSWORD) -> Any:
        fields = {"name": name, "password": password, "csrf": self.csrf("/login")}
        return self.http.post("/login", data=fields)

    def send(self, path: str, **fields: Any) -> Any:
        return self.http.post(path, data={"csrf": self.csrf(), **fields})

    def get(self, path: str) -> Any:
        return self.http.get(path)


def reported(**fields: Any) -> bytes:
    return json.dumps(fields).encode()
