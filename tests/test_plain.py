"""Values of a stated type from JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import Enum

import pytest

from edge import plain


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Point:
    x: float
    y: float = 0.0


@dataclass(frozen=True)
class Drawing:
    name: str
    colour: Colour
    points: tuple[Point, ...] = ()
    by_name: dict[str, Point] = field(default_factory=dict)
    title: str | None = None
    copies: int = 1
    framed: bool = False


def drawing(**changes: object) -> Drawing:
    return plain.read(Drawing, {"name": "a", "colour": "red"} | changes, "the drawing")


def test_what_was_written_comes_back() -> None:
    drawn = Drawing("a", Colour.BLUE, (Point(1.5), Point(2, 3)), {"p": Point(0.0)}, "t", 2, True)
    assert plain.read(Drawing, json.loads(json.dumps(asdict(drawn)))) == drawn
    assert drawing() == Drawing("a", Colour.RED)
    assert drawing(unknown=1) == drawing()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": 7}, "name is not text"),
        ({"colour": "green"}, "colour is one of red, blue"),
        ({"points": [{"y": 1}]}, "x is missing"),
        ({"points": {}}, "points is not"),
        ({"by_name": {"p": 1}}, "by_name is not"),
        ({"title": 3}, "title is not"),
        ({"copies": True}, "copies is not a whole number"),
        ({"copies": 1.5}, "copies is not a whole number"),
        ({"copies": 2**63}, "copies is larger than any number that is kept"),
        ({"framed": 1}, "framed is not true or false"),
        ({"points": [{"x": float("nan")}]}, "x is not a finite number"),
        ({"points": [{"x": 10**400}]}, "x is not a finite number"),
        ({"points": [{"x": True}]}, "x is not a finite number"),
    ],
)
def test_another_kind_is_named(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        drawing(**changes)


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_what_is_no_object_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="the drawing is not"):
        plain.read(Drawing, value, "the drawing")


def test_a_number_stays_as_it_was_spelled() -> None:
    text = '{"x":5,"y":5.0}'
    assert plain.spell(asdict(plain.read(Point, json.loads(text)))) == text


def test_one_spelling() -> None:
    assert plain.spell({"b": [1, 2.5], "a": "ü"}) == '{"a":"\\u00fc","b":[1,2.5]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        plain.spell(float("nan"))
