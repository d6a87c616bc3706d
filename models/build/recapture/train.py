"""Train the recapture network: `python -m models.build.recapture.train --work FOLDER`.

Faces come from few places, and many from one film: whoever splits them at random measures how well
a place is remembered. So whole sources are held out together (`data.HELD`), and some are set aside
from everything. A first student learns without both, and the report says what it makes of them;
`--evaluate` ends there. Then one learns from all, and is kept.

What is done is kept in FOLDER, and not done again: after an interruption give the command again.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge.evaluate.liveness.crops import CropRates
from models.build.recapture.crops import faces_of
from models.build.recapture.imitate import imitate
from models.build.recapture.learn import joined, learn, odds_of, spare
from models.build.recapture.lessons import Drawing, gather, options
from models.build.recapture.light import in_grey_light
from models.build.recapture.steady import steady
from models.build.recapture.student import Student, Tower, fold, ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.build.recapture.data import Label
    from models.build.recapture.lessons import Lessons

    Scores = NDArray[np.float64]

HERE = Path(__file__).parent
FIRST, SECOND, THIRD, AGAIN = 1800, 1600, 600, 700
"""Steps of the towers in the order of their training, and of the first with all sources."""
LABEL_STEPS, STEADY_STEPS, LFW = 300, 400, 6.0
CALIBRATION = 500  # faces
GROUPS: dict[str, Callable[[Label], bool]] = {
    "crops with surroundings": lambda label: label.kind == "pad2" and label.whole,
    "tight crops": lambda label: label.kind == "pad" or (label.kind == "pad2" and not label.whole),
    "frames of films": lambda label: label.kind == "film",
    "LFW": lambda label: label.kind == "lfw",
}


class Training:
    """Towers that are trained, kept in a folder under their names, and not trained twice."""

    def __init__(self, found: Lessons, teaching: Path, kept: Path) -> None:
        """`teaching`: the folder of the teachers."""
        self._found = found
        self._teaching = teaching
        self._kept = kept

    def tower(self, begin: Tower, name: str, number: int, steps: int, drawing: Drawing) -> Tower:
        """From where another tower stands, or as it was kept."""
        tower, path = copy.deepcopy(begin), self._kept / f"{name}.pt"
        if path.exists():
            tower.load_state_dict(torch.load(path, weights_only=True))
        else:
            imitate(tower, number, self._teaching, self._found, drawing, steps)
            torch.save(tower.state_dict(), path)
        return tower.eval()


def judged(found: Lessons, towers: list[Tower], *, everything: bool) -> Student:
    """The towers together, when they have learnt the labels, and that light tells nothing."""
    student = joined(towers)
    drawing = Drawing(found, everything=everything, lfw=LFW)
    learn(student, found, drawing, LABEL_STEPS)
    steady(student, found, drawing, STEADY_STEPS)
    spare(student, found, Drawing(found, everything=everything))
    return student


def report(found: Lessons, student: Student) -> None:
    """Rates at the product's limit, by group and source. Crops of one film are not independent."""
    numbers = np.flatnonzero(found.unseen)
    labels = [found.labels[number] for number in numbers]
    scores = odds_of(student, found, numbers)
    attack, sources = found.attack[numbers], np.array([label.source for label in labels])
    for name, chosen in GROUPS.items():
        mine = np.array([chosen(label) for label in labels])
        print(f"\n{name}: {_rates(scores[mine], attack[mine])}")
        for source in np.unique(sources[mine]):
            one = mine & (sources == source)
            print(f"  {source}: {_rates(scores[one], attack[one])}")


def _rates(scores: Scores, attack: NDArray[np.bool_]) -> str:
    rates = CropRates(scores, attack)
    texts = [
        f"{name} {share.hits} of {share.count} ({share.low:.1%}-{share.high:.1%})"
        for name, share in (("BPCER", rates.bpcer), ("APCER", rates.apcer))
        if share.count
    ]
    return ", ".join([*texts, *([] if rates.auc is None else [f"AUC {rates.auc:.3f}"])])


def keep(found: Lessons, student: Student) -> None:
    """Leave what the build needs."""
    np.savez_compressed(HERE / "recapture.npz", **fold(student))
    chosen = np.random.default_rng(0).choice(len(found.labels), CALIBRATION, replace=False)
    found_ranges = ranges(student, in_grey_light(faces_of(found, np.sort(chosen))))
    (HERE / "ranges.json").write_text(json.dumps(found_ranges, indent=1) + "\n")


def main() -> None:
    """Train, report, and keep."""
    parser = options("models.build.recapture.train")
    parser.add_argument("--evaluate", action="store_true", help="report, and keep nothing")
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = gather(given.data, given.work)
    training = Training(found, given.teachers, given.work)
    some, all_ = (Drawing(found, everything=everything) for everything in (False, True))
    blank = Tower().to(memory_format=torch.channels_last)
    near = training.tower(blank, "near", 1, FIRST, some)
    far = training.tower(near, "far", 2, SECOND, some)
    close = training.tower(far, "close", 0, THIRD, some)
    report(found, judged(found, [close, near, far], everything=False))
    if not given.evaluate:
        near = training.tower(near, "near_all", 1, AGAIN, all_)
        keep(found, judged(found, [close, near, far], everything=True))


if __name__ == "__main__":
    main()
