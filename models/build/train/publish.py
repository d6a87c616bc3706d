"""Keep a run in the repository: weights, facts, log and learning curve.

``python -m models.build.train.publish RUN``; RUN is the folder given to training as ``--out``.
"""

from __future__ import annotations

import argparse
import csv
import io
import shutil
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

HERE = Path(__file__).parent
# The first training (symmetric padding, live BatchNorm), measured on LFW View 2.
FIRST_RUN = {16_000: 0.909, 35_000: 0.943, 85_000: 0.964, 115_000: 0.973, 176_000: 0.978}
TEACHER = 0.991  # on the crops and by the rule of this log


def draw(log: Path, out: Path) -> None:
    """Plot accuracy on LFW by images seen: the first training and, from its end, this one."""
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


def shrink(weights: Path, out: Path) -> None:
    """Write kernels as float16; the rest is small and its variances need float32."""
    with np.load(weights) as archive:
        arrays = {name: archive[name] for name in archive.files}
    kept = {n: a.astype(np.float16) if a.ndim == 4 else a for n, a in arrays.items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **kept)
    out.write_bytes(buffer.getvalue())


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.publish")
    parser.add_argument("run", type=Path)
    run = parser.parse_args().run
    shrink(run / "student.npz", HERE / "student.npz")
    shutil.copyfile(run / "student.json", HERE / "student.json")
    shutil.copyfile(run / "log.csv", HERE / "log.csv")
    draw(HERE / "log.csv", HERE / "learning_curve.png")


if __name__ == "__main__":
    main()
