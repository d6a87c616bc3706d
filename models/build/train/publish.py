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


def draw(log: Path, out: Path) -> None:
    """Plot LFW's FNMR and the agreement with the teachers by images seen."""
    with log.open(newline="") as file:
        rows = list(csv.DictReader(file))
    images = [int(row["images_seen"]) for row in rows]
    mpl.use("Agg")
    figure, rates = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for rate in ("1e-3", "1e-4"):
        fnmr = [100 * float(row[f"lfw_fnmr_at_fmr_{rate}"]) for row in rows]
        rates.plot(images, fnmr, "o-", label=f"FNMR at FMR {rate}")
    rates.set(xlabel="images seen", ylabel="LFW View 1 test, %", ylim=(0, None))
    agreement = rates.twinx()
    for name, style in (("held_out", "-."), ("lfw", "--")):
        cosine = [float(row[f"{name}_cosine"]) for row in rows]
        agreement.plot(images, cosine, style, color="0.5", label=f"cosine, {name}")
    agreement.set(ylabel="cosine to the teachers", ylim=(0.5, 1.0))
    figure.legend(loc="outside upper center", ncols=4)
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
    options = parser.parse_args()
    kept = HERE / "student_256"
    shrink(options.run / "student.npz", kept.with_suffix(".npz"))
    shutil.copyfile(options.run / "student.json", kept.with_suffix(".json"))
    shutil.copyfile(options.run / "log.csv", kept.with_suffix(".csv"))
    draw(kept.with_suffix(".csv"), kept.with_suffix(".png"))


if __name__ == "__main__":
    main()
