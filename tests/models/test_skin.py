"""The training of the skin network: what its sum learns, and what is kept of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from models.build.recapture.data import Label
from models.build.recapture.lessons import Lessons
from models.build.recapture.light import in_skin_light
from models.build.recapture.taught import SURE, TAUGHT
from models.build.skin import train
from models.build.skin.head import Sum, learn, weights
from models.build.skin.shape import SIZE, TOWERS
from models.build.surroundings.shape import BLOCKS
from models.build.surroundings.student import Student, layers

if TYPE_CHECKING:
    from pathlib import Path

SKIN = [1.28, 0.95, 0.77]


def label(source: str, *, attack: bool = False, kind: str = "pad", made: bool = False) -> Label:
    return Label(attack=attack, source=source, person="", kind=kind, made=made)


def test_sources_weigh_alike_and_attacks_as_much_as_living_faces() -> None:
    labels = [label("large", attack=True)] * 600 + [label("small", attack=True)] * 100
    labels += [label("large")] * 300 + [label("few")] * 6
    weight = weights(labels)
    assert weight[:600].sum() == pytest.approx(weight[600:700].sum())
    assert weight[:700].sum() == pytest.approx(1.0) == pytest.approx(weight[700:].sum())
    assert weight[1000:].sum() == pytest.approx(0.1 * weight[700:1000].sum())


def test_the_sum_learns_what_holds_everywhere_from_what_it_may() -> None:
    """The first number tells attacks in every source, the second one in one source alone."""
    random = np.random.default_rng(1)
    labels, values = [], []
    for number in range(1200):
        source, attack = "abc"[number % 3], bool(number // 3 % 2)
        told = random.normal(attack * 2.0), random.normal((attack if source == "a" else 0) * 6.0)
        labels.append(label(source, attack=attack))
        values.append(told)
    given = np.array(values)
    a = np.array([each.source == "a" for each in labels])
    attacks = np.array([each.attack for each in labels])
    without = learn(given, labels, ~a)
    assert abs(without.weights[1]) < 0.2 * without.weights[0]
    right = (without(given[a]) > 0) == attacks[a]
    assert right.mean() > 0.8
    assert learn(given, labels, a).weights[1] > 1


def test_a_crop_in_skin_light_is_as_the_door_makes_it() -> None:
    crops = torch.rand(3, 3, SIZE, SIZE) * 0.5
    lit = in_skin_light(crops, TOWERS[0].scale)
    middle = lit[..., 32:96, 32:96].mean((2, 3))
    assert middle / middle.mean(1, keepdim=True) == pytest.approx(
        torch.tensor([SKIN] * 3), abs=5e-3
    )


def test_what_is_kept_is_what_the_build_reads_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    towers = [Student(tower.cells).eval() for tower in TOWERS]
    count = 4
    found = Lessons(
        [label("a")] * count,
        tuple(np.full((count, size, size, 3), 90, np.uint8) for size in (128, 80, 80)),
    )
    monkeypatch.setattr(train, "HERE", tmp_path)
    monkeypatch.setattr(train, "CALIBRATION", count)
    total = Sum(np.random.default_rng(0).normal(0, 0.1, len(TOWERS) * TAUGHT), 0.5)
    with torch.no_grad():
        values = train.seen(towers, found, np.arange(count))
        train.keep(towers, total, found)
        said = [
            SURE * tower.odds(torch.from_numpy(part).float())[:, 0]
            for tower, part in zip(towers, np.split(values, len(TOWERS), axis=1), strict=True)
        ]
    assert sum(said).numpy() == pytest.approx(total(values) - total.bias, abs=1e-3)
    with np.load(tmp_path / "skin.npz") as kept:
        names = {f"{n}.{name}" for n, tower in enumerate(towers) for name in layers(tower)}
        assert set(kept.files) == {
            f"{name}.{part}" for name in [*names, "out"] for part in ("kernel", "bias")
        }
    told = set(json.loads((tmp_path / "ranges.json").read_text()))
    sums = {
        f"{k}.blocks.{n}.sum"
        for k in range(len(TOWERS))
        for n, block in enumerate(BLOCKS)
        if block.stride == 1
    }
    assert told == names | sums | {"image"}
