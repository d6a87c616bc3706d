"""Train the recapture network: `python -m models.build.recapture.train --data FOLDER`.

Faces come from few places, and many from one film: whoever splits them at random measures how well
a place is remembered. So whole sources are held out together (`data.FOLDS`), and some are set aside
from everything. `--evaluate` trains without each and says what the students make of what they have
not seen; without it one student learns from all, and is kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.evaluate.intervals import Share
from edge.vision.liveness.limits import DOUBT_ABOVE
from models.build import images
from models.build.recapture import learn, lessons
from models.build.recapture.data import FOLDS
from models.build.recapture.student import fold, ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from models.build.recapture.data import Label
    from models.build.recapture.lessons import Lessons

    Scores = NDArray[np.float32]

HERE = Path(__file__).parent
CALIBRATION = 500  # faces
GROUPS: dict[str, Callable[[Label], bool]] = {
    "crops with surroundings": lambda label: label.kind == "pad2" and label.whole,
    "tight crops": lambda label: label.kind == "pad" or (label.kind == "pad2" and not label.whole),
    "frames of films": lambda label: label.kind == "film",
    "LFW": lambda label: label.kind == "lfw",
}


def area(scores: Scores, attack: NDArray[np.bool_]) -> float:
    """Area under the ROC curve."""
    ranks = np.argsort(np.argsort(scores)) + 1
    hits, others = int(attack.sum()), int((~attack).sum())
    return float((ranks[attack].sum() - hits * (hits + 1) / 2) / (hits * others))


def held_out(found: Lessons, steps: int) -> Scores:
    """Log-odds of every face by a student that has seen nothing of its fold.

    Faces that are set aside get the mean of all of these students.
    """
    scores = np.zeros(len(found.labels), np.float32)
    aside = found.fold < 0
    for number in range(len(FOLDS)):
        print(f"without fold {number}")
        student = learn.learn(found, number, steps)
        mine = found.fold == number
        scores[mine] = learn.odds_of(student, found.crops[mine])
        scores[aside] += learn.odds_of(student, found.crops[aside]) / len(FOLDS)
    return scores


def report(found: Lessons, scores: Scores) -> None:
    """Rates at the product's limit, by group and source. Crops of one film are not independent."""
    for name, chosen in GROUPS.items():
        for aside in (False, True):
            mine = np.array([chosen(label) and (label.fold < 0) is aside for label in found.labels])
            if mine.any():
                print(f"\n{name}{', set aside' if aside else ''}: {_rates(found, scores, mine)}")
                if name != "LFW":
                    _by_source(found, scores, mine)


def _by_source(found: Lessons, scores: Scores, mine: NDArray[np.bool_]) -> None:
    sources = np.array([label.source for label in found.labels])
    for source in np.unique(sources[mine]):
        print(f"  {source}: {_rates(found, scores, mine & (sources == source))}")


def _rates(found: Lessons, scores: Scores, mine: NDArray[np.bool_]) -> str:
    attack, doubted = found.attack[mine], scores[mine] > DOUBT_ABOVE
    texts = []
    for name, wrong, of in (("BPCER", doubted, ~attack), ("APCER", ~doubted, attack)):
        if of.any():
            share = Share(int(wrong[of].sum()), int(of.sum()))
            interval = f"{share.low:.1%}-{share.high:.1%}"
            texts.append(f"{name} {share.value:.1%} ({interval}; {share.hits} of {share.count})")
    if attack.any() and not attack.all():
        texts.append(f"AUC {area(scores[mine], attack):.3f}")
    return ", ".join(texts)


def keep(found: Lessons, steps: int) -> None:
    """Train on all, and leave what the build needs."""
    student = learn.learn(found, None, steps)
    np.savez_compressed(HERE / "recapture.npz", **fold(student))
    chosen = np.random.default_rng(0).choice(len(found.crops), CALIBRATION, replace=False)
    found_ranges = ranges(student, learn.tensor_of(found.crops[chosen]))
    (HERE / "ranges.json").write_text(json.dumps(found_ranges, indent=1) + "\n")


def main() -> None:
    """Evaluate, or train and keep."""
    parser = argparse.ArgumentParser(prog="python -m models.build.recapture.train")
    parser.add_argument("--data", type=Path, default=images.DATA, help="the data folder")
    parser.add_argument(
        "--teachers", type=Path, default=images.DATA.parent / "models" / "pad_teacher"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for what is gathered")
    parser.add_argument("--steps", type=int, default=learn.STEPS)
    parser.add_argument("--evaluate", action="store_true", help="keep nothing")
    given = parser.parse_args()
    found = lessons.gather(given.data, given.teachers, given.work)
    if given.evaluate:
        report(found, held_out(found, given.steps))
    else:
        keep(found, given.steps)


if __name__ == "__main__":
    main()
