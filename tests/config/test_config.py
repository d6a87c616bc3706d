"""One file, every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import Config, load, parse
from edge.config.example import example
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


def test_sections_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Config().door.pulse_s = 60  # type: ignore[misc]


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not exist\. Copy deploy/edge-door\.example\.toml"):
        load(tmp_path / "none.toml")


def test_what_is_not_toml_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[door\n")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load(tmp_path / "c.toml")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "c.toml")


def test_the_shipped_example_is_current_and_equals_the_defaults() -> None:
    assert SHIPPED.read_text(encoding="utf-8") == example(), (
        "regenerate: edge-door config --example > deploy/edge-door.example.toml"
    )
    assert load(SHIPPED) == Config()
