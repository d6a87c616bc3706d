"""A dashboard whose database is out of reach says so, whatever is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from tests.fleet.site import Browser

if TYPE_CHECKING:
    from edge.fleet.database.database import Database


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", "/"), ("POST", "/setup/groups"), ("GET", "/login"), ("POST", "/login")),
        *(("POST", "/logout"), ("POST", "/login/passkey/offer"), ("POST", "/login/passkey")),
        ("GET", "/live"),
    ],
)
def test_every_page_says_that_the_database_is_away(own: Database, method: str, path: str) -> None:
    browser = Browser(own)
    assert browser.login("administrator").status_code == 303
    with own.writing() as writing:
        writing.execute(text("ALTER TABLE sessions RENAME TO away"))
    answer = browser.http.request(method, path)
    assert answer.status_code == 503
    assert "database sqlite:///" in answer.text
