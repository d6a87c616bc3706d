"""What all requests share: the database, the templates, the options; and the gate before a page.

Every page and form is an `Entry` that names the verb it needs, so that no page is open by
forgetting: without a login there is the login page, without the right there is 403.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, RedirectResponse

from edge.errors import DatabaseError, EdgeDoorError
from edge.fleet.operators import Actor, read_operator, write_action
from edge.fleet.web import sessions
from edge.fleet.web.filters import FILTERS
from edge.fleet.web.visit import NotAllowedError, NotFoundError, Visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sqlalchemy import Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from edge.fleet.database.database import Database
    from edge.fleet.operators import Operator
    from edge.fleet.web.provider import Provider
    from edge.fleet.web.roles import Rights, Verb

COOKIE = "edge-door-session"
MAX_FIELDS = 1000
MAX_BODY = 1024 * 1024


class Where(str, Enum):
    """What a right must reach to pass the gate; pages then ask for each door."""

    SOME_DOOR = "some_door"
    EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Entry:
    """A page (GET) or a form (POST), and the verb that it needs."""

    method: str
    path: str
    answer: Callable[[Visit], Response]
    verb: Verb
    where: Where = Where.SOME_DOOR

    def passes(self, rights: Rights) -> bool:
        """Whether somebody with these rights gets as far as the page itself."""
        if self.where is Where.EVERYWHERE:
            return rights.may_everywhere(self.verb)
        return rights.anywhere(self.verb)


@dataclass(frozen=True, slots=True)
class Options:
    """How the dashboard is served."""

    tls: bool = False
    title: str = "edge-door"
    provider: Provider | None = None
    """Of OpenID, which may let operators in."""


class Site:
    """The dashboard's shared parts."""

    def __init__(self, database: Database, options: Options) -> None:
        self.database = database
        self.options = options
        self._templates = Environment(
            loader=PackageLoader("edge.fleet.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(FILTERS)

    def render(self, template: str, **values: Any) -> str:
        """A template's text; everything in it is escaped."""
        return self._templates.get_template(template).render(site=self, **values)

    def endpoint(self, entry: Entry) -> Callable[[Request], Awaitable[Response]]:
        """What Starlette calls for an entry."""

        async def answer(request: Request) -> Response:
            form = await read_form(request) if entry.method == "POST" else {}
            return await run_in_threadpool(self._answer, entry, request, form)

        return answer

    def refusal(self, status: int, sentence: str) -> Response:
        """A page that says why not."""
        return HTMLResponse(self.render("refusal.html", sentence=sentence), status_code=status)

    def _answer(
        self, entry: Entry, request: Request, form: Mapping[str, Sequence[str]]
    ) -> Response:
        try:
            if entry.method == "POST":
                with self.database.news() as (connection, batch):
                    return self._pass(entry, request, form, (connection, batch))
            with self.database.reading() as connection:
                response = self._pass(entry, request, form, (connection, 0))
            self._keep_alive(request)
        except DatabaseError as error:
            return self.refusal(503, str(error))
        except _RefusedError as refused:
            return self._refuse(entry, request, refused)
        return response

    def _pass(
        self,
        entry: Entry,
        request: Request,
        form: Mapping[str, Sequence[str]],
        at: tuple[Connection, int],
    ) -> Response:
        connection, batch = at
        now = time.time()
        found = self._who(connection, request, now)
        if found is None:
            return RedirectResponse("/login", status_code=303)
        session, operator = found
        if entry.method == "POST" and not came_from_us(request, session, form):
            raise _RefusedError(403, "this form did not come from a page of yours. Load it again.")
        if not entry.passes(operator.rights):
            raise _RefusedError(403, "your role does not allow this.", operator.name)
        query, path = dict(request.query_params), request.path_params
        if not all(str(value).isprintable() for value in (*query.values(), *path.values())):
            raise _RefusedError(400, "the address holds control characters.")
        visit = Visit(
            site=self,
            connection=connection,
            batch=batch,
            operator=operator,
            session=session,
            address=client(request),
            now=now,
            at=request.url.path,
            origin=origin_of(self, request),
            path=path,
            query=query,
            form=form,
        )
        return _answered(entry, visit)

    def _who(
        self, connection: Connection, request: Request, now: float
    ) -> tuple[sessions.Session, Operator] | None:
        session = sessions.find(connection, request.cookies.get(COOKIE), now)
        if session is None or session.operator is None:
            return None
        operator = read_operator(connection, session.operator)
        return None if operator is None else (session, operator)

    def _refuse(self, entry: Entry, request: Request, refused: _RefusedError) -> Response:
        """The transaction is rolled back; that somebody tried is kept."""
        if refused.who:
            with self.database.writing() as connection:
                actor = Actor(refused.who, client(request))
                target = f"{entry.method} {request.url.path}"
                write_action(connection, time.time(), actor, entry.verb.value, target, "refused")
        return self.refusal(refused.status, refused.sentence)

    def _keep_alive(self, request: Request) -> None:
        now = time.time()
        with self.database.reading() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), now)
        if session is not None and now - session.seen > sessions.SEEN_EVERY_S:
            with self.database.writing() as connection:
                sessions.touch(connection, session, now)


def _answered(entry: Entry, visit: Visit) -> Response:
    try:
        return entry.answer(visit)
    except NotAllowedError as error:
        raise _RefusedError(403, "your role does not allow this.", visit.operator.name) from error
    except NotFoundError as error:
        raise _RefusedError(404, "there is nothing here.") from error
    except DatabaseError:
        raise
    except EdgeDoorError as error:
        raise _RefusedError(400, str(error)) from error


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str, who: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.who = who
        """Whose role was not enough, for the audit."""


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form; files are not taken."""
    form = await request.form(max_files=0, max_fields=MAX_FIELDS, max_part_size=MAX_BODY)
    return {name: [str(value) for value in form.getlist(name)] for name in form}


def came_from_us(
    request: Request, session: sessions.Session, form: Mapping[str, Sequence[str]]
) -> bool:
    """Whether a form was sent by a page of this session, and from this site."""
    origin = request.headers.get("origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("host"):
        return False
    return sessions.word_fits(session, (form.get("csrf") or [""])[0])


def origin_of(site: Site, request: Request) -> str:
    """Where browsers believe to be: scheme, host and port."""
    return f"{'https' if site.options.tls else 'http'}://{request.headers.get('host', '')}"


def client(request: Request) -> str:
    """The address that asks."""
    return request.client.host if request.client else ""
