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


def resembled(template: Template, others: Iterable[Template], threshold: float) -> dict[str, float]:
    """Everybody else whom this face would match, and how alike they are at most."""
    found = {}
    for other in others:
        alike = max(
            _alike(template.vectors, other.vectors), _alike(other.vectors, template.vectors)
        )
        if folded(other.person) != folded(template.person) and alike >= threshold:
            found[other.person] = alike
    return found


def floors(templates: Sequence[Template], threshold: float) -> dict[str, float]:
    """What a probe must reach to be one of two who match each other, by the person's name.

    Costs the square of all captures: half a second for 200 people on a small board.
    """
    found: dict[str, float] = {}
    for number, template in enumerate(templates):
        for other, alike in resembled(template, templates[number + 1 :], threshold).items():
            for person in (template.person, other):
                found[person] = max(found.get(person, 0.0), min(1.0, alike + MARGIN))
    return found


def told_apart(match: Match, least: Mapping[str, float]) -> Match:
    """`match` under the stricter threshold of somebody who has a lookalike here."""
    floor = least.get(match.person or "", 0.0)
    return match if floor <= match.threshold else replace(match, threshold=floor)


def _alike(vectors: Floats, probes: Floats) -> float:
    """The most that `probes`, each or together, reach against a template, as the matcher counts."""
    return float((np.vstack([probes, pooled(probes)]) @ pooled(vectors)).max())
