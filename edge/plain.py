"""Plain JSON: its one canonical spelling, and values of a stated type from what others wrote.

A format is stated once, as a frozen dataclass: its fields' types say what may stand there.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_LARGEST = 2**63 - 1
"""Of whole numbers what every database keeps, and what can be reckoned with in fractions too."""

_WORDS: dict[object, str] = {
    str: "text",
    float: "a finite number",
    int: "a whole number",
    bool: "true or false",
}


def spell(value: object) -> str:
    """What is hashed and signed: compact ASCII, sorted keys, finite numbers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def read(kind: type[T], value: object, name: str = "it") -> T:
    """`value`, as `json.loads` gave it, as the type `kind`.

    A type is text, a number, a boolean, an enum (by its value), a dataclass, a tuple, list or
    mapping of such, or a union of them. Fields that a dataclass does not have are left out.

    Raises:
        ValueError: it is of another type, or a field is missing; `name` says in the message what.
    """
    return cast("T", _read(kind, value, name))


def _read(kind: object, value: object, name: str) -> object:
    if isinstance(kind, type) and issubclass(kind, Enum):
        words = [str(each.value) for each in kind]
        if value not in words:
            raise ValueError(f"{name} is one of {', '.join(words)}")
        return kind(value)
    if kind is float:
        return _finite(value, name)
    if type(value) is kind:  # a bool is an int to isinstance
        if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
            raise ValueError(f"{name} is larger than any number that is kept")
        return value
    if isinstance(kind, type) and is_dataclass(kind) and isinstance(value, Mapping):
        return _build(kind, value)
    return _read_many(kind, value, name)


def _finite(value: object, name: str) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):  # JSON knows whole numbers of any size
            if math.isfinite(value):
                return value  # whole as it came: what was signed must be spelled so again
    raise _another(float, name)


def _build(kind: type, body: Mapping[str, object]) -> object:
    values: dict[str, object] = {}
    for name, (each, hint) in _shape(kind).items():
        if name in body:
            values[name] = _read(hint, body[name], name)
        elif each.default is MISSING and each.default_factory is MISSING:
            raise ValueError(f"{name} is missing")
    make: Callable[..., object] = kind
    return make(**values)


@cache
def _shape(kind: type) -> dict[str, tuple[Field[object], object]]:
    hints = get_type_hints(kind)
    return {each.name: (each, hints[each.name]) for each in fields(kind)}


def _read_many(kind: object, value: object, name: str) -> object:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return _read_one_of(inner, value, name)
    if origin in (tuple, list) and isinstance(value, list):
        items = [_read(inner[0], each, name) for each in value]
        return tuple(items) if origin is tuple else items
    if origin in (Mapping, dict) and isinstance(value, dict):
        return {key: _read(inner[1], each, name) for key, each in value.items()}
    raise _another(kind, name)


def _read_one_of(kinds: tuple[object, ...], value: object, name: str) -> object:
    left = [each for each in kinds if each is not NoneType or value is None]
    if len(left) == 1:
        return _read(left[0], value, name)  # whose message says more
    for each in left:
        with suppress(ValueError):
            return _read(each, value, name)
    raise _another(None, name)


def _another(kind: object, name: str) -> ValueError:
    return ValueError(f"{name} is not {_WORDS.get(kind, 'of the right kind')}")
