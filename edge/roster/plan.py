"""From what a door knows and what it should know to what must change. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.errors import RosterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.roster.desired import Desired
    from edge.roster.pages import Member


@dataclass(frozen=True, slots=True)
class Head:
    """The newest list that a door has obeyed; it keeps this sealed."""

    generation: int = 0
    digest: str = ""
    lease: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do to obey a list: all of it in one transaction."""

    head: Head
    removed: tuple[str, ...]
    """Numbers of people to forget."""
    updated: tuple[Member, ...]
    """Known: schedule or end differ, or, with the right template, the name."""
    wanted: tuple[Member, ...]
    """Known with another template, or not known: their envelope must be opened first."""


def plan(desired: Desired, members: Iterable[Member], held: Mapping[str, Member]) -> Plan:
    """What must change at a door that holds `held`, by the person's number.

    `desired` has passed `check_order`; `members` are the people on its pages.
    """
    wanted = {member.person: member for member in members}
    return Plan(
        head=Head(desired.generation, desired.digest, desired.lease),
        removed=tuple(person for person in held if person not in wanted),
        updated=tuple(m for m in _known(wanted.values(), held) if m != held[m.person]),
        wanted=tuple(m for m in wanted.values() if not _has_template(m, held)),
    )


def _has_template(member: Member, held: Mapping[str, Member]) -> bool:
    """Whether the door has the template that the list wants them to have."""
    return member.person in held and held[member.person].envelope == member.envelope


def _known(members: Iterable[Member], held: Mapping[str, Member]) -> list[Member]:
    """Those whom the door has already, as it should have them until an envelope is opened."""
    here = [member for member in members if member.person in held]
    right = [member for member in here if _has_template(member, held)]
    # Whoever withholds an envelope does not prolong what the old template may do.
    old = [
        replace(held[member.person], schedule=member.schedule, expires=member.expires)
        for member in here
        if not _has_template(member, held)
    ]
    return [*right, *old]


def check_order(desired: Desired, head: Head, restored: str = "") -> None:
    """Whether a list may follow `head`, which the door has obeyed.

    The same list again is no fault: it is retained, and comes with every connection.

    Args:
        desired: The list.
        head: The newest one obeyed, as far as the door remembers.
        restored: What a list must answer, where the door remembers no more than its backup does.

    Raises:
        RosterError: it is older than the one obeyed, another one with the same number, does not
            follow the one obeyed, or may be older than what the door has forgotten.
    """
    if restored and desired.answers != restored:
        raise RosterError(
            "this door was restored from a backup, and may have obeyed newer lists than this one: "
            "nobody from the centre may pass until the people office publishes the next"
        )
    if desired.generation < head.generation:
        raise RosterError(
            f"the list of people is number {desired.generation}, and this door has obeyed number "
            f"{head.generation} already: an old one was sent again"
        )
    if desired.generation == head.generation and desired.digest != head.digest:
        raise RosterError(
            f"two different lists of people have the number {desired.generation}: two people "
            "offices use one people key. Let one of them publish the next number"
        )
    if desired.generation == head.generation + 1 and desired.previous != head.digest:
        raise RosterError(
            f"list {desired.generation} does not follow list {head.generation} as this door knows "
            "it: two people changed it at once. Publish again from the newer one"
        )


def lapsed(member: Member, head: Head, wall: float, *, trusted: bool) -> bool:
    """Whether somebody from the centre may no longer pass: their end or the list's lease is over.

    Without a synchronised clock nobody knows, so whoever has an end has reached it.
    """
    ends = [end for end in (member.expires, head.lease) if end is not None]
    return bool(ends) and (not trusted or wall >= min(ends))
