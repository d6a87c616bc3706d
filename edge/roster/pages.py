"""The people of a list, spread over pages that are named by their hash.

Who stands on which page follows from the person's number, so a change leaves the other pages as
they are. A page is far shorter than the 64 KiB that common brokers take.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edge import plain
from edge.errors import RosterError
from edge.roster.desired import MAX_PAGES, is_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_PAGE = 48 * 1024
"""Bytes."""
_A_PAGE = 64
"""People, about."""
_PERSON = re.compile(r"[A-Za-z0-9_-]{1,36}")


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
    resembles: tuple[str, ...] = ()
    """Names of others whose faces are alike, as an operator knows."""


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


def gather(pages: Iterable[bytes]) -> tuple[Member, ...]:
    """The people on the pages of one list.

    Raises:
        RosterError: a page holds something else, or somebody stands there twice.
    """
    members = tuple(member for page in pages for member in _read(page))
    if len({member.person for member in members}) != len(members):
        raise RosterError("the list of people names somebody twice")
    return members


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


def _read(page: bytes) -> tuple[Member, ...]:
    try:
        members = plain.read(tuple[Member, ...], json.loads(page), "it")
    except (ValueError, RecursionError) as error:
        raise RosterError(f"a page of the list of people does not read: {error}") from error
    for member in members:
        if not _is_sane(member):
            raise RosterError(f"the list of people has a damaged entry: {member.person!r:.40}")
    return members


def _is_sane(member: Member) -> bool:
    return (
        bool(_PERSON.fullmatch(member.person)) and is_hash(member.envelope) and member.sealed >= 1
    )
