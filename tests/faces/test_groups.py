"""Small faces in a large picture: a group is found as a whole, and enrolled as nobody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge import extract_faces, find, verify
from edge.config import Config
from edge.errors import NoFaceError
from edge.ops.demo.animate import Portrait
from edge.ops.pictures import Sources, gather
from edge.records import Box, Face, Frame
from edge.vision.parts import LEAST_PX, sides_of_parts
from edge.vision.stages import Stages
from edge.vision.still import _look_again, faces_in, still
from tests.support.pictures import save

if TYPE_CHECKING:
    from edge.records import Pixels

WIDTHS = (60, 72, 84, 100, 66, 78, 90, 96)
"""Of the faces, pixels."""
SIZE = (1600, 1067)


def group(people: list[Portrait]) -> tuple[Pixels, list[Box]]:
    """Eight faces in two rows before a wall, by turns of these people; and where they are."""
    width, height = SIZE
    shading = np.linspace(90, 150, width, dtype=np.float32)
    picture = np.repeat(np.repeat(shading[None, :, None], height, 0), 3, 2).astype(np.uint8)
    boxes = []
    for number, wide in enumerate(WIDTHS):
        portrait = people[number % len(people)]
        points = portrait.landmarks.points[:, :2]
        left, right = points[:, 0].min(), points[:, 0].max()
        zoom = wide / float(right - left)
        x, y = points.mean(axis=0)
        row, column = divmod(number, 4)
        place = np.array([[zoom, 0, 130 - zoom * x], [0, zoom, 130 - zoom * y]], np.float32)
        cell = cv2.warpAffine(portrait.pixels, place, (260, 260), borderMode=cv2.BORDER_REPLICATE)
        at = 60 + 400 * column, 140 + 430 * row
        picture[at[1] : at[1] + 260, at[0] : at[0] + 260] = cell
        boxes.append(Box(at[0] + 130 - wide / 2, at[1] + 130 - wide / 2, wide, wide))
    return picture, boxes


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory, eileen: Portrait, grace: Portrait) -> Path:
    picture, _ = group([eileen, grace])
    return save(tmp_path_factory.mktemp("group") / "group.png", picture)


def test_everybody_in_a_group_is_found_once(photo: Path, eileen: Portrait, grace: Portrait) -> None:
    _, boxes = group([eileen, grace])
    found = extract_faces(photo)
    assert len(found) == len(boxes)
    for box in boxes:
        x, y = box.centre
        (one,) = (f for f in found if abs(f.box.centre[0] - x) + abs(f.box.centre[1] - y) < 40)
        assert one.box.width == pytest.approx(box.width, rel=0.4)


def test_a_group_is_searched_and_not_compared_as_one(
    photo: Path, tmp_path: Path, eileen: Portrait
) -> None:
    alone = save(tmp_path / "album" / "eileen.png", eileen.pixels)
    answers = find(photo, alone.parent, silent=True)
    assert [bool(each) for each in answers].count(True) == 4  # every other one is her
    with pytest.raises(NoFaceError, match="shows 8 faces"):
        verify(photo, alone)


def test_a_group_is_enrolled_as_nobody(photo: Path, stages: Stages) -> None:
    gathered = gather(Config(), stages, Sources((photo,)), lambda *_: None)
    (refused,) = gathered.refused
    assert refused.why == "it shows several faces; cut it to one person"


def test_who_is_far_behind_the_nearest_is_no_second_person(
    stages: Stages, tmp_path: Path, eileen: Portrait
) -> None:
    picture, boxes = group([eileen])
    x, y = eileen.landmarks.points[:, :2].mean(axis=0)
    zoom = np.array([[4, 0, 400 - 4 * x], [0, 4, 400 - 4 * y]], np.float32)
    head = cv2.warpAffine(eileen.pixels, zoom, (800, 800), borderMode=cv2.BORDER_REPLICATE)
    picture[200:1000, 400:1200] = head
    widths = [face.box.width for face in faces_in(still(picture), stages)]
    assert len(widths) == 1 + sum(not 300 < box.left < 1200 for box in boxes)
    assert max(widths) > 300
    gathered = gather(
        Config(), stages, Sources((save(tmp_path / "one.png", picture),)), lambda *_: None
    )
    assert not gathered.refused
    assert len(gathered.collector.embeddings) == 1


def test_a_picture_that_shows_all_at_once_is_looked_at_once(
    stages: Stages, eileen: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    detect = stages.detector.detect

    def counted(frame: Frame) -> list[Face]:
        looks.append(frame)
        return detect(frame)

    monkeypatch.setattr(stages.detector, "detect", counted)
    small = cv2.resize(eileen.pixels, (250, 250))
    assert len(faces_in(still(small), stages)) == 1
    assert len(looks) == 1
    portrait = cv2.resize(eileen.pixels, (1500, 1500))
    looks.clear()
    assert len(faces_in(still(portrait), stages, near=True)) == 1
    near = len(looks)
    looks.clear()
    assert len(faces_in(still(portrait), stages)) == 1
    assert near < len(looks) / 2


@pytest.mark.parametrize(("width", "height"), [(1600, 1067), (640, 480), (8000, 6000), (320, 4000)])
def test_parts_grow_smaller_down_to_the_least_face(stages: Stages, width: int, height: int) -> None:
    sides = sides_of_parts(still(np.zeros((height, width, 3), np.uint8)), stages.detector)
    longest = max(width, height)
    for before, side in zip([longest, *sides], sides, strict=False):
        assert before / 2 - 1e-6 <= side < before
    least = sides[-1] * 20 / stages.detector.size
    assert least == pytest.approx(max(LEAST_PX, longest / 60))


def test_a_strip_costs_no_memory_by_its_length(stages: Stages) -> None:
    """A panorama's second look was a square as wide as it is, and half as much again."""
    assert faces_in(still(np.zeros((3, 60_000, 3), np.uint8)), stages) == []


def test_a_view_that_is_made_smaller_shows_the_same_face(
    stages: Stages, pictures: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = still(pictures[0])
    whole = _look_again(frame, stages.detector, 1.6)
    monkeypatch.setattr("edge.vision.still.VIEW_PX", 300)
    smaller = _look_again(frame, stages.detector, 1.6)
    assert len(smaller) == len(whole) == 1
    assert smaller[0].box.iou(whole[0].box) > 0.9
    apart = np.abs(smaller[0].keypoints - whole[0].keypoints).max()
    assert apart < 0.05 * whole[0].box.width
