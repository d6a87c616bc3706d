"""One file, every mistake at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.config import Config, load, parse, read_config
from edge.config.example import differing, example
from edge.config.section import Section
from edge.errors import ConfigError

SHIPPED = Path(__file__).parents[2] / "deploy" / "edge-door.example.toml"


def mistakes(data: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(data, "door.toml")
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_an_empty_file_is_valid(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("")
    assert load(tmp_path / "c.toml") == Config()


def test_all_mistakes_are_told_at_once_with_key_and_range() -> None:
    text = mistakes({"device": {"id": "a/b"}, "door": {"pulse_s": 99}, "camera": {"rotate": 45}})
    assert "door.toml has 3 mistakes" in text
    assert "device.id = 'a/b'" in text
    assert "door.pulse_s = 99: must be less than or equal to 30" in text
    assert "camera.rotate = 45" in text


@pytest.mark.parametrize(
    ("data", "meant"),
    [
        ({"dor": {}}, "Did you mean `door`?"),
        ({"door": {"relay_pni": 17}}, "door.relay_pni: there is no such key. Did you mean `relay"),
        ({"mqtt": {"hots": "x"}}, "Did you mean `host`?"),
    ],
)
def test_a_mistyped_key_gets_a_suggestion(data: dict[str, object], meant: str) -> None:
    assert meant in mistakes(data)


def test_an_unknown_key_far_from_all_lists_what_is_allowed() -> None:
    assert "Allowed here: id, name" in mistakes({"device": {"qqqq": 1}})


KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
RESPELT = f"{KEY[:-2]}p="
"""The same key: base64 leaves its last two bits unused."""


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            {"access": {"schedule": {"Anna": ["mon 8-9"]}}},
            "schedule.Anna = ['mon 8-9']: 'mon 8-9' is not like",
        ),
        (
            {"access": {"schedule": {"Anna": "mon-fri 08:00-17:00"}}},
            "schedule.Anna = 'mon-fri 08:00-17:00': must be a list, in brackets: [...]",
        ),
        ({"mqtt": {"port": "1883"}}, "mqtt.port = '1883': must be a whole number."),
        ({"door": {"relay_pin": True}}, "door.relay_pin = True: must be a whole number."),
        ({"door": {"pulse_s": "3"}}, "door.pulse_s = '3': must be a number, without quotes."),
        ({"camera": {"source": 0}}, 'source = 0: must be a text, in quotes (")'),
        ({"access": {"always_open": ["soon"]}}, "always_open = ['soon']: 'soon' is not like"),
        ({"access": {"time_zone": "Mars/Olympus"}}, "there is no time zone 'Mars/Olympus'"),
        ({"mqtt": {"two_persons": ["unlock"]}}, "two_persons names what neither"),
        ({"paths": {"state": "/var/\0"}}, "paths.state = '/var/\\x00': holds a control character"),
        ({"access": {"pin_alone": ["Anna\n"]}}, "holds a control character"),
        ({"quality": {"min_sharpness": float("inf")}}, "must be a finite number"),
        ({"device": {"name": "  "}}, "use characters that show"),
        ({"device": {"name": "Front\u202edoor"}}, "use characters that show"),
        ({"mqtt": {"command_keys": ["x"]}}, "is not base64"),
        ({"people": {"keys": [KEY, RESPELT], "signatures": 2}}, "spelled otherwise than base64"),
        ({"mqtt": {"command_keys": [KEY[4:]]}}, "an Ed25519 public key has 32"),
        ({"mqtt": {"host": "mqtt://broker"}}, "a name or an address alone"),
        ({"mqtt": {"host": "broker:1883"}}, "without port"),
        ({"paths": {"state": "~/door"}}, "paths.state = '~/door': must be an absolute path"),
        ({"mqtt": {"ca_file": ""}}, "must be an absolute path"),
        ({"access": {"schedule": "daily"}}, "must be a table, in braces: {...}."),
        ({"door": 3}, "door = 3: must be a table, in braces: {...}."),
        ({"camera": {"source": ["rtsp://a:b@c"]}}, "source = ['rtsp://c']: must be a text"),
        ({"mqtt": {"password_file": "/x"}}, "password_file means nothing without username"),
        ({"mqtt": {"tls": True, "cert_file": "/x"}}, "cert_file and key_file go together"),
        ({"people": {"keys": ["abc"]}}, "people.keys.0 = 'abc': is not base64"),
        ({"people": {"keys": [KEY, KEY], "signatures": 2}}, "2 of 1 different keys"),
        ({"quality": {"min_brightness": 200, "max_brightness": 100}}, "no face is ever right"),
        ({"access": {"lockout_s": 1800}}, "lockout_s is above lockout_max_s"),
        ({"camera": {"source": "/dev/video0", "second": "/dev/video0"}}, "the same camera"),
        ({"mqtt": {"ca_file": "/x"}}, "mean nothing without tls"),
        ({"paths": {"run": "/run/" + "long/" * 20}}, "too long for a socket"),
    ],
)
def test_what_would_not_start_is_not_valid(data: dict[str, object], sentence: str) -> None:
    assert sentence in mistakes(data)


def test_no_mistake_of_a_key_hides_that_of_another() -> None:
    access: dict[str, object] = {
        "schedule": {"Anna": ["mon 8-9"], "Bo": ["never"]},
        "always_open": ["soon"],
        "time_zone": "Europe/Berln",
        "lockout_s": 0,
    }
    mqtt = {"tls": "yes", "discovery": 1, "host": "mqtt://broker", "port": 0}
    door = {"relay_active_high": "false"}
    said = mistakes({"access": access, "mqtt": mqtt, "door": door})
    assert "has 10 mistakes" in said
    assert "access.time_zone = 'Europe/Berln': there is no time zone" in said
    assert "access.schedule.Bo = ['never']: 'never' is not like" in said
    assert "mqtt.tls = 'yes': must be true or false." in said
    assert "mqtt.discovery = 1: must be true or false." in said


def test_rules_for_people_whom_nobody_is_are_a_mistake() -> None:
    data = {"schedule": {"Anna ": ["always"]}, "pin_alone": ["*", "Bo"]}
    access = parse({"access": data}, "door.toml").access
    access.require_known([])  # the first ones are still to come
    access.require_known(["anna", "BO"])
    with pytest.raises(ConfigError, match=r"names Bo, but nobody .* \(enrolled: Anna\)"):
        access.require_known(["Anna"])


def test_no_camera_password_is_shown() -> None:
    section = parse({"camera": {"source": "rtsp://me:Secret@h/x?token=Secret"}}, "test").camera
    assert section.shown == "rtsp://h/x"


def test_what_is_in_force_is_what_differs_from_the_defaults() -> None:
    changed = {"camera": {"source": "video.mp4"}, "access": {"schedule": {"*": ["always"]}}}
    door = {"contact": {"pin": 5}, "pulse_s": 3.0}  # the latter is the default
    assert differing(parse({**changed, "door": door}, "test")) == [
        'camera.source = "video.mp4"',
        'access.schedule = {"*" = ["always"]}',
        "door.contact.pin = 5",
    ]
    assert differing(Config()) == []


def test_config_shows_it_and_no_camera_password(tmp_path: Path) -> None:
    file = tmp_path / "door.toml"
    file.write_text('[camera]\nsource = "rtsp://me:Secret@a/x"\nsecond = "rtsp://me:Secret@b/x"\n')
    said = CliRunner().invoke(app, ["config", "--config", str(file)]).stdout
    assert f"{file} is valid. In force beside the defaults:" in said
    assert 'camera.source = "rtsp://a/x"' in said
    machine = CliRunner().invoke(app, ["config", "--config", str(file), "--json"]).stdout
    assert "Secret" not in said + machine


def test_sections_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().door.pulse_s = 60  # type: ignore[misc]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist\. Copy deploy/edge-door\.example\.toml"):
        load(tmp_path / "none.toml")


@pytest.mark.parametrize("left", ["", "\n\n", "# edge-door's configuration\n"])
def test_a_door_does_not_start_on_a_file_that_was_emptied(tmp_path: Path, left: str) -> None:
    """Everybody enrolled could pass at all hours, and the exit button had no line."""
    path = tmp_path / "c.toml"
    path.write_text(left)
    with pytest.raises(ConfigError, match="says nothing"):
        read_config(path, required=True)
    assert read_config(path) == Config()
    asked = CliRunner().invoke(app, ["doctor", "--config", str(path)])  # it found nothing amiss
    assert "says nothing" in str(asked.exception)
    path.write_text("[door]\n")
    assert read_config(path, required=True) == Config()


def test_what_is_not_toml_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[door\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(tmp_path / "c.toml")
    (tmp_path / "c.toml").write_bytes(b"\n\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"cannot be read.*line 2.*Save it as UTF-8"):
        load(tmp_path / "c.toml")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("host = homeassistant.local", r"line 2.*Mend `host`: a text stands in straight quotes"),
        ('host = "a"\nhost = "b"', r"line 3.*\. `host` stands there twice: take one of them out"),
        ("host = “broker”", "Mend `host`"),
        ("host = broker:geheim", r"^(?!.*geheim)"),
        ("mqtt:", r"column \d+\)$"),
    ],
)
def test_a_line_that_is_not_toml_is_named_by_its_key(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "c.toml").write_text(f"[mqtt]\n{line}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load(tmp_path / "c.toml")


def test_a_folder_is_called_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: it is a folder"):
        load(tmp_path)


def test_a_file_as_windows_saves_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_bytes('\ufeff[device]\r\nname = "Haustür"\r\n'.encode())
    assert load(tmp_path / "c.toml").device.name == "Haustür"


def test_what_differs_is_shown_as_it_was_written() -> None:
    hours = {"schedule": {"Jürg": ["always"]}}
    assert differing(parse({"device": {"name": "Haustür"}, "access": hours}, "x")) == [
        'device.name = "Haustür"',
        'access.schedule = {"Jürg" = ["always"]}',
    ]


def test_the_shipped_example_is_current_and_equals_the_defaults() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == example(), (
        "regenerate: edge-door config --example > deploy/edge-door.example.toml"
    )
    assert load(SHIPPED) == Config()


def numbers(section: type[Section], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys that hold a number, or some."""
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield from numbers(kind, (*path, name))
        elif re.search(r"\b(int|float)\b", str(kind)):
            yield (*path, name)


@pytest.mark.parametrize("given", ["8", True, ["8"], [True]], ids=str)
def test_a_number_is_written_as_one(given: object) -> None:
    paths = list(numbers(Config))
    assert len(paths) > 50
    for path in paths:
        data: dict[str, object] = {path[-1]: given}
        for name in reversed(path[:-1]):
            data = {name: data}
        assert ".".join(path) in mistakes(data)
