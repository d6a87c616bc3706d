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
        ({"access": {"always_open": ["mon-sat 0:00-24:00", "sun 0:00-24:00"]}}, "never locked"),
        ({"access": {"max_failures": 20}}, "access.max_failures = 20, by default 5"),
        ({"access": {"lockout_s": 1}}, "access.lockout_s = 1, by default 30"),
        ({"quality": {"min_sharpness": 0}}, "quality.min_sharpness = 0, by default 8"),
        ({"liveness": {"level": "blink"}}, "a film of somebody opens"),
        ({"match": {"false_match_rate": 1e-4}}, "one stranger in 10000 is let in"),
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
        {"access": {"max_failures": 3, "lockout_s": 60}, "quality": {"min_face_px": 80}},
        {"mqtt": {**FAR, "tls": True, "trust_broker": True, "username": "me"}},
        {"mqtt": {"host": "localhost", "username": "me"}},
        {"mqtt": {"host": "127.0.0.2", "username": "me"}},
    ],
)
def test_what_is_as_strong_as_the_defaults_is_well(tables: dict[str, Any]) -> None:
    assert choices(parse(tables, "test")).level == "ok"


def test_what_opens_besides_a_face_is_said_all_the_same() -> None:
    access = {"pin_alone": ["Anna"], "always_open": ["mon-fri 9:00-17:00"]}
    mqtt = {**FAR, "tls": True, "trust_broker": True, "remote_unlock": True}
    said = choices(parse({"access": access, "mqtt": mqtt}, "test")).sentence
    for each in ("Anna may pass with a PIN", "stands open", "over the broker", "signed commands"):
        assert each in said
