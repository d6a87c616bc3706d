"""Who belongs to which door, and who meets whom there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.roster.pages import Member, digest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.office.rows import Door, Person
    from edge.roster.report import Report


def belong(people: Iterable[Person], door: Door, now: float) -> list[Person]:
    """Whom a door should know."""
    return [
        one
        for one in people
        if set(one.groups) & set(door.groups) and (one.expires is None or now < one.expires)
    ]


def meet(person: Person, people: Iterable[Person], doors: Iterable[Door]) -> list[Person]:
    """Whom some door will compare with somebody: who goes to one of their doors.

    A group's people meet at each of its doors, though no door of that group be trusted yet.
    """
    groups = set(person.groups)
    there = groups.union(*(door.groups for door in doors if groups & set(door.groups)))
    return [one for one in people if there & set(one.groups) and one.person != person.person]


def is_behind(door: Door, report: Report) -> bool:
    """Whether a door has obeyed lists that this book does not know of: it was restored."""
    return report.key == door.key and report.generation > door.generation


def returning(door: Door, report: Report, people: Iterable[Person]) -> list[Person]:
    """Who was forgotten at a door that the book is behind, and would be known there again."""
    groups = set(door.groups)
    return [one for one in people if one.person in report.erased and groups & set(one.groups)]


def entry(person: Person, sealed: int = 1, envelope: str = "") -> Member:
    """How somebody stands on a list; without an envelope, as far as it is known before that."""
    return Member(
        person.person,
        person.name,
        envelope or digest(b""),
        sealed,
        person.schedule,
        person.expires,
    )
