"""The people of a list, spread over pages that are named by their hash.

Who stands on which page follows from the person's number, so a change leaves the other pages as
they are. A page is far shorter than the 64 KiB that common brokers take.

Who cannot be read stands on no list: the others are known by it, and whoever is gone from it is
forgotten. An office or a door that is older than the other must not keep a removal from counting.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edge import plain
from edge.errors import RosterError
from edge.roster.desired import MAX_PAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

MAX_PAGE = 48 * 1024
"""Bytes."""
_A_PAGE = 64
"""People, about."""
_SHOWN = 64
"""Characters of a number or name that may be none."""


@dataclass(frozen=True, slots=True)
class Member:
    """One person whom the door should know."""

    person: str
    """The person's number at the people office; stays when the name changes."""
    name: str
    envelope: str
    """Hex SHA-256 of the envelope with the template."""
    sealed: int
    """The generation for which the envelope was sealed."""
    schedule: tuple[str, ...] = ()
    """Windows such as `mon-fri 07:00-19:00`, in the door's local time; none: always."""
    expires: float | None = None
    """A visitor's end, seconds since the Unix epoch; None: no end."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What stands on the pages of a list."""

    members: tuple[Member, ...]
    refused: Mapping[str, str]
    """Who cannot be read, by their number or else by their place, and why."""


def digest(piece: bytes) -> str:
    """How a list names a page, and a page an envelope: hex SHA-256."""
    return hashlib.sha256(piece).hexdigest()


def spread(members: Sequence[Member]) -> dict[str, bytes]:
    """Pages by their hash, in the order in which the list names them.

    Raises:
        RosterError: there are more people, or longer entries, than a list takes.
    """
    number = 1
    while number * _A_PAGE < len(members):
        number *= 2
    while number <= MAX_PAGES:
        pages = [_page(sheet) for sheet in _sheets(members, number)]
        if all(len(page) <= MAX_PAGE for page in pages):
            return {digest(page): page for page in pages}
        number *= 2
    raise RosterError(f"{len(members)} people do not fit into one list")


def gather(pages: Iterable[bytes]) -> Listed:
    """The people on the pages of one list."""
    members: dict[str, Member] = {}
    refused: dict[str, str] = {}
    for page in pages:
        for place, entry in _entries(page):
            if isinstance(entry, str):
                refused[place] = entry
            elif entry.person in members:
                refused[entry.person] = f"{entry.name} stands on the list of people twice"
            else:
                members[entry.person] = entry
    once = tuple(member for person, member in members.items() if person not in refused)
    return Listed(once, refused)


def missing(names: Iterable[str], here: Mapping[str, bytes]) -> tuple[str, ...]:
    """Pages that a list names and that have not come."""
    return tuple(name for name in names if name not in here)


def _sheets(members: Iterable[Member], number: int) -> list[list[Member]]:
    sheets: list[list[Member]] = [[] for _ in range(number)]
    for member in sorted(members, key=lambda one: one.person):
        place = int.from_bytes(hashlib.sha256(member.person.encode()).digest()[:4], "big")
        sheets[place % number].append(member)
    return [sheet for sheet in sheets if sheet]


def _page(sheet: Iterable[Member]) -> bytes:
    return plain.spell([asdict(member) for member in sheet]).encode("ascii")


def _entries(page: bytes) -> Iterator[tuple[str, Member | str]]:
    """Where each stands, and who it is or why that cannot be read."""
    try:
        entries = json.loads(page.decode("ascii"))
    except (ValueError, RecursionError) as error:
        entries = error
    if not isinstance(entries, list):
        yield _place(page), "a page of the list of people does not read: nobody on it is known"
        return
    for number, entry in enumerate(entries, start=1):
        try:
            yield _place(page, number), plain.read(Member, entry, "it")
        except ValueError as error:
            yield _named(entry, _place(page, number), str(error))


def _place(page: bytes, number: int = 0) -> str:
    entry = f", entry {number}" if number else ""
    return f"page {digest(page)[:12]}{entry}"


def _named(entry: object, place: str, why: str) -> tuple[str, str]:
    """Who it is as far as it can be read, and a sentence."""
    told = entry if isinstance(entry, dict) else {}
    person, name = told.get("person"), told.get("name")
    who = name if isinstance(name, str) else place
    number = person if isinstance(person, str) and person else place
    return number[:_SHOWN], f"{who[:_SHOWN]!r} on the list of people does not read: {why}"
