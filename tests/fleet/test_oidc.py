"""Login over a real OpenID provider: what it says counts once, for this login and its roles."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select, update

from edge.errors import UsageError
from edge.fleet.database.database import Database
from edge.fleet.database.tables import actions, operators, roles
from edge.fleet.web.oidc import COOKIE
from edge.fleet.web.operators import MOST_REFUSALS
from edge.fleet.web.provider import read_provider
from edge.fleet.web.sessions import MOST_VISITS, begin, find, set_challenge
from tests.conftest import ROOT
from tests.fleet.openid import CLIENT, SECRET, Provider
from tests.fleet.site import Browser, Served, furnish
from tests.support.link_parts import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.fleet.web.provider import Provider as Settings

CHROMIUM = shutil.which("chromium")
HERE = "https://testserver/login/oidc/back"
GRANTS = """
[[grant]]
value = "security"
role = "operator"
group = "north"
[[grant]]
value = "it"
role = "administrator"
"""


@pytest.fixture
def there() -> Iterator[Provider]:
    provider = Provider(HERE).start()
    yield provider
    provider.close()


def settings_for(there: Provider, folder: Path) -> Settings:
    (folder / "secret").write_text(f"\ufeff{SECRET}\r\n")  # as Windows' editor writes it
    file = folder / "oidc.toml"
    file.write_text(
        f'\ufeffissuer = "{there.issuer}"\nclient_id = "{CLIENT}"\n'
        f'secret_file = "{folder / "secret"}"\n{GRANTS}'
    )
    return read_provider(file)


@pytest.fixture
def browser(database: Database, there: Provider, tmp_path: Path) -> Browser:
    furnish(database)
    return Browser(database, tls=True, provider=settings_for(there, tmp_path))


def away(browser: Browser) -> str:
    """Where the browser is sent."""
    sent = browser.get("/login/oidc")
    assert sent.status_code == 303
    return str(sent.headers["location"])


def through(place: str) -> str:
    """Where the provider sends it back to."""
    answer = httpx.get(place)
    assert answer.status_code in {302, 303}, answer.text
    return str(answer.headers["location"]).removeprefix("https://testserver")


def come_in(browser: Browser) -> Any:
    return browser.get(through(away(browser)))


def audit(database: Database) -> list[tuple[str, str, str]]:
    with database.reading() as reading:
        rows = reading.execute(select(actions).where(actions.c.verb == "login"))
        return [(row.by, row.target, row.outcome) for row in rows]


def may(database: Database) -> set[tuple[str, int | None]]:
    with database.reading() as reading:
        joined = select(roles).join(operators).where(operators.c.name == "anna")
        return {(row.role, row.group_id) for row in reading.execute(joined)}


def test_who_is_in_a_group_comes_in_with_its_role(browser: Browser, database: Database) -> None:
    assert "/login/oidc" in browser.get("/login").text
    place = away(browser)
    asked = parse_qs(urlsplit(place).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) > 40
    assert asked["nonce"] != asked["state"]
    page = browser.get(through(place))
    assert 'content="0; url=/"' in page.text
    cookie = next(v for k, v in page.headers.multi_items() if k == "set-cookie" and "session" in v)
    assert {"HttpOnly", "Secure", "SameSite=strict"} <= set(cookie.split("; "))
    wall = browser.get("/")
    assert "door1" in wall.text
    assert "door2" not in wall.text  # of the south
    assert browser.get("/operators").status_code == 403
    assert audit(database) == [("anna", "oidc", "done")]


def test_nobody_is_sent_away_without_end(browser: Browser, database: Database) -> None:
    with database.writing() as writing:
        for _ in range(MOST_VISITS - 1):
            begin(writing, None, "testclient", time.time())
    away(browser)
    assert browser.get("/login/oidc").status_code == 429
    for _ in range(MOST_REFUSALS + 5):
        assert browser.get("/login/oidc/back").status_code in {403, 429}
    assert len(audit(database)) == MOST_REFUSALS


def test_roles_are_those_of_today(browser: Browser, database: Database, there: Provider) -> None:
    come_in(browser)
    assert may(database) == {("operator", 1)}
    there.user["groups"] = ["it"]
    come_in(browser)
    assert may(database) == {("administrator", None)}
    there.user["groups"] = ["kitchen"]
    assert "none of your groups" in come_in(browser).text


def test_who_is_disabled_here_stays_out(browser: Browser, database: Database) -> None:
    come_in(browser)
    with database.writing() as writing:
        writing.execute(update(operators).where(operators.c.name == "anna").values(disabled=True))
    assert "disabled here" in come_in(browser).text


def test_nobody_takes_the_name_of_somebody_here(browser: Browser, there: Provider) -> None:
    there.user["preferred_username"] = "administrator"
    refused = come_in(browser)
    assert refused.status_code == 403
    assert "already" in refused.text
    assert browser.get("/").status_code == 303


def test_no_passkey_outlives_the_provider(browser: Browser) -> None:
    come_in(browser)
    refused = browser.send("/account/passkeys", label="mine", credential="{}")
    assert refused.status_code == 400
    assert "the provider" in refused.text


@pytest.mark.parametrize(
    "lie",
    [
        {"nonce": "of another login"},
        {"aud": ["another client"]},
        {"iss": "https://another.example"},
        {"exp": 1},
        {"issuer": "https://another.example"},
        {"azp": "another client"},
    ],
    ids=str,
)
def test_what_is_said_for_another_login_lets_nobody_in(
    browser: Browser, there: Provider, lie: dict[str, Any]
) -> None:
    place = away(browser)
    there.lies = lie
    assert browser.get(through(place)).status_code == 403
    assert browser.get("/").status_code == 303


def test_another_key_lets_nobody_in(browser: Browser, there: Provider) -> None:
    place = away(browser)
    there.shown = RSAKey.generate_key(2048, auto_kid=True)
    assert browser.get(through(place)).status_code == 403


def test_a_code_counts_once_and_for_the_browser_that_asked(
    browser: Browser, database: Database
) -> None:
    back = through(away(browser))
    stranger = Browser(database, tls=True, provider=browser.provider)
    assert stranger.get(back).status_code == 403  # no trip of its own
    away(stranger)
    assert stranger.get(back).status_code == 403  # another state
    assert browser.get(back).status_code == 200
    browser.http.cookies.clear()
    assert browser.get(back).status_code == 403


def test_a_session_of_another_login_is_no_trip(browser: Browser, database: Database) -> None:
    with database.writing() as writing:
        cookie = begin(writing, None, "testclient", time.time())
        session = find(writing, cookie, time.time())
        assert session is not None
        set_challenge(writing, session.key, b"\xff of a passkey")
    browser.http.cookies.set(COOKIE, cookie, path="/login/oidc")
    answer = browser.get("/login/oidc/back?state=a&code=b")
    assert answer.status_code == 403
    assert "does not belong to this login" in answer.text


def test_a_code_is_worth_nothing_with_another_verifier(browser: Browser, there: Provider) -> None:
    back = through(away(browser))
    for code in there.codes.values():
        code.code_challenge = "of another browser"
    assert browser.get(back).status_code == 503


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
# Chromium's own pipes, closed by the interpreter.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_real_browser_comes_in(tmp_path: Path) -> None:
    """Cookies that do not follow from another site, and a policy that lets nothing in from one."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: extra `test`")
    database, port = Database.open(f"sqlite:///{tmp_path}/fleet.db"), free_port()
    furnish(database)
    there = Provider(f"http://localhost:{port}/login/oidc/back").start()
    served = Served(database, port, settings_for(there, tmp_path))
    try:
        with playwright.sync_playwright() as running:
            chromium = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = chromium.new_page(base_url=served.address)
            page.goto("/login")
            page.get_by_role("link", name="Log in with the company").click()
            page.wait_for_url(f"{served.address}/")
            assert page.locator(".who summary").inner_text() == "anna"
            chromium.close()
    finally:
        served.close()
        there.close()


def test_a_provider_that_is_away(browser: Browser, there: Provider) -> None:
    there.close()
    answer = browser.get("/login/oidc")
    assert answer.status_code == 503
    assert "does not answer" in answer.text


def test_the_shipped_example_can_be_read() -> None:
    provider = read_provider(ROOT / "deploy" / "fleet" / "oidc.example.toml")
    assert [each.role.value for each in provider.grant] == ["operator", "administrator"]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('issuer = "http://login.example"', "issuer: .*https"),
        ('issuer = "https://a"\nclient_id = ""', "client_id"),
        ('issuer = "https://a"\nclient_id = "x"\ngrants = []', "grant"),
        ("issuer", "oidc.toml"),
        ('client_id = "x"\ngrant = []', "issuer: is missing"),
        (
            'issuer = "https://a"\nclient_id = "x"\ngrant = []\nnope = 1',
            "nope: there is no such key",
        ),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, line: str, complaint: str) -> None:
    file = tmp_path / "oidc.toml"
    file.write_text(line)
    with pytest.raises(UsageError, match=complaint):
        read_provider(file)
