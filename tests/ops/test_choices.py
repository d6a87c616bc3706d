"""doctor on settings that are allowed and weaken a door: each is told, and no default is."""

from __future__ import annotations

from typing import Any

import pytest

from edge.config import parse
from edge.ops.doctor.choices import choices

FAR = {"host": "broker.local"}


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"access": {"pin_alone": ["*"]}}, "opens without a face"),
        ({"access": {"always_open": ["always"]}}, "never locked"),
        ({"match": {"false_match_rate": 0.01}}, "one stranger in 100 is let in"),
        ({"door": {"lock": "maglock", "relay_contact": "NO"}}, "a crash of the guard opens"),
        ({"mqtt": {**FAR, "trust_broker": True}}, "PINs that open cross the network readable"),
        ({"mqtt": {**FAR, "username": "me"}}, "the password crosses the network readable"),
    ],
)
def test_a_setting_that_weakens_the_door_is_told(tables: dict[str, Any], said: str) -> None:
    found = choices(parse(tables, "test"))
    assert found.level == "warn"
    assert said in found.sentence


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"access": {"pin_alone": ["Anna"], "always_open": ["mon-fri 9:00-17:00"]}},
        {"door": {"lock": "maglock"}},
        {"mqtt": {**FAR, "tls": True, "trust_broker": True, "username": "me"}},
        {"mqtt": {"host": "localhost", "username": "me"}},
        {"mqtt": {"host": "127.0.0.2", "username": "me"}},
    ],
)
def test_what_is_as_strong_as_the_defaults_is_well(tables: dict[str, Any]) -> None:
    assert choices(parse(tables, "test")).level == "ok"
