"""Train the skin network: `python -m models.build.skin.train --work FOLDER`.

Two towers learn to see what their teachers see, block by block and then whole, as the surroundings
network does (`surroundings/train.py`); teachers and towers are shown faces in skin light. What both
see of a face is then taken for what the collections' labels say by one sum, the only thing that
labels teach: labels of few places make a whole network forget what holds everywhere.

The report leaves each source out of that sum in turn. FOLDER is the recapture network's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from edge.evaluate.liveness.crops import CropRates
from models.build.recapture.crops import tensor_of
from models.build.recapture.lessons import gather, options
from models.build.recapture.light import in_coloured_light, in_skin_light
from models.build.recapture.taught import SURE, TAUGHT
from models.build.skin.head import Sum, learn
from models.build.skin.shape import TOWERS, Tower
from models.build.surroundings.student import Student, fold, ranges
from models.build.surroundings.train import Task, imitate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.build.recapture.data import Label
    from models.build.recapture.lessons import Lessons

HERE = Path(__file__).parent
STEPS, WHOLE = 3000, 0.5
COARSE = 80
"""Half of the faces are shown to a tower of more pixels as if they had been only so large."""
EACH, LFW, UTK, FILMS, MADE = 200, 1000, 600, 1500, 3000
"""Summed are so many faces of one class of a source, photographs, frames, and made samples."""
PART = 64  # faces at once
CALIBRATION = 700


def towers(found: Lessons, teaching: Path, kept: Path) -> list[Student]:
    """Trained, or as they were kept."""
    trained = []
    for tower in TOWERS:
        student, path = Student(tower.cells), kept / f"skin_{tower.teacher}.pt"
        if path.exists():
            student.load_state_dict(torch.load(path, weights_only=True))
        else:
            imitate(student, teaching, found, _task(tower))
            torch.save(student.state_dict(), path)
        trained.append(student.eval())
    return trained


def _task(tower: Tower) -> Task:
    def shown(
        crops: torch.Tensor, random: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if tower.size > COARSE:
            half = len(crops) // 2
            small = functional.interpolate(
                crops[:half], (COARSE, COARSE), mode="bilinear", antialias=True
            )
            large = functional.interpolate(small, crops.shape[2:], mode="bilinear")
            crops = torch.cat([large, crops[half:]])
        coloured = in_coloured_light(crops[:, None], [tower.scale], random)[:, 0]
        lit = in_skin_light(coloured, tower.scale)
        return lit, lit

    return Task(tower.teacher, shown, STEPS, WHOLE)


def seen(trained: list[Student], found: Lessons, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """What the towers see of some samples, `(n, towers * TAUGHT)`."""
    parts = []
    for start in range(0, len(numbers), PART):
        some = numbers[start : start + PART]
        each = [
            student.last(in_skin_light(tensor_of(found.crops[tower.teacher][some]), tower.scale))
            for student, tower in zip(trained, TOWERS, strict=True)
        ]
        parts.append(torch.cat(each, 1))
    return np.asarray(torch.cat(parts).numpy(), np.float64)


def chosen(found: Lessons) -> NDArray[np.int64]:
    """The samples that are summed, rising."""
    random = np.random.default_rng(0)
    groups: dict[tuple[str, ...], list[int]] = {}
    for number, label in enumerate(found.labels):
        if label.made:
            key: tuple[str, ...] = ("made",)
        elif label.kind == "film":
            key = ("film",)
        else:
            key = (label.kind, label.source, str(label.attack))
        groups.setdefault(key, []).append(number)
    most = {"lfw": LFW, "utk": UTK, "film": FILMS, "made": MADE}
    some = [random.permutation(each)[: most.get(key[0], EACH)] for key, each in groups.items()]
    return np.sort(np.concatenate(some)).astype(np.int64)


def report(values: NDArray[np.float64], labels: list[Label]) -> None:
    """Each source by a sum that has not learnt from it."""
    plain = np.array([not label.made for label in labels])
    sources = np.array([label.source for label in labels])
    attack = np.array([label.attack for label in labels])
    odds = np.full(len(labels), np.nan)
    crops = plain & np.array([label.kind in {"pad", "pad2"} for label in labels])
    for source in np.unique(sources[crops]):
        mine = plain & (sources == source)
        odds[mine] = learn(values, labels, sources != source)(values[mine])
    whole = np.array([label.whole for label in labels])
    for name, group in (
        ("tight crops", crops & ~whole),
        ("crops with surroundings", crops & whole),
    ):
        print(f"{name}: AUC {CropRates(odds[group], attack[group]).auc:.3f} of {group.sum()}")
        for source in np.unique(sources[group]):
            one = group & (sources == source)
            auc = CropRates(odds[one], attack[one]).auc
            print(f"  {source}: {'-' if auc is None else f'{auc:.3f}'} of {one.sum()}")


def keep(trained: list[Student], total: Sum, found: Lessons) -> None:
    """Leave what the build needs."""
    kept: dict[str, NDArray[np.float16]] = {}
    told: dict[str, tuple[float, float]] = {}
    kernels, bias = [], total.bias
    drawn = np.sort(np.random.default_rng(0).choice(len(found.labels), CALIBRATION, replace=False))
    for number, (student, tower) in enumerate(zip(trained, TOWERS, strict=True)):
        weights = total.weights[number * TAUGHT : (number + 1) * TAUGHT]
        student.odds.weight.data = torch.tensor(weights[None] / SURE, dtype=torch.float32)
        student.odds.bias.data.zero_()
        folded = fold(student)
        kernels.append(folded.pop("out.kernel"))
        bias += float(folded.pop("out.bias").item())
        crops = in_skin_light(tensor_of(found.crops[tower.teacher][drawn]), tower.scale)
        kept |= {f"{number}.{name}": values for name, values in folded.items()}
        told |= {f"{number}.{name}": limits for name, limits in ranges(student, crops).items()}
    kept["out.kernel"] = np.concatenate(kernels)
    kept["out.bias"] = np.array([bias], np.float16)
    np.savez_compressed(HERE / "skin.npz", **kept)
    told = {name: limits for name, limits in told.items() if not name.endswith(".image")}
    (HERE / "ranges.json").write_text(json.dumps({"image": (0.0, 1.0), **told}, indent=1) + "\n")


def main() -> None:
    """Train, report, and keep."""
    given = options("models.build.skin.train").parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = gather(given.data, given.work)
    trained = towers(found, given.teachers, given.work)
    numbers = chosen(found)
    labels = [found.labels[number] for number in numbers]
    with torch.no_grad():
        values = seen(trained, found, numbers)
        report(values, labels)
        keep(trained, learn(values, labels, np.ones(len(labels), bool)), found)


if __name__ == "__main__":
    main()
