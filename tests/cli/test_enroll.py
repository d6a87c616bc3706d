"""Enrolment as people type it: files as they come, each refused one with its reason."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.ops.demo.animate import Portrait
from edge.ops.demo.film import enrolment_pictures
from edge.ops.pictures import Refused, people_below
from edge.records import Reason
from tests.support.pictures import save
from tests.support.running import Door

if TYPE_CHECKING:
    pass


def test_files_as_they_come_and_each_refused_one_named(
    door: Door, stills: Path, eileen: Portrait, grace: Portrait
) -> None:
    folder = door.folder / "mixed"
    good = sorted(stills.iterdir())
    (folder / "empty.jpg").parent.mkdir()
    (folder / "empty.jpg").touch()
    save(folder / "grey.png", np.full((300, 300, 3), 120, np.uint8))
    small = cv2.resize(eileen.pixels, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
    save(folder / "small.png", small)
    save(folder / "grace.png", grace.pixels)
    (folder / "good.png").write_bytes(good[0].read_bytes())
    (folder / "same.png").write_bytes(good[0].read_bytes())
    several = [str(path) for path in good[1:4]]
    pattern = str(stills / "*0.*")
    done = door.command("enroll", "Eileen", str(folder), *several, pattern, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["captures"] >= 3
    whys = {Path(one["file"]).name: one["why"] for one in found["refused"]}
    assert "is not an image that can be read" in whys["empty.jpg"]
    assert whys["grey.png"] == "no face was found in it"
    assert "too small" in whys["small.png"]
    assert whys["same.png"] == "it is nearly the same picture as one before"
    assert whys["grace.png"] == "it shows somebody else than most of the others"
    assert "good.png" not in whys
    assert not any("centre" in why for why in whys.values())


def test_few_pictures_are_taken_with_a_warning(door: Door, eileen: Portrait) -> None:
    one = save(door.folder / "one.png", eileen.pixels)
    done = door.command("enroll", "Eileen", str(one))
    assert done.returncode == 0
    assert "1 capture" in done.stdout
    assert "With 3 or more different pictures they" in done.stdout
    again = door.command("enroll", "eileen ", str(one))
    assert again.returncode == 2
    assert "--replace" in again.stderr
    filmed = door.command("enroll", "EILEEN", "--camera")
    assert filmed.returncode == 2
    assert "EILEEN is enrolled already" in filmed.stderr  # and not that there is no camera
    renewed = door.command("enroll", "EILEEN", str(one), "--replace")
    assert renewed.returncode == 0
    people = json.loads(door.command("people", "list", "--json").stdout)["people"]
    assert [person["name"] for person in people] == ["Eileen"]


def test_another_face_under_somebodys_name_is_taken_knowingly_and_recorded(
    door: Door, eileen: Portrait, grace: Portrait
) -> None:
    """A picture mistaken for another gave a stranger Eileen's rights, and nobody was told."""
    door.enroll("Eileen", str(save(door.folder / "eileen.png", eileen.pixels)))
    other = str(save(door.folder / "grace.png", grace.pixels))
    done = door.command("enroll", "eileen", other, "--replace")
    assert done.returncode == 1
    assert "hardly show who was enrolled as Eileen before" in done.stderr
    assert Reason.ENROLLED not in [event.reason for event in door.events()[2:]]
    door.enroll("eileen", other, "--replace", "--reason", "the first was her sister's")
    assert door.events()[-1].detail["why"] == "the first was her sister's"
    alone = door.command("enroll", "Ida", other, "--reason", "a whim")
    assert alone.returncode == 2


def test_a_lookalike_is_taken_knowingly_and_recorded(door: Door, stills: Path) -> None:
    door.enroll("Eileen", str(stills))
    consent = ["--lookalike", "eileen", "--reason", "twin sisters"]
    done = door.command("enroll", "Ellen", str(stills), *consent)
    assert done.returncode == 0, done.stderr
    (event,) = [e for e in door.events() if e.reason is Reason.ENROLLED and e.person == "Ellen"]
    assert (event.detail["lookalikes"], event.detail["why"]) == ("Eileen", "twin sisters")
    without = door.command("enroll", "Ella", str(stills), *consent[:2])
    assert without.returncode == 2


def test_a_folder_of_folders_enrols_many(
    door: Door, tmp_path: Path, stills: Path, grace: Portrait
) -> None:
    album = tmp_path / "album"
    album.mkdir()
    enrolment_pictures(grace, album / "Grace")
    for index, path in enumerate(sorted(stills.iterdir())[:3]):
        (album / "Eileen").mkdir(exist_ok=True)
        (album / "Eileen" / f"{index}.png").write_bytes(path.read_bytes())
    save(album / "Wall" / "1.png", np.full((300, 300, 3), 120, np.uint8))
    for name in ("Nobody", ".thumbnails", "Z" * 70):
        (album / name).mkdir()
    done = door.command("enroll", "--from", str(album), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    captures = {one["name"]: one["captures"] for one in found["people"]}
    assert captures["Eileen"] >= 2
    assert captures["Grace"] >= 3
    assert found["not_enrolled"] == ["Nobody", "Wall", "Z" * 70]
    problems = {one["name"]: one["problem"] for one in found["people"]}
    assert problems["Wall"] == "none of the pictures can be used"
    assert "holds no image" in problems["Nobody"]
    assert "is not a name" in problems["Z" * 70]


def test_folders_are_people_however_their_names_are_written(tmp_path: Path) -> None:
    persian, malayalam = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\u0d05\u0d28\u0d3f\u0d7d"
    names = ["O'Brien", "Ana 🦊", persian, malayalam, "[red]", "-r", "Zoe\u0308", "Zo\u00eb"]
    for name in (*names, ".git", "@eaDir", "__MACOSX"):
        (tmp_path / name).mkdir()
    found = people_below(tmp_path)
    assert set(found) == {*names[:6], "Zo\u00eb"}
    assert len(found["Zo\u00eb"]) == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "say who it is"),
        (["--camera"], "say who it is"),
        (["Anna"], "either FILE... or --camera"),
        (["--from", "BARE"], "holds no folders"),
        (["Anna", "/no/such/*.jpg"], "nothing is called like /no/such/*.jpg"),
        (["Anna", "/no/such.jpg"], "/no/such.jpg cannot be read: No such file"),
        (["Anna", "Berg", "/no/such.jpg"], "put quotes around the whole name"),
        (["Anna", "/no/such"], "/no/such cannot be read: No such file"),
        (["Anna", "BARE"], "holds no image"),
        (["Anna", "--camera"], "no camera, film or folder at /dev/video99. Is [camera] source"),
    ],
)
def test_what_cannot_be_gets_a_sentence(
    door: Door, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "bare").mkdir()
    arguments = [str(tmp_path / "bare") if word == "BARE" else word for word in arguments]
    done = door.command("enroll", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not door.config.people_db.exists()


def test_a_refused_file_is_named_once() -> None:
    assert Refused("/a/x.png", "the face is blurred").sentence == "/a/x.png: the face is blurred"
    whole = "/a/x.png has 9000 x 9000 pixels"
    assert Refused("/a/x.png", whole).sentence == whole


def test_a_file_that_may_not_be_read_is_a_mistake_of_usage(door: Door) -> None:
    """Here a pipe, since root may read every file."""
    os.mkfifo(door.folder / "pipe.png")
    done = door.command("enroll", "Anna", str(door.folder / "pipe.png"))
    assert done.returncode == 2
    assert "pipe.png cannot be read: it is not an ordinary file" in done.stderr
