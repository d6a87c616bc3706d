"""The example file: every key with its default and what it means; and what differs from it."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from edge.config import Config
from edge.config.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_HEAD = """\
# edge-door's configuration: every key with its default. Keys without one are commented out.
# Copy to /etc/edge-door/edge-door.toml and change what differs; what is left out keeps its default.
# This file is written by `edge-door config --example`.
"""


def example() -> str:
    """The file's text."""
    return _HEAD + "".join(_tables("", Config()))


def differing(config: Config) -> list[str]:
    """A line for each key whose value is not its default, with its section before it."""
    return list(_differing("", config, Config()))


def _differing(prefix: str, section: Section, usual: Section) -> Iterator[str]:
    for name in type(section).model_fields:
        value, default = getattr(section, name), getattr(usual, name)
        if isinstance(value, Section):
            yield from _differing(f"{prefix}{name}.", value, default)
        elif value != default:
            yield f"{prefix}{name} = {_toml(value)}"


def _tables(prefix: str, section: Section) -> list[str]:
    """A section's own keys, then its sections."""
    own, inner = [], []
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        path = f"{prefix}{name}"
        if isinstance(value, Section):
            doc = (type(value).__doc__ or "").strip()
            inner.append(f"\n{_comment(doc)}[{path}]\n")
            inner += _tables(f"{path}.", value)
        else:
            own.append(_comment(field.description or "") + _assignment(name, value, field))
    return own + inner


def _assignment(name: str, value: object, field: FieldInfo) -> str:
    if value is None:
        return f"# {name} = {_placeholder(field)}\n"
    return f"{name} = {_toml(value)}\n"


def _placeholder(field: FieldInfo) -> str:
    """A value of the right kind for a key that has no default."""
    return "0" if "int" in str(field.annotation) else '""'


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Enum):
        return _toml(value.value)
    if isinstance(value, str | Path):
        return json.dumps(str(value), ensure_ascii=False)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml(k)} = {_toml(v)}" for k, v in value.items()) + "}"
    return repr(value)


def _comment(text: str) -> str:
    return "".join(f"# {line.strip()}\n" for line in text.splitlines() if line.strip())
