"""Desired against reported: what may be said of a door and of a person, from what was heard. Pure.

The office says whom a door should know, the door what it obeys, what it waits for and refuses; that
somebody was enrolled or forgotten stands in the door's signed record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge import plain
from edge.fleet.kinds import ListState, PersonState
from edge.roster.desired import Desired
from edge.roster.pages import Member, gather
from edge.roster.report import LIST, Report
from edge.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge.fleet.database.rows import MemberRow, RosterRow

NOT_BELIEVED = (
    "the list on the broker is signed by keys that this door does not believe: the people key "
    "was revoked there or begun anew, or somebody forges lists"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the office published for a door, as far as it is known here."""

    generation: int
    digest: str
    lease: float | None
    pages: tuple[str, ...]
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a door is."""

    state: ListState
    why: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """One person at one door."""

    number: str
    name: str
    state: PersonState
    why: str = ""
    hours: tuple[str, ...] = ()
    expires: float | None = None
    forgotten: float | None = None
    """The door's own receipt."""


def believed(report: Report, signers: Iterable[str]) -> bool:
    """Whether a door believes a list with these signatures."""
    return len(set(report.keys) & set(signers)) >= max(1, report.signatures)


def standing(wanted: Wanted | None, report: Report | None, foreign: str, now: float) -> Standing:
    """A door's state; `foreign` is what is wrong with a list that was published and not taken."""
    if report is None:
        return Standing(ListState.BEHIND, "the door has said nothing of it yet")
    found = (*_distrust(wanted, report, foreign), *_refusals(report, now), *_ways(wanted, report))
    return found[0] if found else Standing(ListState.FINE)


def _distrust(wanted: Wanted | None, report: Report, foreign: str) -> Iterator[Standing]:
    if not report.keys:
        yield Standing(ListState.OFF, "[people] keys is not set there")
    if foreign or (wanted and not believed(report, wanted.signers)):
        yield Standing(ListState.NOT_BELIEVED, foreign or NOT_BELIEVED)


def _refusals(report: Report, now: float) -> Iterator[Standing]:
    if report.restored:
        why = "nobody from the centre may pass until the people office publishes the next list"
        yield Standing(ListState.RESTORED, why)
    if LIST in report.refused:
        yield Standing(ListState.REFUSED, report.refused[LIST])
    if report.lease is not None and report.lease <= now:
        yield Standing(ListState.LAPSED, "nobody from the centre may pass until a newer list comes")


def _ways(wanted: Wanted | None, report: Report) -> Iterator[Standing]:
    if wanted is not None and report.digest != wanted.digest:
        waits = f", {counted(len(report.pages), 'page')} not there yet" if report.pages else ""
        has = f"has list {report.generation} of {wanted.generation}{waits}"
        yield Standing(ListState.BEHIND, has)
    if report.waiting:
        yield Standing(ListState.BEHIND, f"{counted(report.waiting, 'envelope')} not there yet")
    if report.refused:
        yield Standing(ListState.REFUSED, f"{len(report.refused)} people refused")


def places(
    wanted: Wanted | None,
    bodies: Iterable[str],
    report: Report | None,
    members: Sequence[MemberRow],
    now: float,
) -> list[Place]:
    """Everybody whom a door should know, or should have forgotten, by name.

    Args:
        wanted: The list.
        bodies: Its pages.
        report: What the door says.
        members: Rows of `members` of that door with a number: whom its record knows of.
        now: Seconds since 1970.
    """
    listed = gather(body.encode("ascii") for body in bodies).members
    here = {member.person for member in listed}
    found = [_wanted(one, wanted, report, now) for one in listed]
    gone = {row.number: row for row in members if row.number and row.number not in here}
    refused = {} if report is None else report.refused
    found += [_leaving(number, row) for number, row in gone.items() if number not in refused]
    found += [  # on the list, where nobody can read it
        Place(number, gone[number].person if number in gone else number, PersonState.REFUSED, why)
        for number, why in refused.items()
        if number not in here and number != LIST
    ]
    return sorted(found, key=lambda place: place.name.casefold())


def _wanted(member: Member, wanted: Wanted | None, report: Report | None, now: float) -> Place:
    state, why = next(_states(member, wanted, report, now))
    return Place(member.person, member.name, state, why, tuple(member.schedule), member.expires)


def _states(
    member: Member, wanted: Wanted | None, report: Report | None, now: float
) -> Iterator[tuple[PersonState, str]]:
    """What is true of them; the first counts."""
    if member.expires is not None and member.expires <= now:
        yield PersonState.ENDED, ""
    if report is None:
        yield PersonState.NOT_YET, "the door has said nothing yet"
        return
    yield from _obstacles(member, report)
    yield from _lapses(report, now)
    older = wanted is not None and report.digest != wanted.digest
    yield PersonState.KNOWN, "perhaps with older hours: the door has an older list" if older else ""


def _obstacles(member: Member, report: Report) -> Iterator[tuple[PersonState, str]]:
    """Why the door has not taken them in as the list wants them."""
    if member.person in report.refused:
        yield PersonState.REFUSED, report.refused[member.person]
    if report.generation < member.sealed:
        yield PersonState.NOT_YET, f"the door has list {report.generation}"
    if member.envelope in report.envelopes:
        yield PersonState.NOT_YET, "the envelope has not come"


def _lapses(report: Report, now: float) -> Iterator[tuple[PersonState, str]]:
    """Why the door lets nobody from the centre pass."""
    if report.restored:
        yield PersonState.LAPSED, "the door was restored from a backup and waits for the next list"
    if report.lease is not None and report.lease <= now:
        yield PersonState.LAPSED, "the lease is over"


def _leaving(number: str, row: MemberRow) -> Place:
    state = PersonState.LEAVING if row.removed is None else PersonState.FORGOTTEN
    return Place(number, row.person, state, forgotten=row.removed)


def read(row: RosterRow) -> tuple[Wanted | None, Report | None]:
    """A row of `rosters`."""
    report = Report.from_json(row.reported.encode()) if row.reported else None
    if not row.desired:
        return None, report
    desired = plain.read(Desired, json.loads(row.desired))
    signers = tuple(json.loads(row.signers))
    wanted = Wanted(desired.generation, desired.digest, desired.lease, desired.pages, signers)
    return wanted, report
