"""The training of the recapture network: what is drawn, what is altered, what is kept."""

from __future__ import annotations

import cv2
import numpy as np
import torch

from edge.vision.liveness import views
from models.build.recapture import alter
from models.build.recapture import light as light_of
from models.build.recapture.crops import tensor_of
from models.build.recapture.data import SET_ASIDE, Label
from models.build.recapture.learn import TRUSTED, joined
from models.build.recapture.lessons import Drawing, Lessons
from models.build.recapture.shape import SCALES, SIZE, STAGES
from models.build.recapture.student import Student, Tower, fold, layers, ranges
from models.build.recapture.taught import SURE


def of(source: str, *, made: bool) -> Label:
    return Label(attack=False, source=source, person="", kind="pad2", made=made)


def test_the_first_student_is_shown_nothing_that_is_unseen() -> None:
    sources = ["pourfard", "trainingdata", SET_ASIDE[0]]  # the second is in the fold held out
    labels = [of(source, made=made) for source in sources for made in (False, True)]
    lessons = Lessons(labels, ())
    assert list(lessons.unseen) == [False, False, True, False, True, False]
    random = np.random.default_rng(0)
    assert set(Drawing(lessons, everything=False)(random, 200)) == {0, 1}
    assert set(Drawing(lessons, everything=True)(random, 200)) == set(range(6))


def test_altered_crops_stay_pictures() -> None:
    random = np.random.default_rng(0)
    crops = torch.from_numpy(random.random((24, 3, SIZE, SIZE), np.float32))
    altered = alter.altered(crops, random)
    assert altered.shape == crops.shape
    assert altered.dtype == torch.float32
    assert 0 <= altered.min() <= altered.max() <= 1
    plain = {tuple(c.flatten()[:9].tolist()) for c in torch.cat([crops, crops.flip(-1)])}
    same = [tuple(c.flatten()[:9].tolist()) in plain for c in altered]
    assert sum(same) == round(alter.UNTOUCHED * len(crops))


def test_a_light_over_the_whole_picture_is_taken_out_as_the_product_does() -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(40, 150, (4, len(SCALES), SIZE, SIZE, 3), np.uint8)
    light = np.array((1.3, 1.0, 0.7))
    plain, tinted = (
        light_of.in_grey_light(tensor_of(picture.astype(np.uint8)))
        for picture in (pixels, pixels * light)
    )
    lights = [views.grey_light(list(face)) for face in pixels]
    product = np.stack(
        [
            [cv2.LUT(view, light) for view in face]
            for face, light in zip(pixels, lights, strict=True)
        ]
    )
    assert torch.allclose(plain, tinted, atol=0.02)
    assert torch.allclose(plain, tensor_of(product), atol=0.01)


def test_faces_in_coloured_light_stay_pictures_and_some_stay_as_they_were() -> None:
    crops = torch.full((64, len(SCALES), 3, SIZE, SIZE), 0.5)
    seen = light_of.in_coloured_light(crops, SCALES, np.random.default_rng(0))
    assert seen.shape == crops.shape
    assert 0 <= seen.min() <= seen.max() <= 1
    spread = seen.amax((1, 3, 4)) - seen.amin((1, 3, 4))
    assert 0 < (spread.amax(1) > 1e-3).float().mean() < 1  # lit by two lights, or by one


def test_a_student_begins_with_what_its_teachers_would_say() -> None:
    torch.manual_seed(0)
    towers = [Tower().eval() for _ in SCALES]
    crops = torch.rand(2, len(SCALES), 3, SIZE, SIZE)
    with torch.no_grad():
        each = [tower.imitation(crops[:, k])[1] for k, tower in enumerate(towers)]
        said = joined(towers)(crops)
    assert torch.allclose(said, TRUSTED * SURE * torch.stack(each).sum(0), atol=1e-4)


def test_what_is_kept_is_what_the_build_reads() -> None:
    student = Student().eval()
    kept = fold(student)
    names = set(layers(student))
    assert {f"{name}.{part}" for name in [*names, "out"] for part in ("kernel", "bias")} == set(
        kept
    )
    blocks = sum(block.stride == 1 for stage in STAGES for block in stage)
    found = ranges(student, torch.rand(2, len(SCALES), 3, SIZE, SIZE))
    sums = {name for name in found if name.endswith(".sum")}
    assert len(sums) == blocks * len(SCALES)
    assert set(found) == names | sums | {"image", "seen"}
    assert all(low <= 0 <= high for low, high in found.values())
