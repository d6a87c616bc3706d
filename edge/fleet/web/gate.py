"""The gate before every page: who asks, whether they may, and what they get instead.

Every page and form is an `Entry` that names the verb it needs, so that no page is open by
forgetting: without a login there is the login page, without the right there is 403.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from edge.errors import DatabaseError, EdgeDoorError
from edge.fleet.web import sessions
from edge.fleet.web.operators import Actor, read_operator, write_action
from edge.fleet.web.request import COOKIE, came_from_us, client, origin_of, read_form
from edge.fleet.web.visit import NotAllowedError, NotFoundError, Visit

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sqlalchemy import Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from edge.fleet.web.entry import Entry
    from edge.fleet.web.operators import Operator
    from edge.fleet.web.site import Site


class Gate:
    """Lets a request through to its page, or not."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def endpoint(self, entry: Entry) -> Callable[[Request], Awaitable[Response]]:
        """What Starlette calls for an entry."""

        async def answer(request: Request) -> Response:
            form = await read_form(request) if entry.method == "POST" else {}
            return await run_in_threadpool(self._answer, entry, request, form)

        return answer

    def _answer(
        self, entry: Entry, request: Request, form: Mapping[str, Sequence[str]]
    ) -> Response:
        time.tzset()  # days are the host's, whose time zone may be another since the start
        try:
            if entry.method == "POST":
                with self._site.database.reading() as connection:
                    if _who(connection, request, time.time()) is None:
                        return _to_login()  # strangers write nothing, however often they come
                with self._site.database.news() as (connection, batch):
                    return self._pass(entry, request, form, (connection, batch))
            with self._site.database.reading() as connection:
                response = self._pass(entry, request, form, (connection, 0))
            self._keep_alive(request)
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
        found = _who(connection, request, now)
        if found is None:
            return _to_login()
        session, operator = found
        if entry.method == "POST" and not came_from_us(request, session, form):
            raise _RefusedError(403, "this form did not come from a page of yours. Load it again.")
        if not entry.passes(operator.rights):
            raise _RefusedError(403, "your role does not allow this.", operator.name)
        query, path = dict(request.query_params), request.path_params
        if not all(str(value).isprintable() for value in (*query.values(), *path.values())):
            raise _RefusedError(400, "the address holds control characters.")
        visit = Visit(
            site=self._site,
            connection=connection,
            batch=batch,
            operator=operator,
            session=session,
            address=client(request),
            now=now,
            at=request.url.path,
            origin=origin_of(self._site, request),
            path=path,
            query=query,
            form=form,
        )
        return _answered(entry, visit)

    def _refuse(self, entry: Entry, request: Request, refused: _RefusedError) -> Response:
        """The transaction is rolled back; that somebody tried is kept."""
        if refused.who:
            with self._site.database.writing() as connection:
                actor = Actor(refused.who, client(request))
                target = f"{entry.method} {request.url.path}"
                write_action(connection, time.time(), actor, entry.verb.value, target, "refused")
        return self._site.refusal(refused.status, refused.sentence)

    def _keep_alive(self, request: Request) -> None:
        now = time.time()
        with self._site.database.reading() as connection:
            session = sessions.find(connection, request.cookies.get(COOKIE), now)
        if session is not None and now - session.seen > sessions.SEEN_EVERY_S:
            with self._site.database.writing() as connection:
                sessions.touch(connection, session, now)


def _to_login() -> Response:
    return RedirectResponse("/login", status_code=303)


def _who(
    connection: Connection, request: Request, now: float
) -> tuple[sessions.Session, Operator] | None:
    session = sessions.find(connection, request.cookies.get(COOKIE), now)
    if session is None or session.operator is None:
        return None
    operator = read_operator(connection, session.operator)
    return None if operator is None else (session, operator)


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
    except UnicodeError as error:  # JSON within a form can spell half a character
        raise _RefusedError(400, "that holds characters that are none.") from error
    except OverflowError as error:  # the day after the last that calendars know
        raise _RefusedError(400, "that holds a number or a day beyond all of them.") from error


class _RefusedError(Exception):
    def __init__(self, status: int, sentence: str, who: str = "") -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.who = who
        """Whose role was not enough, for the audit."""
