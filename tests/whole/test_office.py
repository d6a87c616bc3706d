"""People from the centre, on real programs: an office, a broker, a door with camera and relay."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from edge.link.broker import Broker
from edge.link.topics import Message, Topics
from edge.office.keys import OfficeKeys
from edge.office.post import open_post
from edge.ops.demo.film import enrolment_pictures
from edge.records import Reason
from edge.vault.vault import open_vault
from tests.conftest import ROOT
from tests.support.link_parts import Mosquitto, needs_mosquitto
from tests.support.running import Door
from tests.support.small_disk import disk, fill
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from edge.ops.demo.animate import Portrait

pytestmark = needs_mosquitto
PATIENCE_S = 120.0


class Office(Door):
    """A host with a people office: a configuration and a broker, no camera."""

    def json(self, *arguments: str) -> dict[str, Any]:
        done = self.command("office", *arguments, "--json")
        assert done.returncode in (0, 1), done.stdout + done.stderr
        result: dict[str, Any] = json.loads(done.stdout or "{}")
        assert (done.returncode == 0) == result.get("ok", True), done.stdout + done.stderr
        return result

    def knows(self, device: str) -> bool:
        """Whether this door has reported to the broker."""
        with open_post(self.config) as post:
            return post.listen(lambda: device in post.reports)

    def doors(self, *arguments: str) -> dict[str, dict[str, Any]]:
        return {row["door"]: row for row in self.json(*arguments)["doors"]}


@pytest.fixture
def office(tmp_path: Path, broker: Mosquitto) -> Office:
    folder = tmp_path / "office"
    folder.mkdir()
    made = Office(folder, "none", mqtt={"host": "127.0.0.1", "port": broker.port})
    made.json("init")
    return made


def door_of(
    tmp_path: Path,
    office: Office,
    name: str,
    source: Path,
    broker: Mosquitto,
    **tables: dict[str, Any],
) -> Door:
    folder = tmp_path / name
    folder.mkdir()
    made = office.json("init")
    return Door(
        folder,
        source,
        **tables,
        device={"id": "test"},
        camera={"source": str(source), "loop": True},
        mqtt={"host": "127.0.0.1", "port": broker.port},
        people={"keys": [made["key"]], "office": made["office"]},
    )


def trusted(office: Office, door: Door) -> None:
    shown = json.loads(door.command("people", "key", "--json").stdout)
    until(lambda: office.knows("test"), PATIENCE_S)
    words = ("trust", "test", "--group", "staff", "--fingerprint", shown["fingerprint"])
    done = office.command("office", *words, "--json")
    assert done.returncode == 0, done.stderr + door.log()


def test_enrolled_once_known_at_the_door_removed_once_forgotten(
    tmp_path: Path, office: Office, broker: Mosquitto, visitor: tuple[Path, Path]
) -> None:
    film, stills = visitor
    door = door_of(tmp_path, office, "door", film, broker)
    with door:
        door.wait_for(Reason.STARTED)
        trusted(office, door)
        office.enroll("Eileen", str(stills), "--for-group", "staff", "--card", "1234567")
        state = office.doors("publish")["test"]
        assert (state["state"], state["known"]) == ("as it should be", 1), door.log()
        door.wait_for(Reason.GRANTED, PATIENCE_S)
        until(door.pulses, PATIENCE_S)
        number = office.json("people")["people"][0]["number"]
        office.json("remove", "Eileen")
        state = office.doors("publish")["test"]
        assert (state["state"], state["known"]) == ("as it should be", 0), door.log()
        assert set(state["erased"]) == {number}
        granted = door.reasons().count(Reason.GRANTED)
        door.wait_for(Reason.REMOVED)
    with open_vault(door.config) as vault:
        assert vault.people() == []
    after = door.reasons()
    assert after[after.index(Reason.REMOVED) :].count(Reason.GRANTED) == 0
    assert after.count(Reason.GRANTED) == granted


def test_what_others_publish_makes_nobody_known(
    tmp_path: Path, office: Office, broker: Mosquitto, visitor: tuple[Path, Path]
) -> None:
    """An office of their own, an old list again, and rubbish."""
    film, stills = visitor
    door = door_of(tmp_path, office, "door", film, broker)
    (tmp_path / "rogue").mkdir()
    rogue = Office(tmp_path / "rogue", "none", mqtt={"host": "127.0.0.1", "port": broker.port})
    rogue.json("init")
    with door:
        door.wait_for(Reason.STARTED)
        trusted(rogue, door)
        rogue.enroll("Mallory", str(stills), "--for-group", "staff")
        topic = Topics("facelock", "test").people_desired
        with Broker(rogue.config.mqtt, "anybody").connect() as connection:
            for rubbish in (b"{}", b"\xff" * 50_000, b"[" * 10_000):
                connection.publish(Message(topic, rubbish, retain=True))
                connection.poll(0.1)
        state = rogue.doors("publish", "--wait", "1")["test"]
        assert state["known"] == 0
        door.wait_for(Reason.ROSTER_REFUSED)
        state = rogue.doors("status")["test"]
        assert any("signed by 0 of the keys" in why for why in state["refused"].values()), state
    with open_vault(door.config) as vault:
        assert vault.people() == []
    assert OfficeKeys(rogue.config.paths.state / "office" / "people.key").public not in (
        door.config.people.keys
    )


PAGE = ROOT / "deploy" / "guide" / "people.md"


def of_page() -> list[str]:
    """Every command of the guide's page, in its order."""
    lines = re.findall(
        r"`(edge-door [^`]+)`|^(?:sudo )?(edge-door [^#\n]+)", PAGE.read_text(), re.MULTILINE
    )
    return [(quoted or line).strip() for quoted, line in lines]


def test_every_command_of_the_guides_page_works(
    tmp_path: Path,
    office: Office,
    broker: Mosquitto,
    visitor: tuple[Path, Path],
    grace: Portrait,
) -> None:
    """From nothing to an erasure request, as the page tells it, on a door with a camera."""
    film, stills = visitor
    photos = {"photos/anna": stills, "photos/guest": enrolment_pictures(grace, tmp_path / "grace")}
    door = door_of(tmp_path, office, "door", film, broker)
    with door:
        door.wait_for(Reason.STARTED)
        shown = json.loads(door.command("people", "key", "--json").stdout)
        until(lambda: office.knows("test"), PATIENCE_S)
        for line in of_page():
            words = shlex.split(line)[1:]
            words = [shown["fingerprint"] if word == "1a2b ..." else word for word in words]
            words = [str(photos.get(word, word)) for word in words]
            words = ["test" if word == "door1" else word for word in words]
            if words[0] == "pki" or words[:2] == ["office", "lookalike"] or "photos/new" in words:
                continue  # tests/fleet/test_pki.py and the test below have them
            host: Door = door if "--camera" in words or words[0] == "people" else office
            done = host.command(*words)
            assert done.returncode == 0, (line, done.stdout, done.stderr, door.log())
            if words[:2] == ["office", "erased"] and "--json" in words:
                (erased,) = json.loads(done.stdout)["erased"]
                assert (erased["device"], erased["obeyed"]) == ("test", 1)
                assert erased["forgotten"] is not None
        assert [one["name"] for one in office.json("people")["people"]] == ["Bo"]
        assert Reason.OFFERED in door.reasons()


def test_who_resembles_somebody_in_the_book_is_refused_at_the_desk(
    office: Office, visitor: tuple[Path, Path], grace: Portrait
) -> None:
    """As at a door: the same face under two names, until somebody says that they are two."""
    _, stills = visitor
    office.enroll("Anna", str(stills), "--for-group", "staff")
    ella = ("enroll", "Ella", str(stills), "--for-group", "staff")
    refused = office.command(*ella)
    assert refused.returncode == 1
    assert "the face of Ella resembles that of Anna" in refused.stderr
    office.enroll("Ella", *ella[2:], "--lookalike", "Anna", "--reason", "twins")
    folder = office.folder / "photos"
    (folder / "Nobody").mkdir(parents=True)
    shutil.copytree(enrolment_pictures(grace, office.folder / "grace"), folder / "Grace")
    shutil.copytree(stills, folder / "Twin of Anna")
    many = office.command("enroll", "--from", str(folder), "--for-group", "staff", "--json")
    told = {one["name"]: one for one in json.loads(many.stdout)["people"]}
    assert many.returncode == 1
    assert told["Grace"]["captures"] > 2
    assert "resembles that of Anna" in told["Twin of Anna"]["problem"]
    assert told["Nobody"]["problem"]
    assert {one["name"] for one in office.json("people")["people"]} == {"Anna", "Ella", "Grace"}
    assert "no door's key or database" in office.command("people", "list").stderr
    office.enroll("Elsewhere", str(stills), "--for-group", "kitchen")
    office.json("lookalike", "Elsewhere", "Anna", "--reason", "as a test")
    silent = office.command("office", "lookalike", "Ella", "Anna", "--reason", " ")
    assert (silent.returncode, "--reason says why" in silent.stderr) == (2, True)
    alone = office.command("office", "lookalike", "Ella", "ELLA", "--reason", "as a test")
    assert (alone.returncode, "are one name" in alone.stderr) == (2, True)


@pytest.mark.slow
def test_a_door_without_room_says_so_and_goes_on_by_itself(
    tmp_path: Path, office: Office, broker: Mosquitto, visitor: tuple[Path, Path]
) -> None:
    """`tests/fleet/test_bad_luck.py`, with all programs and the broker."""
    film, stills = visitor
    with disk(tmp_path / "disk", "12m") as place:
        state = {"state": str(place)}
        door = door_of(tmp_path, office, "door", film, broker, paths=state)
        with door:
            door.wait_for(Reason.STARTED)
            trusted(office, door)
            filler = fill(place)
            office.enroll("Eileen", str(stills), "--for-group", "staff")
            told = office.doors("publish")["test"]
            assert "disk is full" in told["refused"]["the list"], (told, door.log())
            assert (told["known"], door.pulses()) == (0, [])
            filler.unlink()
            until(lambda: office.doors("status")["test"]["state"] == "as it should be", PATIENCE_S)
            door.wait_for(Reason.GRANTED, PATIENCE_S)
            assert door.reasons().count(Reason.LEDGER_BACK) == 1
        with open_vault(door.config) as vault:
            assert [person.name for person in vault.people()] == ["Eileen"]
