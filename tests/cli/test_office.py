"""The people office's commands against doors on a real broker: what they say, and exit codes."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

import pytest

from edge.cli.office.base import opened
from edge.errors import UsageError
from edge.fleet.places import broker_at
from edge.link.broker import Broker
from edge.link.people import MAX_PACKET
from edge.office.desk import require_cards, resembling
from edge.office.rows import Person
from edge.roster.envelope import Content, fingerprint
from tests.office.measure import Linked
from tests.support.centre import ALIKE, MODEL, OTHER_MODEL, Door, vectors_of
from tests.support.link_parts import Mosquitto, Reader, needs_mosquitto
from tests.support.pictures import save
from tests.support.running import Door as Host
from tests.support.waiting import until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from edge.ops.demo.animate import Portrait

pytestmark = needs_mosquitto

IN_TIME = "--wait", "5"
"""Time enough for the door that is there, on a busy machine too; the other one never answers."""
REST_S = 0.01
"""Between two looks of the doors at what has come."""


class Site:
    """An office, a broker, and two doors as sight and link are to lists of people."""

    def __init__(self, folder: Path, broker: Mosquitto) -> None:
        mqtt = {"host": "127.0.0.1", "port": broker.port}
        (folder / "office").mkdir()
        self.host = Host(folder / "office", "none", mqtt=mqtt)
        key = json.loads(self.host.command("office", "init", "--json").stdout)["key"]
        section = broker_at(f"mqtt://127.0.0.1:{broker.port}", base_topic="facelock")
        made = [Door.at(folder, name, key) for name in ("door1", "door2")]
        self.doors = [Linked(one, Broker(section, one.topics.device, MAX_PACKET)) for one in made]
        with opened(self.host.config) as (book, _):
            for one, group in zip(made, ("staff", "kitchen"), strict=True):
                report = one.report()
                book.doors.trust(report, [group, "everywhere"], fingerprint(report.key))

    def add(self, name: str, *groups: str, face: str = "", model: str = MODEL) -> None:
        with opened(self.host.config) as (book, _):
            book.add(Person("", name, groups, model=model), Content(vectors_of(face or name)))

    def office(self, *words: str, away: tuple[int, ...] = ()) -> subprocess.CompletedProcess[str]:
        """A command, while all doors but some attend to the broker."""
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(self.host.command, "office", *words)
            while wait([running], REST_S).not_done:
                for number, door in enumerate(self.doors):
                    if number not in away:
                        door.attend()
            return running.result()

    def told(self, *words: str, away: tuple[int, ...] = ()) -> tuple[int, dict[str, Any]]:
        """The same with `--json`: exit code and result."""
        done = self.office(*words, "--json", away=away)
        result: dict[str, Any] = json.loads(done.stdout)
        assert result["ok"] == (done.returncode == 0), done
        return done.returncode, result

    def close(self) -> None:
        for door in self.doors:
            door.close()


@pytest.fixture
def site(tmp_path: Path, broker: Mosquitto) -> Iterator[Site]:
    made = Site(tmp_path, broker)
    yield made
    made.close()


def rows(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["door"]: row for row in result["doors"]}


def test_a_door_that_is_not_there_in_time_fails_the_command(site: Site) -> None:
    site.add("Anna", "everywhere")
    waited = site.office("publish", *IN_TIME, "--json", away=(1,))
    assert waited.returncode == 1
    assert {name: row["ok"] for name, row in rows(json.loads(waited.stdout)).items()} == {
        "door1": True,
        "door2": False,
    }
    assert "waiting for door2: 2 s" in waited.stderr.splitlines()
    assert site.told("publish", "--door", "door1", away=(1,))[0] == 0, (
        "only what was asked for counts"
    )
    assert site.told("status", away=(0, 1))[0] == 1
    code, result = site.told("publish")
    assert (code, [row["known"] for row in result["doors"]]) == (0, [1, 1])
    assert site.told("status", away=(0, 1))[0] == 0
    unknown = site.office("publish", "--door", "door2", "--door", "attic")
    assert (unknown.returncode, "door1, door2" in unknown.stderr) == (2, True)
    assert rows(site.told("status")[1])["door2"]["desired"] == result["doors"][1]["desired"]


def test_a_book_from_a_backup_brings_nobody_back_unsaid(site: Site, tmp_path: Path) -> None:
    site.add("Anna", "everywhere")
    site.add("Bo", "everywhere")
    site.told("publish")
    book = site.host.config.paths.state / "office" / "office.db"
    shutil.copy(book, tmp_path / "office.db")
    site.office("remove", "Anna")
    assert site.told("publish")[0] == 0
    shutil.copy(tmp_path / "office.db", book)
    site.office("status")  # looks, and takes nothing for granted
    refused = site.office("publish")
    assert refused.returncode == 2
    assert "Anna had been forgotten there since" in refused.stderr
    assert [door.door.names() for door in site.doors] == [{"Bo"}, {"Bo"}]
    site.office("remove", "Anna")
    assert site.told("publish")[0] == 0
    assert [door.door.names() for door in site.doors] == [{"Bo"}, {"Bo"}]
    assert site.told("erased", "Anna")[0] == 0


def test_two_operators_at_once_wait_for_each_other(site: Site) -> None:
    """Once, the second ended the first one's connection."""
    site.add("Anna", "everywhere")
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(site.host.command, "office", "publish") for _ in range(2)]
        while wait(both, REST_S).not_done:
            for door in site.doors:
                door.attend()
    told = [one.result() for one in both]
    assert [one.returncode for one in told] == [0, 0], told
    assert any("waiting for it" in one.stderr for one in told)
    assert [len(door.door.names()) for door in site.doors] == [1, 1]
    wrong = site.office("publish", "--second-key", str(site.host.folder))
    assert (wrong.returncode, "is a folder, and a file is needed" in wrong.stderr) == (2, True)


def test_a_refusal_fails_the_command_and_names_the_person(site: Site) -> None:
    site.add("Anna", "staff")
    site.add("Ella", "staff", face="Anna")
    code, result = site.told("publish")
    row = rows(result)["door1"]
    assert (code, row["state"], row["ok"]) == (1, "refuses 1", False)
    assert set(row["refused"]) <= {"Anna", "Ella"}
    text = site.office("status")
    assert text.returncode == 1
    assert "resembles" in text.stdout
    assert "Of the book it is" in " ".join(text.stdout.split())
    site.office("lookalike", "Ella", "Anna", "--reason", "twins")
    assert site.told("publish")[0] == 0


def test_who_is_left_out_fails_the_command(site: Site) -> None:
    site.add("Anna", "staff")
    site.add("Carl", "staff", model=OTHER_MODEL)
    code, result = site.told("publish")
    assert code == 1
    assert set(rows(result)["door1"]["left_out"]) == {"Carl"}
    assert [row["ok"] for row in result["doors"]] == [False, True]
    assert [row["known"] for row in result["doors"]] == [1, 0]


def test_an_erasure_is_done_once_every_door_says_so(site: Site) -> None:
    site.add("Anna", "everywhere")
    site.told("publish")
    site.office("remove", "anna")
    assert site.told("erased", "Anna")[1]["erased"][0]["said"] == "not yet published"
    code, _ = site.told("publish", *IN_TIME, away=(1,))
    assert code == 1
    code, result = site.told("erased", "Anna")
    assert code == 1
    assert [bool(one["forgotten"]) for one in result["erased"]] == [True, False]
    assert result["erased"][1]["said"] == "not yet at door2"
    site.told("publish")
    assert site.told("erased", "ANNA")[0] == 0
    site.add("Bo", "everywhere")
    site.told("publish")
    site.office("distrust", "door2")
    site.office("remove", "Bo")
    site.told("publish")
    code, result = site.told("erased", "Bo")
    assert code == 1
    assert result["erased"][1]["said"] == "never: door2 is trusted no more"
    shutil.rmtree(site.host.config.paths.state / "office")
    gone = site.office("status")
    assert (gone.returncode, "`edge-door office init`" in gone.stderr) == (2, True)


def kept_for(broker: Mosquitto, device: str) -> set[str]:
    """What the office has left for a door on the broker."""
    reader = Reader(broker.port)
    reader.client.publish("all", "retained", 1)  # heard when the broker has sent what it keeps
    until(lambda: any(message.topic == "all" for message in list(reader.messages)))
    reader.close()
    people = f"facelock/{device}/people/"
    topics = {message.topic for message in reader.messages if message.topic.startswith(people)}
    return {topic.removeprefix(people).split("/")[0] for topic in topics}


def test_nothing_for_a_door_that_is_distrusted_stays_on_the_broker(
    site: Site, broker: Mosquitto
) -> None:
    """Its list stayed for ever; and a command that was cut short could not be given again."""
    site.add("Anna", "everywhere")
    site.told("publish")
    assert kept_for(broker, "door1") == {"reported", "desired", "page", "envelope"}
    with opened(site.host.config) as (book, _):
        book.doors.distrust("door1")  # and no further
    assert site.office("distrust", "door1").returncode == 0
    assert kept_for(broker, "door1") == {"reported"}
    assert kept_for(broker, "door2") == {"reported", "desired", "page", "envelope"}


def test_a_door_they_were_moved_away_from_gives_its_receipt_too(site: Site) -> None:
    site.add("Anna", "everywhere")
    site.told("publish")
    site.office("move", "Anna", "--group", "staff")
    site.office("rename", "Anna", "Anna Berg")
    assert site.told("publish", *IN_TIME, away=(0,))[0] == 1
    site.office("remove", "Anna Berg")
    code, result = site.told("erased", "anna berg")
    assert (code, [one["device"] for one in result["erased"]]) == (1, ["door1", "door2"])
    assert [bool(one["forgotten"]) for one in result["erased"]] == [False, True]
    assert site.told("publish")[0] == 0
    code, result = site.told("erased", "anna berg")
    assert (code, [bool(one["forgotten"]) for one in result["erased"]]) == (0, [True, True])


def test_an_erasure_of_nobody_is_no_success(site: Site) -> None:
    site.add("Bo", "everywhere")
    site.add("Carl", "nowhere")
    for name in ("Nobody", "Bo"):  # nobody's, and of who is in the book still
        code, result = site.told("erased", name)
        assert (code, result["ok"]) == (2, False)
        assert f"nobody called '{name}' was removed" in result["error"]
    site.office("remove", "Carl")  # whom no door was to know
    assert site.told("erased", "carl") == (0, {"ok": True, "erased": []})
    assert site.told("erased")[0] == 0


def test_what_no_door_will_have_is_said_at_the_desk(site: Site, stills: Path) -> None:
    """Before a camera is looked into: an end that is over, a group that no door knows, a card."""
    anna = ("enroll", "Anna", str(stills), "--for-group")
    over = site.host.command(*anna, "staff", "--until", "2020-01-01")
    assert (over.returncode, "until 2020-01-01 00:00, which is over" in over.stderr) == (2, True)
    typed = site.host.command(*anna, "stff")
    assert typed.returncode == 2
    assert "knows a group 'stff'. Did you mean 'staff'?" in typed.stderr
    assert "everywhere, kitchen, staff" in typed.stderr
    card = site.host.command(*anna, "staff", "--card", "my card")
    assert (card.returncode, "This is no card number" in card.stderr) == (2, True)
    hours = site.host.command(*anna, "staff", "--schedule", "sometimes")
    assert (hours.returncode, "'sometimes' is not like" in hours.stderr) == (2, True)
    assert site.host.command("office", "people").stdout.strip() == "Nobody is in the book."
    site.add("Bo", "staff")
    for words, what in (
        (("--group", "kichen"), "Did you mean 'kitchen'?"),
        (("--group", "kitchen", "--until", "2020-01-01"), "which is over"),
        (("--group", "kitchen", "--until", "2126-01-01", "--no-end"), "contradict"),
    ):
        moved = site.host.command("office", "move", "Bo", *words)
        assert (moved.returncode, what in moved.stderr) == (2, True), moved
    again = site.host.command("office", "move", "bo", "--group", "kitchen", "--until", "2126-01-01")
    assert again.returncode == 0, again.stderr
    (row,) = json.loads(site.host.command("office", "people", "--json").stdout)["people"]
    assert (row["groups"], row["doors"], row["until"] is None) == (["kitchen"], ["door2"], False)
    assert site.host.command("office", "move", "Bo").returncode == 2
    site.host.command("office", "move", "Bo", "--no-end")
    (row,) = json.loads(site.host.command("office", "people", "--json").stdout)["people"]
    assert (row["groups"], row["until"]) == (["kitchen"], None)


def test_each_picture_that_is_not_taken_is_named_with_its_reason(
    site: Site, stills: Path, tmp_path: Path
) -> None:
    """As where a door alone enrols."""
    bad = tmp_path / "empty.jpg"
    bad.touch()
    words = ("enroll", "Anna", str(stills), str(bad), "--for-group", "staff")
    done = site.host.command(*words)
    assert (done.returncode, "is in the book." in done.stdout) == (0, True), done.stderr
    assert f"not taken: {bad} is not an image that can be read" in done.stdout
    alone = site.host.command("enroll", "Bo", str(bad), "--for-group", "staff")
    assert (alone.returncode, "empty.jpg is not an image" in alone.stderr) == (1, True), alone
    twice = site.host.command(*words, "--replace", "--json")
    told = json.loads(twice.stdout)
    assert [one["file"] for one in told["refused"]] == [str(bad)]
    (row,) = json.loads(site.host.command("office", "people", "--json").stdout)["people"]
    assert told["number"] == row["number"]


def test_another_face_under_a_name_of_the_book_is_taken_knowingly(
    site: Site, stills: Path, grace: Portrait, tmp_path: Path
) -> None:
    anna = ("enroll", "Anna", "--for-group", "staff")
    assert site.host.command(*anna, str(stills)).returncode == 0
    other = str(save(tmp_path / "grace.png", grace.pixels))
    done = site.host.command(*anna, other, "--replace")
    assert (done.returncode, "enrolled as Anna before" in done.stderr) == (1, True), done
    done = site.host.command(*anna, other, "--replace", "--reason", "a wrong file")
    assert done.returncode == 0, done


def test_who_goes_to_one_door_with_them_is_compared_at_the_desk(site: Site) -> None:
    """Of another group, whom one door knows as well; not who goes to other doors alone."""
    with opened(site.host.config) as (book, _):
        report = site.doors[0].door.report()
        book.doors.trust(report, ["staff", "visitors"], fingerprint(report.key))
        anna = book.add(Person("", "Anna", ("staff",), model=MODEL), Content(vectors_of("Anna")))
        content = Content(vectors_of("Anna"), ("1234567",))
        for group, found in (("visitors", {"Anna"}), ("kitchen", set()), ("nobody", set())):
            ella = Person("", "Ella", (group,), model=MODEL)
            assert set(resembling(book, ella, content, ALIKE)) == found
        ella = book.add(Person("", "Ella", ("kitchen",), model=MODEL), content)
    moved = site.office("move", "Ella", "--group", "visitors")
    assert (moved.returncode, "there they would meet Anna" in moved.stderr) == (1, True)
    site.office("lookalike", "Ella", "Anna", "--reason", "sisters")
    assert site.office("move", "Ella", "--group", "visitors").returncode == 0
    with opened(site.host.config) as (book, _), pytest.raises(UsageError, match="Ella has a card"):
        require_cards(book, anna, content)


def test_a_name_in_the_book_is_refused_before_anybody_looks_into_a_camera(site: Site) -> None:
    site.add("Anna", "staff")
    done = site.host.command("enroll", "anna", "--camera", "--for-group", "staff")
    assert done.returncode == 2
    assert "Anna is in the book already" in done.stderr


def test_a_key_of_no_office_is_told_before_anybody_looks_into_a_camera(tmp_path: Path) -> None:
    here = {"host": "127.0.0.1"}
    door = Host(tmp_path, "/dev/video99", mqtt=here, people={"office": "AAAA"})
    done = door.command("enroll", "Anna", "--camera", "--for-group", "staff")
    assert done.returncode == 2
    assert "people.office: a door's or office's key has" in done.stderr
