"""A door that was broken into says what no page and no calendar takes: the others go on."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from edge.fleet.collector import upkeep
from edge.ledger.chain import chained, encode, genesis
from tests.fleet.site import Browser, Doors, an_event

if TYPE_CHECKING:
    from edge.fleet.database.database import Database

DEEP = b"[" * 900 + b"]" * 900


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("metrics", b'{"fps": NaN, "decision_ms": Infinity, "temperature_c": -Infinity}'),
        ("metrics", b'{"fps": 1' + b"0" * 4000 + b"}"),
        ("reported", b'{"version": "\\ud800", "model": "\\udfff", "\\ud800": 1}'),
        ("reported", b'{"temperature_c": NaN, "certificate_ends": NaN, "outbox_depth": 1e999}'),
        ("reported", b'{"certificate_ends": 1e14, "outbox_depth": 1e14, "outbox_capacity": -1e14}'),
        ("reported", b'{"certificate_ends": -1e14, "temperature_c": "hot", "version": {"a": 1}}'),
        ("reported", b'{"version": ' + DEEP + b"}"),
        ("event", {"similarity": float("nan"), "threshold": float("inf")}),
        ("event", {"similarity": 10**400, "before": "\ud800"}),
        ("event", ["no", "object"]),
    ],
)
def test_no_door_can_break_the_page_of_all(own: Database, topic: str, payload: object) -> None:
    """Nor end the collector, by what JSON and a calendar do not take."""
    doors = Doors(own)
    if topic == "event":
        fields = {**json.loads(encode(an_event("door1"))), "detail": payload}
        body = json.dumps(fields, sort_keys=True, separators=(",", ":"))
        chain = chained(genesis("door1"), 1, "boot", body)
        said = {"seq": 1, "boot": "boot", "body": body, "chain": chain}
        doors.say("door1", "event", json.dumps(said).encode())
    else:
        assert isinstance(payload, bytes)
        doors.say("door1", topic, payload)
        doors.say("door1", "metrics", b'{"cpu": 1}') if topic == "reported" else None
    upkeep.look_round(own, time.time())
    browser = Browser(own)
    browser.login("administrator")
    for page in ("/", "/doors/door1", "/health", "/history", "/history.csv", "/charts/data"):
        assert browser.get(page).status_code == 200, page
