"""The learning curve: accuracy on LFW against images seen.

``python -m models.build.train.curve log.csv learning_curve.png``
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

# The first training (symmetric padding, live BatchNorm), measured on LFW View 2.
FIRST_RUN = {16_000: 0.909, 35_000: 0.943, 85_000: 0.964, 115_000: 0.973, 176_000: 0.978}
TEACHER = 0.992  # on the crops and by the rule of this log


def draw(log: Path, out: Path) -> None:
    """Plot the first training and, going on from its end, this one."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    start = max(FIRST_RUN)
    images = [start + int(row["images"]) for row in rows]
    mpl.use("Agg")
    figure, accuracy = plt.subplots(figsize=(8, 4.5), layout="constrained")
    before = [100 * value for value in FIRST_RUN.values()]
    accuracy.plot(list(FIRST_RUN), before, "o-", color="0.6", label="first training (View 2)")
    now = [100 * float(row["lfw_accuracy"]) for row in rows]
    accuracy.plot(images, now, "o-", label="this training (View 1 test)")
    accuracy.axhline(100 * TEACHER, color="black", linewidth=0.8, linestyle=":", label="teacher")
    accuracy.set(xlabel="images seen", ylabel="accuracy on LFW, %", ylim=(90, 100))
    agreement = accuracy.twinx()
    agreement.plot(images, [float(row["lfw_cosine"]) for row in rows], "--", color="tab:orange")
    agreement.set(ylabel="cosine to the teacher on LFW (dashed)", ylim=(0.5, 1.0))
    accuracy.legend(loc="lower right")
    figure.savefig(out, dpi=120)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.curve", description=__doc__)
    parser.add_argument("log", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    draw(options.log, options.out)


if __name__ == "__main__":
    main()
