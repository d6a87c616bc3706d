"""What all requests share: the database, the templates, the options."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from edge.access.bucket import TokenBucket
from edge.fleet.text import MAX_NAME
from edge.fleet.web.filters import FILTERS

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.database.database import Database
    from edge.fleet.web.provider import Provider


_OLD_PASSWORDS = 1 / 60, 5
"""Of one operator, to change it: a second, and at a time."""


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
        self._passwords: dict[int, TokenBucket] = {}
        self._templates.globals["max_name"] = MAX_NAME

    def may_try_password(self, operator: int) -> bool:
        """Whether somebody who is logged in may say their old password once more.

        Whoever finds a page left open must not guess it; and while it is hashed nobody else writes.
        """
        bucket = self._passwords.setdefault(operator, TokenBucket(*_OLD_PASSWORDS))
        return bucket.take(time.monotonic())

    def render(self, template: str, **values: object) -> str:
        """A template's text; everything in it is escaped."""
        return self._templates.get_template(template).render(site=self, **values)

    def refusal(self, status: int, sentence: str) -> Response:
        """A page that says why not."""
        return HTMLResponse(self.render("refusal.html", sentence=sentence), status_code=status)
