"""What both teachers make of every face, once, to say who is left out and what a target is.

``python -m models.build.train.teachers --script teachers.ts --faces faces.npy --out vectors.npz``
writes ``edgeface`` and ``w600k``, ``(n, 512)`` unit vectors of the faces' templates. A vector is
the sum of the two unit vectors of a face and its mirror image. The script is that of
`models.build.train.scripted`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional

from models.build.train.draws import STORED
from models.build.train.networks import SIZE

NAMES = ("edgeface", "w600k")
BATCH = 16
RIM = (STORED - SIZE) // 2


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
    for name in ("script", "faces", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    teachers = Teachers(torch.jit.load(options.script))
    faces = np.load(options.faces, mmap_mode="r")
    found: dict[str, list[Tensor]] = {name: [] for name in NAMES}
    for i in track(range(0, len(faces), BATCH)):
        some = faces[i : i + BATCH, RIM:-RIM, RIM:-RIM]
        said, _ = teachers.ask(torch.from_numpy(some.transpose(0, 3, 1, 2).astype(np.float32)))
        for name, rows in said.items():
            found[name].append(rows)
    np.savez(
        options.out, **{n: torch.cat(rows).numpy().astype(np.float16) for n, rows in found.items()}
    )


if __name__ == "__main__":
    main()
