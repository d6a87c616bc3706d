"""Bad input and bad luck with people from the centre, each at all three places.

| what happens | at the door | on the dashboard | and |
|---|---|---|---|
| an envelope for another door, network, generation, person | a sentence | refused | others are in |
| an older list again | a sentence | refused | nobody is changed |
| two offices, one number | a sentence | refused | nobody is changed |
| two who change the list at once | a sentence | refused | nobody is changed |
| a template longer than a packet | a sentence at the office | not yet | nothing is in the book |
| a page or envelope that is too long | a sentence | not yet | nobody is changed |
| a door is restored from a backup | a sentence | restored | nobody from the centre until it hears |
| somebody has the face of another who is known there | a sentence | refused | until two are said |
| the people key is revoked or lost | a sentence | not believed | who was known stays known |
| the disk is full | a sentence | refused | all or nothing; goes on by itself |

The door says its sentence in its record (or, of what is no list at all, to whoever handed it over);
the dashboard is its real page.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from edge.access.schedule import Verdict
from edge.errors import EdgeDoorError, LedgerError, RosterError, UsageError
from edge.fleet.kinds import ListState, PersonState
from edge.office.rows import Person
from edge.records import Reason, Template
from edge.roster.desired import sign
from edge.roster.envelope import Address, Content, seal
from edge.roster.pages import digest, spread
from edge.sight.changes import accept_backup, objection, recorded
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from edge.wire.messages import Posted
from tests.fleet.centre import Centre, word
from tests.support.centre import MODEL, OTHER_MODEL, Door, Office, vectors_of
from tests.support.small_disk import disk, fill

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    """Anna is known at the door; so is list 1."""
    made = Centre(tmp_path)
    made.office.add("Anna", "staff")
    made.office.publish("door1")
    made.door.fetch(made.office.broker)
    yield made
    made.close()


def whole(centre: Centre, people: set[str], generation: int) -> None:
    """Nothing is half applied: people, list and record are of one time, and sound."""
    door = centre.door
    assert door.names() == people
    assert door.vault.members.head().generation == generation
    assert {member.name for member in door.vault.members.held().values()} == people
    assert {template.person for template in door.vault.templates(MODEL)} == people
    assert objection(door.ledger, door.vault) is None
    assert door.ledger.verify() == []


def said(door: Door) -> list[str]:
    """The sentences in the door's record."""
    events = [stored.event for stored in door.ledger.events(limit=1000)]
    return [str(one.detail["why"]) for one in events if one.reason is Reason.ROSTER_REFUSED]


@dataclass(frozen=True, slots=True)
class Envelope:
    """One that was sealed for something else."""

    what: str
    bent: Callable[[Address], Address]


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope("door", lambda right: replace(right, device="door2")),
        Envelope("network", lambda right: replace(right, model=OTHER_MODEL)),
        Envelope("generation", lambda right: replace(right, generation=9)),
        Envelope("person", lambda right: replace(right, person="p9")),
    ],
    ids=lambda case: case.what,
)
def test_an_envelope_for_anything_else(centre: Centre, envelope: Envelope) -> None:
    office, door = centre.office, centre.door
    bo = office.add("Bo", "staff")
    made = office.publish("door1")
    address = envelope.bent(Address("door1", bo.person, MODEL, 2))
    wrong = seal(office.book.content(bo), door.report().key, address)
    entries = [
        replace(one, envelope=digest(wrong)) if one.person == bo.person else one
        for one in made.members
    ]
    pages = spread(entries)
    office.broker |= {
        door.topics.people_desired: sign(
            replace(made.desired, pages=tuple(pages)), [office.keys.signing]
        ),
        door.topics.people_envelope(digest(wrong)): wrong,
        **{door.topics.people_page(name): page for name, page in pages.items()},
    }
    door.fetch(office.broker)
    centre.tell()
    sentence = "it is for another door, person, network or generation"
    assert sentence in said(door)[-1]
    assert sentence in centre.page("Bo")
    assert word(centre.page("Bo")) == [PersonState.REFUSED.value, ListState.REFUSED.value]
    whole(centre, {"Anna"}, 2)


def older(centre: Centre, _: Path) -> None:
    old = centre.office.broker[centre.door.topics.people_desired]
    centre.office.publish("door1")
    centre.door.fetch(centre.office.broker)
    centre.door.take(Posted.LIST, old)


def same_number(centre: Centre, _: Path) -> None:
    book = centre.office.book
    made = book.make("door1", None, now=1.0)
    office = centre.office
    again = replace(made.desired, issued=2.0)
    for each in (made.desired, again):
        office.broker[centre.door.topics.people_desired] = sign(each, [office.keys.signing])
        centre.door.fetch(office.broker)


def at_once(centre: Centre, _: Path) -> None:
    office = centre.office
    made = office.book.make("door1", None, now=1.0)
    office.broker[centre.door.topics.people_desired] = sign(made.desired, [office.keys.signing])
    centre.door.fetch(office.broker)
    third = replace(office.book.make("door1", None).desired, previous="f" * 64)
    office.broker[centre.door.topics.people_desired] = sign(third, [office.keys.signing])
    centre.door.fetch(office.broker)


def revoked(centre: Centre, folder: Path) -> None:
    """The door's [people] keys name another office now; the old one goes on publishing."""
    second = Office.at(folder / "second")
    centre.door.close()
    centre.door = Door.at(folder, "door1", second.keys.public)
    second.book.close()
    centre.office.add("Bo", "staff")
    centre.office.publish("door1")
    centre.door.fetch(centre.office.broker)


@dataclass(frozen=True, slots=True)
class Bad:
    """A list that a door refuses."""

    play: Callable[[Centre, Path], None]
    """Ends in the door's refusal."""
    sentence: str
    state: ListState
    generation: int
    """Of the list that stays in force."""


@pytest.mark.parametrize(
    "bad",
    [
        Bad(older, "an old one was sent again", ListState.REFUSED, 2),
        Bad(same_number, "two different lists of people have the number 2", ListState.REFUSED, 2),
        Bad(at_once, "two people changed it at once", ListState.REFUSED, 2),
        Bad(revoked, "signed by 0 of the keys", ListState.NOT_BELIEVED, 1),
    ],
    ids=lambda case: case.play.__name__,
)
def test_a_list_that_is_refused(centre: Centre, tmp_path: Path, bad: Bad) -> None:
    with pytest.raises(RosterError, match=bad.sentence):
        bad.play(centre, tmp_path)
    centre.tell()
    assert bad.sentence in said(centre.door)[-1]
    assert bad.sentence in centre.door.report().refused["list"]
    assert word(centre.page())[0] == bad.state.value
    shown = "was revoked there or begun anew" if bad.state is ListState.NOT_BELIEVED else ""
    assert (shown or bad.sentence) in centre.page()
    whole(centre, {"Anna"}, bad.generation)


def test_a_door_restored_from_a_backup(centre: Centre, tmp_path: Path) -> None:
    """A list newer than the backup and older than what the door once had is not obeyed."""
    office, door = centre.office, centre.door
    shutil.copytree(door.config.paths.state, tmp_path / "backup")
    bo = office.add("Bo", "staff")
    office.publish("door1")
    between = dict(office.broker)
    door.fetch(between)
    office.book.remove(bo)
    office.publish("door1")
    door.fetch(office.broker)
    centre.door = door = door.restore(tmp_path / "backup")
    for replayed in (between, office.broker):
        with pytest.raises(RosterError, match="this door was restored from a backup"):
            door.fetch(replayed)
    centre.tell()
    assert "restored from a backup" in said(door)[-1]
    assert word(centre.page()) == [ListState.RESTORED.value]
    assert word(centre.of_door())[1] == PersonState.LAPSED.value
    assert "nobody from the centre may pass until" in centre.page()
    assert door.verdict("Anna") is Verdict.RESTORED
    assert door.verdict("Somebody enrolled at this door") is Verdict.ALLOWED
    whole(centre, {"Anna"}, 1)
    asked = door.report().restored
    office.publish("door1", answers=asked)
    door.fetch(office.broker)
    centre.tell()
    assert word(centre.page()) == [ListState.FINE.value]
    assert door.verdict("Anna") is Verdict.ALLOWED
    whole(centre, {"Anna"}, 4)
    answer = dict(office.broker)
    centre.door = door = door.restore(tmp_path / "backup")
    assert door.report().restored not in ("", asked)
    with pytest.raises(RosterError, match="this door was restored from a backup"):
        door.fetch(answer)
    centre.door = door = door.restore(tmp_path / "backup", ask=False)
    assert door.verdict("Anna") is Verdict.ALLOWED


def test_a_running_door_hears_at_once_that_it_was_restored(centre: Centre) -> None:
    """And obeys nothing that it had in memory."""
    office, door = centre.office, centre.door
    config = door.config
    for ask, verdict in ((True, Verdict.RESTORED), (False, Verdict.ALLOWED)):
        with open_vault(config) as vault, open_ledger(config) as ledger:
            assert accept_backup(ledger, vault, config, ask=ask) is ask
        assert door.roster.tend()
        assert not door.roster.tend()
        assert not door.roster.settle()
        assert door.verdict("Anna") is verdict
        assert bool(door.report().restored) is ask
    door.fetch(office.broker)
    centre.tell()
    assert word(centre.page()) == [ListState.FINE.value]


def test_a_template_longer_than_a_packet(centre: Centre) -> None:
    office = centre.office
    bo = Person("", "Bo", ("staff",), model=MODEL)
    with pytest.raises(UsageError, match="and brokers take 60000: enrol with fewer pictures"):
        office.book.add(bo, Content(vectors_of("Bo", 40, 1024)))
    assert [one.name for one in office.book.people()] == ["Anna"]
    office.publish("door1")
    centre.door.fetch(office.broker)
    centre.tell()
    assert word(centre.page()) == [ListState.FINE.value]
    whole(centre, {"Anna"}, 2)


def test_an_envelope_longer_than_a_packet(centre: Centre) -> None:
    """From a broker that puts rubbish in its place."""
    office, door = centre.office, centre.door
    bo = office.add("Bo", "staff")
    made = office.publish("door1")
    (envelope,) = (one.envelope for one in made.members if one.person == bo.person)
    place = door.topics.people_envelope(envelope)
    right = office.broker[place]
    office.broker[place] = bytes(500_000)
    door.fetch(office.broker)
    with pytest.raises(RosterError, match="a piece of the list of people is missing"):
        door.take(Posted.ENVELOPE, office.broker[place])
    centre.tell()
    assert word(centre.page("Bo")) == [PersonState.NOT_YET.value, ListState.BEHIND.value]
    assert "the envelope has not come" in centre.page("Bo")
    whole(centre, {"Anna"}, 2)
    office.broker[place] = right
    door.fetch(office.broker)
    whole(centre, {"Anna", "Bo"}, 2)


def test_somebody_with_the_face_of_another(
    centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    """Of one whom the centre enrolled, and of one whom this door alone knows."""
    office, door = centre.office, centre.door
    with recorded(door.ledger, door.vault, "door1", Reason.ENROLLED, "Local"):
        door.vault.add(Template("Local", vectors_of("Local"), MODEL))
    twin = office.add("Ella", "staff", face="Anna")
    office.add("Stranger", "staff", face="Local")
    office.add("Bo", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    centre.tell()
    for name in ("Ella", "Stranger"):
        assert f"{name} is not taken in: their face resembles that of" in "".join(said(door))
    reported = [door.said().decode(), *said(door)]
    reported += [payload.decode("latin-1") for payload in office.broker.values()]
    assert "Local" not in "".join(reported), "whose face it is stays here"
    assert "Ella resembles Anna" in caplog.text
    assert "Stranger resembles Local" in caplog.text
    assert word(centre.page("Ella")) == [PersonState.REFUSED.value, ListState.REFUSED.value]
    assert "edge-door office lookalike" in centre.page("Ella")
    assert door.names() == {"Anna", "Bo", "Local"}
    office.book.tell_apart(twin, "Anna", "twins; both were here")
    office.publish("door1")
    door.fetch(office.broker)
    centre.tell()
    assert word(centre.page("Ella")) == [PersonState.KNOWN.value, ListState.REFUSED.value]
    assert door.names() == {"Anna", "Bo", "Ella", "Local"}
    changes = door.vault.changes()
    door.fetch(office.broker)
    assert door.vault.changes() == changes, "who resembles whom is no change to be made again"


def test_twins_in_one_list_are_taken_in_once_they_are_said_to_be_two(centre: Centre) -> None:
    office, door = centre.office, centre.door
    one, other = office.add("Cy", "staff", face="C"), office.add("Dan", "staff", face="C")
    office.publish("door1")
    door.fetch(office.broker)
    assert len(door.names()) == 2, "the first of the two is nobody's lookalike yet"
    office.book.tell_apart(one, "dan", "brothers")
    office.publish("door1")
    door.fetch(office.broker)
    assert door.names() == {"Anna", "Cy", "Dan"}
    office.book.remove(other)
    assert "Dan" not in "".join(office.book.lookalikes.of(one.person))
    office.publish("door1")
    door.fetch(office.broker)
    assert office.book.lookalikes.of(one.person) == ()


def test_two_operators_change_the_same_person(centre: Centre) -> None:
    """At the office, where it can be: the second one is told, and the first one's change stands."""
    book = centre.office.book
    before = book.person("Anna")
    book.change(before, replace(before, groups=("lab",)))
    with pytest.raises(UsageError, match="Anna was changed by somebody else at this moment"):
        book.change(before, replace(before, name="Annabel"))
    assert (book.person("Anna").groups, len(book.people())) == (("lab",), 1)


def test_a_disk_without_room(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", "4m") as place:
        centre = Centre(tmp_path, place)
        try:
            _fill_up(centre, place)
        finally:
            centre.close()


def _fill_up(centre: Centre, place: Path) -> None:
    office, door = centre.office, centre.door
    anna = office.add("Anna", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    filler = fill(place)
    newcomers = {office.add(f"Person {number}", "staff").name for number in range(60)}
    office.book.remove(anna)
    office.publish("door1")
    for _ in range(3):  # as link does again and again
        with pytest.raises(EdgeDoorError, match="disk is full"):
            door.fetch(office.broker)
    centre.tell()
    assert ["disk is full" in why for why in said(door)] == [True]
    assert word(centre.page())[0] == ListState.REFUSED.value
    assert "disk is full" in centre.page()
    whole(centre, {"Anna"}, 1)
    with pytest.raises(LedgerError, match="disk is full"):
        door.roster._journal.require()
    filler.unlink()
    door.roster._journal._retry_at = 0.0
    door.roster._journal.retry()
    door.fetch(office.broker)
    centre.tell()
    assert word(centre.page()) == [ListState.FINE.value]
    whole(centre, newcomers, 2)
    assert set(door.report().erased) == {anna.person}
