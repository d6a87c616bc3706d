"""A newcomer, and all that they type."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.first_hours.pages import commands
from tests.first_hours.steps import Step

LONG = "it takes hours, and is the tests themselves"


@dataclass(frozen=True, slots=True)
class Hour:
    """Who types, and what they read."""

    name: str
    user: str
    pages: tuple[str, ...]
    folder: str = "/home/newcomer/edge-door"
    packages: tuple[str, ...] = ()
    """What their machine has besides."""
    but: tuple[Step, ...] = ()
    """Commands that cannot be typed as they stand, or that do not end with 0."""

    again: frozenset[str] = frozenset()
    """What is typed wherever it stands."""

    def steps(self) -> list[Step]:
        """Every command of every page, in order; each once, but for `again`."""
        but = {step.command: step for step in self.but}
        found: list[Step] = []
        known: set[str] = set()
        for page in self.pages:
            for command in commands(page):
                ours = "./deploy/test.sh" in command or command.startswith("python -m tests")
                plain = Step(command, skipped=LONG if ours else "")
                if command not in known - self.again:
                    found.append(replace(but.get(command, plain), page=page))
                known.add(command)
        return found
