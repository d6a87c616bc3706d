"""Whoever comes from the centre and has the face of somebody who is known here already.

The office that enrolled them may never have seen the other: at this door both meet. As with
enrolment here (`edge.ops.enrol`), nobody is taken in unless an operator has said that they are two.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.access.lookalikes import alike
from edge.names import folded, listed
from edge.records import Template
from edge.roster.report import RESEMBLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from edge.roster.envelope import Content
    from edge.roster.pages import Member
    from edge.vault.vault import Vault


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Network:
    """The one whose vectors this door compares."""

    model: str
    """Its SHA-256."""
    size: int
    """How many numbers a vector has."""
    threshold: float
    """From what cosine on two templates are one person to the matcher."""


def refuse_lookalikes(
    vault: Vault,
    taken: Sequence[tuple[Member, Content]],
    leaving: Iterable[Member],
    network: Network,
) -> dict[str, str]:
    """By the person's number: who must not be taken in, and why.

    Args:
        vault: Who is known here.
        taken: Whose envelopes are open.
        leaving: Who is forgotten or gets another template or name by the same change.
        network: Whose vectors they are.

    Raises:
        VaultError: as the vault's own methods do.
    """
    gone = {folded(member.name) for member in leaving}
    known = [one for one in vault.comparable(network.model) if folded(one.person) not in gone]
    fresh = [
        Template(member.name, vault.rotation(np.atleast_2d(content.vectors)), network.model)
        for member, content in taken
    ]
    if not fresh:
        return {}
    near = alike(fresh, [*known, *fresh]) >= network.threshold
    return _refusals(taken, near, [one.person for one in known])


def _refusals(
    taken: Sequence[tuple[Member, Content]], near: NDArray[np.bool_], known: Sequence[str]
) -> dict[str, str]:
    """One after the other: each against those known, and those taken in before.

    `near`: whom each resembles, `(n, len(known) + n)`: of those known, then of those taken.
    """
    refused: dict[str, str] = {}
    names = [*known]
    for (member, content), row in zip(taken, near, strict=True):
        # Whoever comes later has no name there yet.
        resembled = [name for name, is_near in zip(names, row, strict=False) if is_near]
        found = _unforeseen(content, resembled)
        if found:
            # Here alone: what is reported, whoever owns the broker reads.
            log.warning("%s resembles %s", member.name, listed(found))
            refused[member.person] = f"{member.name} {RESEMBLES}"
        names.append("" if found else member.name)
    return refused


def _unforeseen(content: Content, names: Iterable[str]) -> list[str]:
    """Whom of these nobody has said to be another; whoever was refused has no name."""
    accepted = set(map(folded, content.resembles))
    return [name for name in names if name and folded(name) not in accepted]
