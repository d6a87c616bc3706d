"""What both teachers make of every face, once, to say who is left out and what a target is.

``python -m models.build.train.teachers --script teachers.ts --packed faces_128.npz faces2_128.npz
--out vectors.npz`` writes ``edgeface`` and ``w600k``, ``(n, 512)`` unit vectors of the faces'
templates. A vector is the sum of the two unit vectors of a face and its mirror image. The script is
that of `models.build.train.scripted`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from models.build.packed import coded, decoded
from models.build.train.masks import RIM

NAMES = ("edgeface", "w600k")
BATCH = 16


class Teachers:
    """Both teachers, on the script's device."""

    def __init__(self, script: torch.jit.ScriptModule) -> None:
        """Take what `models.build.train.scripted` wrote."""
        self._script = script.float()

    def ask(self, faces: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Return unit vectors ``(n, 512)`` by teacher, and w600k's maps ``(2, n, 512, 7, 7)``.

        ``faces`` are RGB ``(n, 3, 112, 112)``, 0 to 255. The vectors are of both mirror images
        together; the maps are of the faces as they are, and mirrored.
        """
        both = torch.cat([faces, faces.flip(3)])
        # Without the script's own optimizer, which compiles for minutes.
        with torch.no_grad(), torch.jit.optimized_execution(should_optimize=False):
            *vectors, last = self._script(both)
        sums = (rows.unflatten(0, (2, -1)).sum(0) for rows in vectors)
        said = dict(zip(NAMES, map(functional.normalize, sums), strict=True))
        return said, last.unflatten(0, (2, -1))


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.teachers")
    parser.add_argument("--packed", type=Path, nargs="+", required=True)
    for name in ("script", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    teachers = Teachers(torch.jit.load(options.script))
    faces = [face for path in options.packed for face in coded(path)]
    found: dict[str, list[Tensor]] = {name: [] for name in NAMES}
    for i in track(range(0, len(faces), BATCH)):
        some = np.stack([decoded(face)[RIM:-RIM, RIM:-RIM] for face in faces[i : i + BATCH]])
        said, _ = teachers.ask(torch.from_numpy(some).permute(0, 3, 1, 2).float())
        for name, rows in said.items():
            found[name].append(rows)
    np.savez(
        options.out, **{n: torch.cat(rows).numpy().astype(np.float16) for n, rows in found.items()}
    )


if __name__ == "__main__":
    main()
