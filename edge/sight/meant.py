"""Whom of the people office's this door's own rules mean, kept beyond their going.

A rule for a name that was never anybody's is a mistake, and sight does not start with it. When the
office takes somebody away or renames them, no one at the centre can mend the door's file: that must
not keep everybody out at the next start. So it is kept, before each change, whose number it was.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.names import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.roster.pages import Member

STATE = "meant"
"""The ledger's sealed state that holds it."""


@dataclass(frozen=True, slots=True)
class Meant:
    """The numbers of the office's people whom names in the rules mean, or meant last."""

    numbers: Mapping[str, str] = field(default_factory=dict)
    """By folded name."""

    @classmethod
    def from_json(cls, text: str) -> Meant:
        """As `to_json` wrote it; empty: nobody."""
        return cls(json.loads(text) if text else {})

    def to_json(self) -> str:
        """For the ledger."""
        return json.dumps(self.numbers, sort_keys=True)

    def after(
        self, named: Iterable[str], members: Mapping[str, Member], people: Iterable[str]
    ) -> Meant:
        """With those of `named` who are known from the office now, by number.

        A name that is a person's of this door alone is the office's no more.
        """
        mine = {folded(member.name): number for number, member in members.items()}
        past = {name: self.numbers[name] for name in self.numbers.keys() - set(map(folded, people))}
        wanted = set(map(folded, named))
        return Meant({name: who for name, who in (past | mine).items() if name in wanted})

    def called(self, members: Mapping[str, Member]) -> dict[str, str]:
        """What each is called now, by the folded name in the rules; empty: they are gone."""
        return {
            name: members[number].name if number in members else ""
            for name, number in self.numbers.items()
        }
