"""What the office asks before somebody comes into its book or goes to other doors.

A door would refuse them, or nobody would ever know them: better said while they stand there.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from edge.access.schedule import windows
from edge.errors import UsageError
from edge.names import folded, listed, near
from edge.office.belonging import meet
from edge.records import Template
from edge.roster.canonical import LATEST
from edge.vault.credentials import card_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.office.book import Book
    from edge.office.rows import Person
    from edge.roster.envelope import Content


def require_end(name: str, expires: float | None) -> None:
    """See that somebody's end is to come.

    Raises:
        UsageError: it is over, or later than calendars go.
    """
    if expires is not None and expires > LATEST:
        raise UsageError("--until is the end of all calendars: who stays has no end")
    if expires is not None and expires <= time.time():
        shown = f"{datetime.fromtimestamp(expires).astimezone():%Y-%m-%d %H:%M}"
        raise UsageError(
            f"{name} would be known until {shown}, which is over: say a later end with --until "
            "(a day without a time is its first minute)"
        )


def require_hours(schedule: Sequence[str]) -> None:
    """See that hours are such as doors read.

    Raises:
        UsageError: a line is none.
    """
    try:
        windows(schedule or ("always",))
    except ValueError as error:
        raise UsageError(f"--schedule: {error}") from error


def require_groups(book: Book, groups: Iterable[str]) -> None:
    """See that some door knows each group; while no door is trusted, any will do.

    Raises:
        UsageError: none does; says which group was perhaps meant.
    """
    known = sorted({group for door in book.doors.all() for group in door.groups})
    for group in groups if known else ():
        if group not in known:
            meant = near(group, known)
            hint = f" Did you mean {meant!r}?" if meant else ""
            raise UsageError(
                f"no door that this office trusts knows a group {group!r}.{hint} There are: "
                f"{listed(known)}; `edge-door office trust` says which a door knows"
            )


def require_cards(book: Book, person: Person, content: Content) -> None:
    """See that nobody at the same doors has one of somebody's cards.

    Raises:
        UsageError: somebody has; or one is no card number.
    """
    ours = set(map(card_number, content.cards))
    for other in meet(person, book.people(), book.doors.all()) if ours else ():
        if ours & set(map(card_number, book.content(other).cards)):
            raise UsageError(
                f"{other.name} has a card of {person.name} already, and goes to the same doors"
            )


def whose(book: Book, person: str, threshold: float) -> str:
    """Whom of the book a door may mean that refuses somebody, by number, for another's face."""
    found = next((one for one in book.people() if one.person == person), None)
    names = {} if found is None else resembling(book, found, book.content(found), threshold)
    return listed(names) if names else "nobody: look into that door's log"


def resembling(book: Book, person: Person, content: Content, threshold: float) -> dict[str, float]:
    """Whom somebody resembles who goes to the same doors, and nobody has told apart; how much.

    `threshold`: from what cosine on two are one person to the matcher.
    """
    from edge.access.lookalikes import resembled  # brings numpy, which few commands need

    others = [
        Template(one.name, book.content(one).vectors, one.model)
        for one in meet(person, book.people(), book.doors.all())
        if one.model == person.model
    ]
    if not others:
        return {}
    apart = set(map(folded, book.lookalikes.of(person.person)))
    template = Template(person.name, content.vectors, person.model)
    found = resembled(template, others, threshold)
    return {name: alike for name, alike in found.items() if folded(name) not in apart}
