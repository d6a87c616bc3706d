"""One claim, one person: whose templates a probe is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.names import did_you_mean, folded, listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config.entry import MatchSection
    from edge.records import Template


class Claims:
    """Keeps the standing claim. Pure: time is an argument, monotonic seconds."""

    def __init__(self, section: MatchSection) -> None:
        self._section = section
        self._person: str | None = None
        self._until = float("-inf")

    def make(self, person: str, templates: Sequence[Template], at: float) -> str:
        """Somebody (a card, a PIN, the command line) says that `person` stands there.

        Raises:
            UsageError: nobody of that name is enrolled.
        """
        for template in templates:
            if folded(template.person) == folded(person):
                self.stand(template.person, at)
                return template.person
        names = [template.person for template in templates]
        meant = did_you_mean(person, names)
        raise UsageError(
            f"nobody called {person!r} is enrolled here.{meant} Enrolled: {listed(names)}."
        )

    def stand(self, person: str, at: float) -> None:
        """`person`, spelt as enrolled, stands claimed from now on."""
        self._person, self._until = person, at + self._section.claim_timeout_s

    def standing(self, at: float) -> str | None:
        """The claim that stands at this time."""
        return self._person if at <= self._until else None

    def used(self) -> None:
        """A claim is good for one final decision."""
        self._until = float("-inf")

    def candidates(self, templates: Sequence[Template], at: float) -> Sequence[Template] | None:
        """The templates to compare with, or None when a claim must come first."""
        claimed = self.standing(at)
        if claimed is not None:
            return tuple(t for t in templates if t.person == claimed)
        if self._section.claim == "anyone":
            return templates
        if self._section.claim == "only-person" and len(templates) <= 1:
            return templates
        return None
