"""Defaults stand in the configuration, and nowhere a second time."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from edge.config import Config
from edge.config.section import Section
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

TELLING = (int, float, str)
"""Kinds of defaults that are no coincidence; neither is true or false, 0 or 1."""


def defaults(section: Section) -> Iterator[tuple[str, object]]:
    """Every key's name and what it is where nothing is said."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from defaults(value)
        elif isinstance(value, TELLING) and value not in (0, 1, "", True, False):
            yield name, value


def stated(tree: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    """What a parameter or a field of a class is where nothing is said."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            some = [*node.posonlyargs, *node.args]
            yield from zip((each.arg for each in some[::-1]), node.defaults[::-1], strict=False)
            yield from zip((each.arg for each in node.kwonlyargs), node.kw_defaults, strict=True)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node.value


def again(text: str) -> set[str]:
    """The keys of the configuration whose default a program states once more."""
    known = set(defaults(Config()))
    return {
        name
        for name, value in stated(ast.parse(text))
        if isinstance(value, ast.Constant) and (name, value.value) in known
    }


def test_no_program_states_a_default_of_the_configuration_again() -> None:
    files = [
        path
        for path in (ROOT / "edge").rglob("*.py")
        # What was tuned is no default, though it have its name and number.
        if "config" not in path.parts and path.name != "limits.py"
    ]
    found = {str(path.relative_to(ROOT)): again(path.read_text("utf-8")) for path in files}
    assert not {name: keys for name, keys in found.items() if keys}
    assert len(files) > 300


def test_one_that_does_is_found() -> None:
    assert again("def f(x, held_open_s: float = 30.0): ...") == {"held_open_s"}
    assert again("def f(*, chip='/dev/gpiochip0'): ...") == {"chip"}
    assert again("class Rules:\n pulse_s: float = 3.0") == {"pulse_s"}
    assert again("def f(pulse_s: float = 0.5, held_open_s=None): ...") == set()
