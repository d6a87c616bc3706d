"""What a request says of itself, and what of that is believed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException

from edge.fleet.web import sessions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from edge.fleet.web.site import Site

COOKIE = "edge-door-session"
MAX_FIELDS = 1000
MAX_BODY = 1024 * 1024
FORM_S = 20.0


async def read_form(request: Request) -> dict[str, list[str]]:
    """The fields of a form, as browsers send them without files.

    Raises:
        HTTPException: it is too large, not a form, or takes too long.
    """
    try:
        body = await asyncio.wait_for(_whole(request), FORM_S)
        return parse_qs(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except asyncio.TimeoutError as error:
        raise HTTPException(408, "the form did not arrive in time.") from error
    except ValueError as error:
        raise HTTPException(400, "that is no form.") from error


async def _whole(request: Request) -> bytearray:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, "the form is too large.")
    return body


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
