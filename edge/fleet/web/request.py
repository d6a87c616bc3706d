"""What a request says of itself, and what of that is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.fleet.web import sessions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

    from edge.fleet.web.site import Site

COOKIE = "edge-door-session"
MAX_FIELDS = 1000
MAX_BODY = 1024 * 1024


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
