"""The login page and the way out: the only pages without a session of somebody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from edge.fleet.database.tables import operators
from edge.fleet.text import MAX_NAME
from edge.fleet.web import sessions
from edge.fleet.web.operators import Actor, write_action, write_refusal
from edge.fleet.web.passwords import password_fits
from edge.fleet.web.request import COOKIE, came_from_us, client, read_form

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from edge.fleet.web.site import Site

_WRONG = "That name and password do not belong together."
_OFTEN = "Too many attempts. Wait a quarter of an hour."
_STALE = "The page was too old. Try again."
_UNKNOWN = "That passkey is not known here."
_USUAL = {403: _STALE, 401: _UNKNOWN, 429: _OFTEN}


class Login:
    """Who comes in."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request) -> Response:
        """The form."""
        return await run_in_threadpool(self._show, request, "")

    async def enter(self, request: Request) -> Response:
        """A name and a password."""
        form = await read_form(request)
        return await run_in_threadpool(self._enter, request, form)

    async def leave(self, request: Request) -> Response:
        """The session ends."""
        form = await read_form(request)
        return await run_in_threadpool(self._leave, request, form)

    def welcome(
        self, request: Request, number: int, name: str, how: str, tried_at: float = 0.0
    ) -> Response:
        """A new session for somebody who has shown who they are; the old one ends."""
        now, database = time.time(), self._site.database
        with database.writing() as connection:
            old = sessions.find(connection, request.cookies.get(COOKIE), now)
            if old is not None:
                sessions.end(connection, old.key)
            cookie = sessions.begin(connection, number, client(request), now)
            sessions.cleared(connection, name, client(request), tried_at)
            write_action(connection, now, Actor(name, client(request)), "login", how)
        response = RedirectResponse("/", status_code=303)
        self._set_cookie(response, cookie)
        return response

    def refuse(self, request: Request, status: int, sentence: str = "") -> Response:
        """The login page, with what went wrong."""
        return self._show(request, sentence or _USUAL[status], status)

    def _show(self, request: Request, sentence: str, status: int = 200) -> Response:
        now, database = time.time(), self._site.database
        with database.reading() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), now)
            often = sessions.too_many_visits(connection, client(request), now)
        cookie = None
        if session is None or session.operator is not None:
            if often:
                return self._site.refusal(429, _OFTEN)
            with database.writing() as connection:
                cookie = sessions.begin(connection, None, client(request), now)
                session = sessions.find(connection, cookie, now)
        csrf = session.csrf if session else ""
        page = self._site.render("login.html", csrf=csrf, sentence=sentence)
        response = HTMLResponse(page, status_code=status)
        if cookie is not None:
            self._set_cookie(response, cookie)
        return response

    def _enter(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        now, database, address = time.time(), self._site.database, client(request)
        name, password = _given(form)
        with database.reading() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), now)
            ours = (operators.c.name == name, operators.c.disabled.is_(False))
            known = connection.execute(select(operators).where(*ours)).first()
        if session is None or not came_from_us(request, session, form):
            return self._show(request, _STALE, 403)
        with database.writing() as connection:
            often = sessions.too_many(connection, name, address, now)
            if not often:
                sessions.trying(connection, name, address, now)
        # Outside of any transaction: it takes as long as it is meant to.
        if not often and password_fits(password, known.password if known else None) and known:
            return self.welcome(request, known.id, known.name, "password", now)
        with database.writing() as connection:
            write_refusal(connection, now, Actor(name, address), "password")
        return self._show(request, _OFTEN if often else _WRONG, 429 if often else 401)

    def _leave(self, request: Request, form: Mapping[str, Sequence[str]]) -> Response:
        now = time.time()
        with self._site.database.writing() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), now)
            if session is not None and came_from_us(request, session, form):
                sessions.end(connection, session.key)
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    def _set_cookie(self, response: Response, cookie: str) -> None:
        response.set_cookie(
            COOKIE, cookie, httponly=True, samesite="strict", secure=self._site.options.tls
        )


def _given(form: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """The name and the password that were typed."""
    name, password = ((form.get(field) or [""])[0] for field in ("name", "password"))
    name = name.strip()[:MAX_NAME]
    return name if name.isprintable() else "", password
