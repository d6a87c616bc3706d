"""People whose faces match each other (siblings, twins, chance) must not open for each other.

Nothing is stored about them: who resembles whom follows from the templates themselves, however they
came here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from edge.access.gallery import pooled
from edge.names import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge.records import Floats, Match, Template

MARGIN = 0.02
"""How much nearer than anything of the other's a face must be, in cosine."""
_AT_A_TIME = 256
"""Templates in one product: some megabytes."""


class Lookalikes:
    """Who resembles whom among the people here.

    Everybody is compared with everybody once; a change costs comparing whoever has changed.
    """

    def __init__(self, threshold: float) -> None:
        """`threshold`: from what cosine on two are one person to the matcher."""
        self._threshold = threshold
        self._known: dict[str, Template] = {}
        self._pairs: dict[tuple[str, str], float] = {}
        self.floors: dict[str, float] = {}
        """What a probe must reach to be one of two who match each other, by the person's name."""

    def know(self, templates: Iterable[Template]) -> None:
        """Hear who is enrolled: at the start, and whenever that has changed."""
        here = {template.person: template for template in templates}
        kept = {name for name, known in self._known.items() if here.get(name) is known}
        self._pairs = {pair: alike for pair, alike in self._pairs.items() if kept.issuperset(pair)}
        fresh = [template for name, template in here.items() if name not in kept]
        rest = [here[name] for name in kept]
        for start in range(0, len(fresh), _AT_A_TIME):
            some = fresh[start : start + _AT_A_TIME]
            self._compare(some, rest + fresh[start:])
        self._known = here
        self.floors = self._raised()

    def _raised(self) -> dict[str, float]:
        floors: dict[str, float] = {}
        for pair, cosine in self._pairs.items():
            floor = min(1.0, cosine + MARGIN)
            for person in pair:
                floors[person] = max(floors.get(person, 0.0), floor)
        return floors

    def _compare(self, some: Sequence[Template], others: Sequence[Template]) -> None:
        found = alike(some, others)
        for row, column in zip(*np.nonzero(found >= self._threshold), strict=True):
            one, other = some[row].person, others[column].person
            if one != other:
                self._pairs[one, other] = float(found[row, column])


def resembled(template: Template, others: Sequence[Template], threshold: float) -> dict[str, float]:
    """Everybody else whom this face would match, and how alike they are at most."""
    (found,) = alike([template], others)
    return {
        other.person: float(cosine)
        for other, cosine in zip(others, found, strict=True)
        if cosine >= threshold and folded(other.person) != folded(template.person)
    }


def alike(some: Sequence[Template], others: Sequence[Template]) -> Floats:
    """How near each of `some` `(n)` comes to each of `others` `(m)` at most, as `(n, m)` cosines.

    As the matcher counts: captures of the one, each or together, against the other's template.
    """
    found = np.zeros((len(some), len(others)), np.float32)
    for start in range(0, len(others), _AT_A_TIME):
        part = others[start : start + _AT_A_TIME]
        both = np.maximum(_reach(some, part), _reach(part, some).T)
        found[:, start : start + len(part)] = both
    return found


def _reach(probes: Sequence[Template], templates: Sequence[Template]) -> Floats:
    middles = np.stack([pooled(template.vectors) for template in templates])
    together = [np.vstack([one.vectors, pooled(one.vectors)]) for one in probes]
    starts = np.cumsum([0, *(len(each) for each in together[:-1])])
    reached: Floats = np.maximum.reduceat(np.vstack(together) @ middles.T, starts, axis=0)
    return reached


def told_apart(match: Match, least: Mapping[str, float]) -> Match:
    """`match` under the stricter threshold of somebody who has a lookalike here."""
    floor = least.get(match.person or "", 0.0)
    return match if floor <= match.threshold else replace(match, threshold=floor)
