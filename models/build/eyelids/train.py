"""Train the eyelid network: `python -m models.build.eyelids.train --work FOLDER`.

From what `gather` left there. `--half 0` (or 1) learns from the films of one half of the people
only and leaves its weights in the folder: to be judged by the films of the other half.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from models.build import images
from models.build.eyelids import learn, lessons, views
from models.build.eyelids.student import fold, ranges

HERE = Path(__file__).parent
CALIBRATION = 2000  # eyes


def main() -> None:
    """Train and keep."""
    parser = argparse.ArgumentParser(prog="python -m models.build.eyelids.train")
    parser.add_argument("--data", type=Path, default=images.DATA, help="folder of eyes_24.npz")
    parser.add_argument("--work", type=Path, required=True, help="the folder of `gather`")
    parser.add_argument("--half", type=int, choices=(0, 1), help="keep nothing in the project")
    parser.add_argument("--steps", type=int, default=learn.STEPS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    found = lessons.read(given.work, given.data, given.half)
    student = learn.learn(found, given.steps)
    folder = HERE if given.half is None else given.work / f"half{given.half}"
    folder.mkdir(exist_ok=True)
    chance = found.drawn / found.drawn.sum()
    chosen = np.random.default_rng(0).choice(len(chance), CALIBRATION, replace=False, p=chance)
    found_ranges = ranges(student, views.plain(torch.from_numpy(found.kept[chosen])))
    np.savez_compressed(folder / "eyelids.npz", **fold(student))
    (folder / "ranges.json").write_text(json.dumps(found_ranges, indent=1) + "\n")


if __name__ == "__main__":
    main()
