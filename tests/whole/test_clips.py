"""The whole door on real people: enrol from a clip's first second, then let clips be the camera."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from edge.records import EventKind, Reason
from tests.support.guarding import Lateness
from tests.support.running import PULSE_S, Door

ENROLLED = "repeating_video"
"""Six labelled blinks, and a face that is easy to tell."""
OTHERS = ("lp_d18", "tps_driving")
MORE_OTHERS = ("sad_hill", "vrt_4", "headgan_driving")
"""With those of every clip, where there is time."""


def judged(folder: Path, clips: Path, clip: str, enrol_from: str = ENROLLED) -> Door:
    """Run the door on one clip to its end."""
    door = Door(folder, clips / f"{clip}.mp4")
    door.enroll("Owner", "--from", str(clips / f"{enrol_from}.mp4"), "--first", "1")
    with door:
        door.wait_for(Reason.STARTED)
        door.wait_for(Reason.CAMERA_LOST)  # a film ends
    return door


def access(door: Door) -> list[Reason]:
    return [event.reason for event in door.events() if event.kind is EventKind.ACCESS]


def test_the_person_who_blinks_is_granted_once(tmp_path: Path, clips: Path) -> None:
    with Lateness() as here:
        door = judged(tmp_path, clips, ENROLLED)
    assert access(door).count(Reason.GRANTED) == 1, door.log()
    assert door.pulses() == [here.lasting(PULSE_S)]


@pytest.mark.parametrize(
    "clip", [*OTHERS, *(pytest.param(clip, marks=pytest.mark.slow) for clip in MORE_OTHERS)]
)
def test_others_are_never_granted(tmp_path: Path, clips: Path, clip: str) -> None:
    door = judged(tmp_path, clips, clip)
    assert Reason.NO_MATCH in access(door), door.log()
    assert Reason.GRANTED not in access(door)
    assert door.pulses() == []


def test_the_person_who_does_not_blink_is_never_granted(tmp_path: Path, clips: Path) -> None:
    door = judged(tmp_path, clips, "center_focus", enrol_from="center_focus")
    assert Reason.GRANTED not in access(door), door.log()
    assert door.pulses() == []


@pytest.mark.slow
@pytest.mark.timeout(1800)  # films last as long as they do
def test_every_clip_against_one_person(tmp_path: Path, clips: Path) -> None:
    with (clips / "clips.csv").open(newline="") as table:
        files = [row["file"] for row in csv.DictReader(table) if row["person"] != ENROLLED]
    granted = []
    for number, file in enumerate(files):
        folder = tmp_path / str(number)
        folder.mkdir()
        door = Door(folder, clips / file)
        door.enroll("Owner", "--from", str(clips / f"{ENROLLED}.mp4"), "--first", "1")
        with door:
            door.wait_for(Reason.STARTED)
            door.wait_for(Reason.CAMERA_LOST, 120)
        if Reason.GRANTED in access(door) or door.pulses():
            granted.append(file)
    assert granted == []
