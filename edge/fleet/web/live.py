"""What is new, to every open page: server-sent events, made once and sent to all who may see them.

A page that loses the stream says so itself; when it is back it is loaded anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select, true
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from edge.errors import DatabaseError
from edge.fleet.database.database import latest_batch
from edge.fleet.database.tables import alarms, commands, devices, events
from edge.fleet.web import sessions
from edge.fleet.web.operators import read_operator
from edge.fleet.web.request import COOKIE
from edge.fleet.web.roles import Verb
from edge.fleet.web.tiles import read_tiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sqlalchemy import ColumnElement, Connection
    from starlette.requests import Request

    from edge.fleet.web.roles import Rights
    from edge.fleet.web.site import Site
    from edge.fleet.web.tiles import Tile

LOOK_EVERY_S = 0.2
"""One look for all pages, which asks for the newest batch and, if it is the same, for no more."""
TILES_EVERY_S = 3.0
"""Doors grow silent without any news."""
PING_S = 10.0
"""So often a page hears something, and is asked whether it still may."""
MAX_WAITING = 2000
"""A page that is further behind is cut off, and loads anew."""
MAX_EVENTS = 500
"""In one look: the newest, which are more than a page shows."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something new about one door, as HTML."""

    kind: str
    door: str
    group: int | None
    html: str
    trouble: bool = False

    def encode(self) -> str:
        """As the stream carries it."""
        fields = {"door": self.door, "html": self.html, "trouble": self.trouble}
        return f"event: {self.kind}\ndata: {json.dumps(fields)}\n\n"


class _Listener:
    """An open page."""

    def __init__(self, rights: Rights) -> None:
        self.rights = rights
        self.queue: asyncio.Queue[Piece] = asyncio.Queue(MAX_WAITING)
        self.behind = False
        self.waiting = -1

    def hear(self, piece: Piece) -> None:
        """Put it in the page's queue."""
        try:
            self.queue.put_nowait(piece)
        except asyncio.QueueFull:
            self.behind = True


class Live:
    """Looks for news and hands it out. `run` is a task of the server's loop."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._listeners: set[_Listener] = set()
        self._batch = -1
        self._tiles: dict[str, Tile] = {}
        self._tiles_at = 0.0
        self._waiting: dict[int | None, int] = {}  # alarms that nobody has acknowledged, by group

    async def run(self) -> None:
        """Look for news, for ever."""
        while True:
            try:
                pieces = await run_in_threadpool(lambda: list(self._news()))
            except DatabaseError as error:
                log.warning("nothing is live: %s", error)
                await asyncio.sleep(TILES_EVERY_S)
                continue
            except Exception:  # else pages look as if nothing happened any more, for ever
                log.exception("what is new cannot be shown")
                self._batch = -1  # it would not be the next time either
                await asyncio.sleep(TILES_EVERY_S)
                continue
            for piece in pieces:
                self._hand_out(piece)
            self._count()
            await asyncio.sleep(LOOK_EVERY_S)

    async def stream(self, request: Request) -> Response:
        """The stream of one page."""
        rights = await run_in_threadpool(self._rights, request)
        if rights is None or not rights.anywhere(Verb.SEE):
            return Response(status_code=403)
        return StreamingResponse(
            self._pieces(request, rights),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )

    async def _pieces(self, request: Request, rights: Rights) -> AsyncIterator[str]:
        listener = _Listener(rights)
        self._listeners.add(listener)
        try:
            yield ": here\n\n"
            looked = time.monotonic()
            while not listener.behind:
                piece = await self._next(listener)
                if time.monotonic() - looked >= PING_S:
                    # Whoever logged out, or lost a role, hears nothing more, however busy it is.
                    if await run_in_threadpool(self._rights, request) != rights:
                        return
                    looked = time.monotonic()
                yield "event: ping\ndata: {}\n\n" if piece is None else piece.encode()
        finally:
            self._listeners.discard(listener)

    async def _next(self, listener: _Listener) -> Piece | None:
        """What the page is told next; None: nothing came for a while."""
        with contextlib.suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(listener.queue.get(), PING_S)
        return None

    def _hand_out(self, piece: Piece) -> None:
        for listener in self._listeners:
            if listener.rights.may(Verb.SEE, piece.group):
                listener.hear(piece)

    def _count(self) -> None:
        """Tell each page how many alarms wait that it may see, when that has changed."""
        for listener in self._listeners:
            seen = (n for group, n in self._waiting.items() if listener.rights.may(Verb.SEE, group))
            waiting = sum(seen)
            if waiting != listener.waiting:
                listener.waiting = waiting
                listener.hear(Piece("alarms", "", None, str(waiting)))

    def _rights(self, request: Request) -> Rights | None:
        with self._site.database.reading() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), time.time())
            if session is None or session.operator is None:
                return None
            operator = read_operator(connection, session.operator)
        return operator.rights if operator else None

    def _news(self) -> Iterator[Piece]:
        now = time.time()
        with self._site.database.reading() as connection:
            newest, since = latest_batch(connection), self._batch
            if since < 0:
                self._tiles = {tile.id: tile for tile in read_tiles(connection, now, true())}
                self._waiting = _waiting(connection)
                self._batch = newest
                return
            tiles: list[Tile] = []
            everywhere = now - self._tiles_at >= TILES_EVERY_S
            if everywhere:  # a door that says nothing changes too
                tiles = read_tiles(connection, now, true())
            elif newest > since:
                tiles = read_tiles(connection, now, _touched(since))
            changed = [tile for tile in tiles if self._tiles.get(tile.id) != tile]
            yield from map(self._shown, changed)
            if newest > since:
                yield from self._happened(connection, since)
                self._waiting = _waiting(connection)
            # Only now: what a look could not read to its end, the next one tells.
            self._batch = newest
            self._tiles |= {tile.id: tile for tile in changed}
            self._tiles_at = now if everywhere else self._tiles_at

    def _shown(self, tile: Tile) -> Piece:
        html = self._site.render("tile.html", tile=tile)
        return Piece("tile", tile.id, tile.group, html, tile.trouble)

    def _happened(self, connection: Connection, since: int) -> Iterator[Piece]:
        for row in connection.execute(
            select(events, devices.c.name, devices.c.group_id)
            .join(devices, devices.c.id == events.c.device)
            .where(events.c.batch > since)
            .order_by(events.c.batch.desc(), events.c.at.desc())
            .limit(MAX_EVENTS)
        ).all()[::-1]:
            html = self._site.render("event.html", event=row)
            yield Piece("event", row.device, row.group_id, html)
        for row in connection.execute(
            select(commands, devices.c.name, devices.c.group_id)
            .join(devices, devices.c.id == commands.c.device)
            .where(commands.c.batch > since)
        ):
            html = self._site.render("command.html", command=row)
            yield Piece("command", row.device, row.group_id, html)


def _waiting(connection: Connection) -> dict[int | None, int]:
    counted = (
        select(devices.c.group_id, func.count().label("number"))
        .select_from(alarms)
        .join(devices, devices.c.id == alarms.c.device)
        .where(alarms.c.acknowledged.is_(None))
        .group_by(devices.c.group_id)
    )
    return {row.group_id: row.number for row in connection.execute(counted)}


def _touched(since: int) -> ColumnElement[bool]:
    """Doors that a batch after `since` told something of."""
    alarmed = select(alarms.c.device).where(alarms.c.batch > since)
    return (devices.c.batch > since) | devices.c.id.in_(alarmed)
