"""The dashboard against who should not get in, or not so far."""

from __future__ import annotations

import json
import secrets
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx2 as httpx
import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select

from edge.access.command import public_text, sign_command
from edge.fleet.collector import upkeep
from edge.fleet.database.database import Database, latest_batch
from edge.fleet.database.tables import (
    actions,
    alarms,
    commands,
    devices,
    failures,
    passkeys,
    sessions,
)
from edge.fleet.kinds import Role
from edge.fleet.web import passwords
from edge.fleet.web.app import ENTRIES
from edge.fleet.web.entry import Entry
from edge.fleet.web.networks import network_of
from edge.fleet.web.operators import MOST_REFUSALS, Actor, write_refusal
from edge.fleet.web.request import COOKIE
from edge.fleet.web.roles import Grant, Rights, Verb
from edge.fleet.web.sessions import (
    ANONYMOUS_S,
    MOST_BY_ADDRESS,
    MOST_BY_NAME,
    MOST_VISITS,
    WINDOW_S,
    begin,
    find,
    too_many,
    trying,
)
from edge.records import Reason
from edge.vocabulary import Action
from tests.fleet.site import PASSWORD, Browser, Doors, Served, an_event, furnished


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One furnished database for tests that change nothing that others look at."""
    with furnished(tmp_path_factory.mktemp("web")) as database:
        yield database


def path_of(entry: Entry) -> str:
    return entry.path.replace("{door}", "door1")


def audit(database: Database) -> list[tuple[str, str, str]]:
    with database.reading() as reading:
        rows = reading.execute(select(actions).order_by(actions.c.id))
        return [(row.by, row.verb, row.outcome) for row in rows]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.method} {entry.path}")
def test_nothing_is_shown_without_a_login(shared: Database, entry: Entry) -> None:
    browser = Browser(shared)
    answer = browser.http.request(
        entry.method, path_of(entry), data={} if entry.method == "POST" else None
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert browser.get("/live").status_code == 403


@pytest.mark.parametrize(
    "role", [f"{role.value}{more}" for role in Role for more in ("", " north")]
)
def test_every_entry_asks_for_its_verb(shared: Database, role: str) -> None:
    """Each role against each page and form: 403 exactly where the role does not carry the verb."""
    browser = Browser(shared)
    assert browser.login(role).status_code == 303
    word, north = role.removesuffix(" north"), role.endswith(" north")
    rights = Rights((Grant(Role(word), 1 if north else None),))
    csrf = browser.csrf()
    for entry in ENTRIES:
        data = {"csrf": csrf} if entry.method == "POST" else None
        answer = browser.http.request(entry.method, path_of(entry), data=data)
        refused = answer.status_code == 403
        assert refused is not entry.passes(rights), (role, entry.method, entry.path)
        # Without fields a form does nothing: it says what is missing.
        assert answer.status_code in ({403} if refused else {200, 400, 404})


@pytest.mark.parametrize("role", list(Role))
def test_a_role_for_one_group_reaches_no_other(own: Database, role: Role) -> None:
    Doors(own).happen([an_event("door1"), an_event("door2", person="Bob")])
    Doors(own).say("door2", "tamper", b"ON")
    browser = Browser(own)
    browser.login(f"{role.value} north")
    assert browser.get("/doors/door1").status_code == 200
    assert browser.get("/doors/door2").status_code == 404
    for page in ("/", "/history", "/history.csv", "/alarms?all=1", "/health", "/commands"):
        text = browser.get(page).text
        assert "door2" not in text, page
        assert "Bob" not in text, page
    assert browser.send("/doors/door2/set-up", name="x").status_code in {403, 404}
    assert browser.send("/doors/door2/accept", note="x").status_code in {403, 404}
    if role is Role.ADMINISTRATOR:  # nor by moving a door into the other group
        answer = browser.send("/doors/door1/set-up", name="x", group="2")
        assert answer.status_code == 403
    with own.reading() as reading:
        names = {row.id: row.name for row in reading.execute(select(devices))}
    assert names["door2"] == "door2"


@pytest.mark.parametrize("role", list(Role))
def test_forms_that_are_whole_reach_no_door_beyond_the_role(own: Database, role: Role) -> None:
    """Every form that changes a door, filled in properly: only what the role carries, and there."""
    doors = Doors(own)
    for door in ("door1", "door2"):
        doors.say(door, "tamper", b"ON")
    with own.reading() as reading:
        raised = {row.device: row.id for row in reading.execute(select(alarms))}
    rights = Rights((Grant(role, 1),))
    browser = Browser(own)
    browser.login(f"{role.value} north")
    key = Ed25519PrivateKey.generate()
    browser.send("/account/keys", public=public_text(key), label="desk")
    for number, door in ((1, "door1"), (2, "door2")):
        text = TestCommands.signed(key, door)
        forms: list[tuple[Verb, str, dict[str, Any]]] = [
            (Verb.COMMAND, "/commands", {"text": text}),
            (Verb.SET_UP, f"/doors/{door}/set-up", {"name": f"{door} anew", "group": number}),
            (Verb.ACCEPT_LEDGER, f"/doors/{door}/accept", {"note": "a new card"}),
        ]
        for verb, path, fields in forms:
            done = browser.send(path, **fields).status_code == 303
            assert done is rights.may(verb, number), (path, role)
        browser.send("/alarms/acknowledge", alarm=str(raised[door]), note="seen")
    with own.reading() as reading:
        seen = select(alarms.c.device).where(alarms.c.acknowledged.is_not(None))
        acknowledged = set(reading.execute(seen).scalars())
    assert acknowledged == ({"door1"} if rights.may(Verb.ACKNOWLEDGE, 1) else set())


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000, "-1", "1e3", "\u0661"])
def test_a_number_that_is_none_is_refused(own: Database, number: str) -> None:
    browser = Browser(own)
    browser.login("administrator")
    assert browser.send("/alarms/acknowledge", alarm=number).status_code == 400
    assert browser.send("/setup/groups/remove", id=number).status_code == 400
    assert browser.send("/doors/door1/set-up", name="x", to_zone=number).status_code == 400


@pytest.mark.parametrize("field", ["group", "from_zone", "to_zone"])
def test_what_somebody_else_removed_meanwhile_is_said(own: Database, field: str) -> None:
    browser = Browser(own)
    browser.login("administrator")
    answer = browser.send("/doors/door1/set-up", name="x", **{field: "99"})
    assert answer.status_code == 400
    assert "load the page again" in answer.text


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.method == "POST"], ids=lambda e: e.path)
def test_a_form_without_its_word_does_nothing(shared: Database, entry: Entry) -> None:
    browser = Browser(shared)
    browser.login("administrator")
    csrf = browser.csrf()
    fields = {"name": "x", "note": "x", "person": "x", "alarm": "1", "id": "1", "day": "2026-01-01"}
    for wrong in ({}, {"csrf": ""}, {"csrf": "x" * 43}):
        answer = browser.http.post(path_of(entry), data={**fields, **wrong})
        assert answer.status_code == 403
    elsewhere = {"origin": "https://elsewhere.example"}
    for origin in (elsewhere, {"origin": "null"}):
        answer = browser.http.post(path_of(entry), data={**fields, "csrf": csrf}, headers=origin)
        assert answer.status_code == 403


def test_a_session_planted_before_the_login_is_worth_nothing(own: Database) -> None:
    attacker, victim = Browser(own), Browser(own)
    attacker.get("/login")
    planted = attacker.http.cookies[COOKIE]
    victim.http.cookies.set(COOKIE, planted)
    assert victim.login("viewer").status_code == 303
    assert victim.http.cookies.get(COOKIE, domain="testserver.local") != planted
    assert attacker.get("/").headers["location"] == "/login"
    with own.reading() as reading:
        assert planted not in str(reading.execute(select(sessions)).all())


def test_logging_out_ends_the_session_everywhere(own: Database) -> None:
    browser = Browser(own)
    browser.login("viewer")
    cookie = browser.http.cookies[COOKIE]
    assert browser.send("/logout").status_code == 303
    browser.http.cookies.set(COOKIE, cookie)
    assert browser.get("/").headers["location"] == "/login"


def test_guessing_passwords_ends_soon(own: Database) -> None:
    browser = Browser(own)
    answers = [browser.login("viewer", f"wrong {n}").status_code for n in range(7)]
    assert answers == [401] * 5 + [429] * 2
    assert browser.login("viewer").status_code == 429  # the right one too, for a while
    assert Browser(own).login("operator").status_code == 303  # others are not locked out
    assert audit(own).count(("viewer", "login", "refused")) == 8
    with own.writing() as writing:
        writing.execute(failures.update().values(at=time.time() - 1000))
    assert browser.login("viewer").status_code == 303


def test_nobody_guesses_the_old_password_of_a_page_left_open(own: Database) -> None:
    """Each guess keeps the collector from writing, too."""
    browser = Browser(own)
    browser.login("viewer")
    said = [browser.send("/account/password", old=f"wrong {n}", new="x" * 12) for n in range(6)]
    assert all(answer.status_code == 400 for answer in said)
    assert ["is another one" in answer.text for answer in said] == [True] * 5 + [False]
    assert "too often" in browser.send("/account/password", old=PASSWORD, new="x" * 12).text


def test_one_address_may_not_try_many_names(own: Database) -> None:
    browser = Browser(own)
    with own.writing() as writing:
        rows = [{"who": "address:testclient", "at": time.time()}] * 29
        writing.execute(failures.insert(), rows)
    assert browser.login("nobody").status_code == 401
    assert browser.login("somebody").status_code == 429


def test_strangers_write_nothing_however_many_forms_they_send(own: Database) -> None:
    with own.reading() as reading:
        before = latest_batch(reading)
    for entry in ENTRIES:
        if entry.method == "POST":
            assert Browser(own).http.post(path_of(entry)).headers["location"] == "/login"
    with own.reading() as reading:
        assert latest_batch(reading) == before


def test_the_audit_holds_what_every_database_takes(own: Database) -> None:
    """PostgreSQL knows no NUL in a text: whoever sent one would not stand in the audit."""
    browser = Browser(own)
    browser.login("viewer")
    assert browser.send("/doors/a%00b/set-up").status_code == 403
    with own.reading() as reading:
        targets = reading.execute(select(actions.c.target)).scalars().all()
    assert "POST /doors/a?b/set-up" in targets


def test_no_passkey_is_tried_without_end(own: Database) -> None:
    browser = Browser(own)
    word = browser.csrf("/login")
    answers = []
    for _ in range(MOST_BY_ADDRESS + 2):
        for _ in range(2):  # asked for twice, it is the same challenge, and written once
            browser.http.post("/login/passkey/offer", data={"csrf": word})
        fields = {"csrf": word, "credential": "{}"}
        answers.append(browser.http.post("/login/passkey", data=fields).status_code)
    assert answers == [401] * MOST_BY_ADDRESS + [429] * 2
    assert audit(own) == [("?", "login", "refused")] * MOST_BY_ADDRESS


def test_who_knocks_without_end_does_not_fill_the_audit(own: Database) -> None:
    browser = Browser(own)
    now = time.time()
    with own.writing() as writing:
        for _ in range(MOST_REFUSALS - 1):
            write_refusal(writing, now, Actor("x", "testclient"), "password")
    for _ in range(3):
        browser.login("viewer", "wrong")
    assert len(audit(own)) == MOST_REFUSALS
    browser.login("operator")
    assert len(audit(own)) == MOST_REFUSALS + 1  # who came in is always told of


def test_login_pages_are_not_given_out_without_end(own: Database) -> None:
    """Each is a row, and a write that the collector waits for."""
    now = time.time()
    with own.writing() as writing:
        for _ in range(MOST_VISITS - 1):
            begin(writing, None, "testclient", now)
    assert Browser(own).get("/login").status_code == 200
    assert Browser(own).get("/login").status_code == 429
    upkeep.forget(own, now + WINDOW_S, 30)
    assert Browser(own).get("/login").status_code == 429
    upkeep.forget(own, now + ANONYMOUS_S + 60, 30)
    with own.reading() as reading:
        assert reading.execute(select(sessions)).all() == []
    assert Browser(own).get("/login").status_code == 200


def test_what_was_written_while_the_clock_was_ahead_ends_when_it_is_right(own: Database) -> None:
    """A session went on for as long as the clock had been wrong, and nobody could log in anew."""
    now = time.time()
    later = now + 400 * 86400
    with own.writing() as writing:
        cookie = begin(writing, 1, "testclient", later)
        for _ in range(MOST_BY_NAME):
            trying(writing, "operator", "testclient", later)
        assert find(writing, cookie, later + 5) is not None
        assert too_many(writing, "operator", "testclient", later + 5)
        assert find(writing, cookie, now) is None
    assert Browser(own).login("operator").status_code == 303
    upkeep.forget(own, now, 30)
    with own.reading() as reading:
        assert [row.at for row in reading.execute(select(failures)) if row.at > now + 60] == []
        assert [row.seen for row in reading.execute(select(sessions)) if row.seen > now + 60] == []


NETWORK = "2001:db8:1:2"
"""What a subscriber has at least, to choose addresses in."""


def test_who_has_a_network_is_counted_as_one(own: Database) -> None:
    now = time.time()
    with own.writing() as writing:
        for number in range(MOST_VISITS - 1):
            begin(writing, None, f"{NETWORK}::{number:x}", now)
    assert Browser(own, address=f"{NETWORK}:a:b:c:d").get("/login").status_code == 200
    assert Browser(own, address=f"{NETWORK}:d:c:b:a").get("/login").status_code == 429
    assert Browser(own, address="2001:db8:1:3::1").get("/login").status_code == 200


def test_no_network_tries_without_end(own: Database) -> None:
    answers = [
        Browser(own, address=f"{NETWORK}::{number:x}").login(f"name{number}", "wrong").status_code
        for number in range(MOST_BY_ADDRESS + 1)
    ]
    assert answers == [401] * MOST_BY_ADDRESS + [429]
    with own.reading() as reading:
        told = reading.execute(select(actions.c.address)).scalars().all()
    assert {*told} == {f"{NETWORK}::/64"}
    with own.writing() as writing:
        for _ in range(MOST_REFUSALS):
            write_refusal(writing, time.time(), Actor("x", f"{NETWORK}::1"), "password")
    assert len(audit(own)) == MOST_REFUSALS


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_an_address_is_counted_as(address: str, network: str) -> None:
    assert network_of(address) == network


def test_an_unknown_name_is_told_as_a_wrong_password_is(own: Database) -> None:
    known, unknown = Browser(own).login("viewer", "wrong"), Browser(own).login("nobody", "wrong")

    def told(text: str) -> str:
        return text.partition('role="alert"')[2]

    assert known.status_code == unknown.status_code == 401
    assert told(known.text).partition("<")[0] == told(unknown.text).partition("<")[0]


def test_a_disabled_operator_is_out_at_once(own: Database) -> None:
    viewer, administrator = Browser(own), Browser(own)
    viewer.login("viewer")
    administrator.login("administrator")
    assert viewer.get("/").status_code == 200
    assert administrator.send("/operators/change", operator="1", task="disable").status_code == 303
    assert viewer.get("/").headers["location"] == "/login"
    assert viewer.login("viewer").status_code == 401


def test_a_password_that_an_administrator_sets_leaves_no_other_way_in(own: Database) -> None:
    """Whoever had a session for a minute could make a passkey, and had it for ever."""
    made = {"public": b"x", "counter": 0, "label": "telephone", "created": 1.0}
    with own.writing() as connection:
        rows = [{"id": b"1", "operator_id": 1, **made}, {"id": b"2", "operator_id": 2, **made}]
        connection.execute(insert(passkeys), rows)
    administrator = Browser(own)
    administrator.login("administrator")
    task = {"operator": "1", "task": "password", "password": "a long enough one"}
    assert administrator.send("/operators/change", **task).status_code == 303
    with own.reading() as connection:
        assert connection.execute(select(passkeys.c.operator_id)).scalars().all() == [2]


def test_headers_let_nothing_in_from_other_hosts(shared: Database) -> None:
    browser = Browser(shared, tls=True)
    login = browser.login("viewer")
    cookie = login.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "secure"))
    for path in ("/", "/login", "/nothing", "/static/style.css", "/static/live.js"):
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["strict-transport-security"].startswith("max-age=")
    assert browser.get("/").headers["cache-control"] == "no-store"


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE devices; --",
    "{{ 7 * 7 }}{% raw %}",
    "=HYPERLINK(1)",
    "\uff1dHYPERLINK(2);=3",
    "\u202eevil",
    "a\x00b",
    "\ud800",
)


def test_names_stay_text(own: Database) -> None:
    """Script, SQL and templates in names are shown as they are."""
    doors = Doors(own)
    doors.happen([an_event("door1", person=name) for name in HOSTILE])
    doors.happen([an_event("door1", Reason.ENROLLED, person=name) for name in HOSTILE])
    doors.say("door1", "reported", json.dumps({"version": HOSTILE[0], HOSTILE[1]: 1}).encode())
    browser = Browser(own)
    browser.login("administrator")
    for name in HOSTILE[:6]:
        assert browser.send("/setup/groups", name=name).status_code == 303
        assert browser.send("/doors/door1/set-up", name=name).status_code == 303
    for page in (
        "/",
        "/doors/door1",
        "/history",
        "/attendance",
        "/access",
        "/setup",
        "/audit",
        "/health",
    ):
        answer = browser.get(page)
        assert answer.status_code == 200
        for live in ("<script>alert", "<img src=x"):
            assert live not in answer.text, page
    assert "{{ 7 * 7 }}" in browser.get("/history").text
    table = browser.get("/history.csv").text
    assert "'=HYPERLINK(1)" in table
    assert """ "'\uff1dHYPERLINK(2);=3" """.strip() in table  # and `;` parts no columns
    with own.reading() as reading:
        assert len(reading.execute(select(devices)).all()) == 2


@given(name=st.text(max_size=90), door=st.text(max_size=70))
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_text_breaks_a_page(shared: Database, name: str, door: str) -> None:
    browser = LOGGED_IN.get("browser") or _logged_in(shared)
    for query in (
        {"person": name},
        {"door": door},
        {"find": name},
        {"before": name},
        {"group": door},
    ):
        for page in ("/", "/history"):
            answer = browser.http.get(page, params=query)
            assert answer.status_code in {200, 400}
    fields = {"csrf": LOGGED_IN["csrf"], "name": name, "day": door, "person": name, "alarm": door}
    for form in ("/setup/zones", "/setup/holidays", "/muster/outside", "/alarms/acknowledge"):
        assert browser.http.post(form, data=fields).status_code in {303, 400}


LOGGED_IN: dict[str, Any] = {}


def _logged_in(database: Database) -> Browser:
    browser = Browser(database)
    browser.login("administrator")
    LOGGED_IN.update(browser=browser, csrf=browser.csrf())
    return browser


class TestCommands:
    @pytest.fixture
    def operator(self, own: Database) -> Browser:
        browser = Browser(own)
        browser.login("operator")
        return browser

    @pytest.fixture
    def key(self, operator: Browser) -> Ed25519PrivateKey:
        made = Ed25519PrivateKey.generate()
        answer = operator.send("/account/keys", public=public_text(made), label="desk")
        assert answer.status_code == 303
        return made

    @staticmethod
    def signed(
        key: Ed25519PrivateKey,
        device: str = "door1",
        action: Action = Action.UNLOCK,
        reason: str = "parcel",
    ) -> str:
        now = time.time()
        nonce, counter = secrets.token_hex(16), int(now * 1000)
        return sign_command(key, device, action, counter, int(now), nonce, reason=reason)

    @staticmethod
    def queued(database: Database) -> list[tuple[str, str, str]]:
        with database.reading() as reading:
            rows = reading.execute(select(commands))
            return [(row.device, row.action, row.reason) for row in rows]

    def test_a_signed_command_with_a_reason_is_passed_on(
        self, own: Database, operator: Browser, key: Ed25519PrivateKey
    ) -> None:
        text = self.signed(key)
        assert operator.send("/commands", text=text).status_code == 303
        assert self.queued(own) == [("door1", "unlock", "parcel")]
        assert ("operator", "command", "parcel") in audit(own)
        assert operator.send("/commands", text=text).status_code == 400

    def test_what_is_not_signed_by_ones_own_key_is_not_passed_on(
        self, own: Database, operator: Browser, key: Ed25519PrivateKey
    ) -> None:
        text = self.signed(key)
        stranger = self.signed(Ed25519PrivateKey.generate())
        half = '{"device": "\\ud800"}'
        for bad in (
            stranger,
            text.replace("door1", "door2"),
            text[:-5],
            half,
            "{}",
            "[]",
            "unlock",
        ):
            assert operator.send("/commands", text=bad).status_code in {400, 404}
        assert operator.send("/commands", text=self.signed(key, reason=" ")).status_code == 400
        other = Browser(own)
        other.login("administrator")
        assert other.send("/commands", text=text).status_code == 400
        assert self.queued(own) == []

    def test_a_lock_down_leaves_the_ways_out_alone(
        self, own: Database, operator: Browser, key: Ed25519PrivateKey
    ) -> None:
        with own.writing() as writing:
            out = {"from_zone": 1, "to_zone": None}
            writing.execute(devices.update().where(devices.c.id == "door2").values(**out))
        down = Action.LOCK_DOWN
        texts = [self.signed(key, door, down, "alarm") for door in ("door1", "door2")]
        answer = operator.send("/commands", text=texts)
        assert answer.status_code == 400
        assert "lock somebody in" in answer.text
        assert self.queued(own) == []  # all or none
        page = operator.get("/lockdown").text
        assert 'data-device="door1"' in page
        assert 'data-device="door2"' not in page
        assert operator.send("/commands", text=texts[0]).status_code == 303
        assert self.queued(own) == [("door1", "lock_down", "alarm")]


def test_a_stolen_dashboard_holds_nothing_that_opens_a_door(own: Database) -> None:
    """All that its database holds, against a door's own check: nothing is followed."""
    key = Ed25519PrivateKey.generate()
    browser = Browser(own)
    browser.login("operator")
    browser.send("/account/keys", public=public_text(key), label="desk")
    browser.send("/commands", text=TestCommands.signed(key))
    with own.reading() as reading:
        held = "\n".join(
            str(reading.exec_driver_sql(f"SELECT * FROM {name}").fetchall())
            for (name,) in reading.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall()
        )
    private = key.private_bytes_raw()
    assert private.hex() not in held
    assert str(private) not in held
    assert PASSWORD not in held
    assert browser.http.cookies[COOKIE] not in held


def test_a_password_costs_what_it_should() -> None:
    """OWASP's floor for argon2id is 19 MiB and two passes."""
    strength = extract_parameters(PasswordHasher().hash("x"))
    assert strength.memory_cost >= 19 * 1024
    assert strength.time_cost >= 2
    assert strength.type is Type.ID
    assert extract_parameters(passwords._NOBODY) == strength, "a name that nobody has would show"


def test_every_verb_is_asked_for_by_some_entry_or_door_page() -> None:
    waiting = {Verb.ENROL}  # people from the centre
    assert {entry.verb for entry in ENTRIES} == set(Verb) - waiting


@pytest.mark.parametrize(
    "address",
    [
        f"/history?before=1/door1/{'9' * 30}/1",
        f"/history?before=1/door1/1/{'9' * 30}",
        "/history?before=1/door1/1/²",
        "/attendance?from=9999-12-31&to=9999-12-31",
        "/attendance.csv?from=9999-12-31&to=9999-12-31",
    ],
)
def test_an_address_beyond_all_numbers_and_days_is_refused(shared: Database, address: str) -> None:
    browser = Browser(shared)
    browser.login("administrator")
    assert browser.get(address).status_code == 400


class TestPatience:
    """Who is not logged in takes neither connections nor memory for long."""

    @pytest.fixture
    def served(self, own: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
        monkeypatch.setattr("edge.fleet.web.patience.REQUEST_S", 0.2)
        monkeypatch.setattr("edge.fleet.web.request.FORM_S", 0.2)
        running = Served(own)
        yield running
        running.close()

    @staticmethod
    def answer(served: Served, said: bytes) -> bytes:
        """What comes back before the host ends the connection."""
        port = int(served.address.rpartition(":")[2])
        with socket.create_connection(("localhost", port), 10) as connection:
            connection.sendall(said)
            found = b""
            while more := connection.recv(4096):
                found += more
        return found

    def test_headers_that_never_end(self, served: Served) -> None:
        assert self.answer(served, b"") == b""
        assert self.answer(served, b"GET /login HTTP/1.1\r\nHost: a\r\n") == b""
        first = b"GET /alive HTTP/1.1\r\nHost: a\r\n\r\n"
        assert self.answer(served, first + b"GET /").endswith(b"ok")

    def test_a_form_that_never_ends(self, served: Served) -> None:
        head = b"POST /login HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 99\r\n\r\n"
        assert self.answer(served, head + b"name=").startswith(b"HTTP/1.1 408")

    def test_a_stream_of_news_lasts(self, served: Served) -> None:
        browser = Browser(served.database)
        browser.login("viewer")
        cookie = f"{COOKIE}={browser.http.cookies[COOKIE]}"
        port = int(served.address.rpartition(":")[2])
        ask = f"GET /live HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n"
        with socket.create_connection(("localhost", port), 10) as connection:
            connection.sendall(ask.encode())
            said = connection.recv(4096)
            assert said.startswith(b"HTTP/1.1 200")
            time.sleep(0.4)  # longer than a request may take
            served.doors.happen([an_event("door1", person="Ada")])
            while b"Ada" not in said:
                more = connection.recv(4096)
                assert more
                said += more

    def test_a_stream_ends_with_its_session_while_much_happens(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("edge.fleet.web.live.PING_S", 0.1)
        browser = Browser(served.database)
        browser.login("viewer")
        cookie = f"{COOKIE}={browser.http.cookies[COOKIE]}"
        with httpx.stream("GET", f"{served.address}/live", headers={"Cookie": cookie}) as answer:
            lines = answer.iter_lines()
            next(lines)
            with served.database.writing() as writing:
                writing.execute(delete(sessions))
            for _, number in zip(lines, range(1000), strict=False):
                assert number < 900, "the stream goes on without a session"
                served.doors.happen([an_event("door1", person="Ada")])

    def test_forms_that_are_none(self, own: Database) -> None:
        browser = Browser(own)
        for content, status in (
            (b"name=" + b"x" * 2_000_000, 413),
            (b"a=1&" * 5000, 400),
            (b"\xff\xfe", 400),
            (b"csrf=%ff%00", 403),
        ):
            assert browser.http.post("/login", content=content).status_code == status
