"""The dashboard as an ASGI application: every entry of every page, behind the gate."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from edge.errors import DatabaseError
from edge.fleet.web import passkeys
from edge.fleet.web.gate import Gate
from edge.fleet.web.headers import Headers
from edge.fleet.web.live import Live
from edge.fleet.web.login import Login
from edge.fleet.web.pages import (
    account,
    alarms,
    charts,
    commands,
    door,
    health,
    history,
    operators,
    people,
    rollouts,
    rosters,
    setup,
    wall,
)
from edge.fleet.web.passkeys import PasskeyLogin
from edge.fleet.web.site import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response

    from edge.fleet.database.database import Database
    from edge.fleet.web.entry import Entry
    from edge.fleet.web.site import Options

ENTRIES: tuple[Entry, ...] = (
    *wall.ENTRIES,
    *door.ENTRIES,
    *alarms.ENTRIES,
    *history.ENTRIES,
    *charts.ENTRIES,
    *people.ENTRIES,
    *rosters.ENTRIES,
    *rollouts.ENTRIES,
    *commands.ENTRIES,
    *health.ENTRIES,
    *setup.ENTRIES,
    *operators.ENTRIES,
    *account.ENTRIES,
    *passkeys.ENTRIES,
)
"""Everything behind the login."""


def make_app(database: Database, options: Options) -> Starlette:
    """The application."""
    site = Site(database, options)
    gate = Gate(site)
    live, login = Live(site), Login(site)
    by_passkey = PasskeyLogin(site, login)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(live.run())
        yield
        looking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await looking

    async def missing(_request: Request, _error: Exception) -> Response:
        return site.refusal(404, "there is nothing here.")

    async def refused(_request: Request, error: Exception) -> Response:
        said = cast("HTTPException", error)
        return site.refusal(said.status_code, said.detail)

    async def unreachable(_request: Request, error: Exception) -> Response:
        return site.refusal(503, str(error))

    async def broken(_request: Request, _error: Exception) -> Response:
        return site.refusal(500, "something is wrong here. The host's journal says what.")

    return Starlette(
        routes=[
            Route("/login", login.show, methods=["GET"]),
            Route("/login", login.enter, methods=["POST"]),
            Route("/login/passkey/offer", by_passkey.offer, methods=["POST"]),
            Route("/login/passkey", by_passkey.enter, methods=["POST"]),
            *_oidc_routes(site, login),
            Route("/logout", login.leave, methods=["POST"]),
            Route("/live", live.stream, methods=["GET"]),
            Route("/alive", _alive, methods=["GET"]),
            Mount("/static", StaticFiles(packages=[("edge.fleet.web", "static")])),
            *(Route(entry.path, gate.endpoint(entry), methods=[entry.method]) for entry in ENTRIES),
        ],
        middleware=[Middleware(Headers, tls=options.tls)],
        exception_handlers={
            404: missing,
            500: broken,
            HTTPException: refused,
            DatabaseError: unreachable,
        },
        lifespan=lifespan,
    )


def _oidc_routes(site: Site, login: Login) -> list[Route]:
    if site.options.provider is None:
        return []
    from edge.fleet.web.oidc import AWAY, BACK, OidcLogin  # its packages are an extra

    by_oidc = OidcLogin(site, login, site.options.provider)
    return [
        Route(AWAY, by_oidc.leave, methods=["GET"]),
        Route(BACK, by_oidc.back, methods=["GET"]),
    ]


async def _alive(_request: Request) -> Response:
    return PlainTextResponse("ok")
