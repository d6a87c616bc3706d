"""Weigh down, in the last layer, the directions in which a trained student errs most.

``python -m models.build.train.whiten --weights student.npz --faces faces.npy --targets targets.npz
--out whitened.npz``. From bare faces learnt from: the covariance of what the student says less what
of it is the target. Its inverse root, drawn halfway to a multiple of the identity, goes into the
last layer, so it costs nothing; vectors are scaled back to their mean length (within-class
covariance normalisation, Hatch et al. 2006, with the teacher in the place of a class).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.build.train import data, networks, verification
from models.build.train.teachers import unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACES = 3000
RIDGE = 0.3  # of the errors' mean square


def whitener(said: NDArray[np.float32], targets: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the symmetric matrix ``(d, d)`` for vectors said, both ``(n, d)`` at length 1."""
    share = (said * targets).sum(0) / (targets**2).sum(0)
    errors = said - share * targets
    values, axes = np.linalg.eigh(errors.T @ errors / len(errors))
    root = (axes / np.sqrt(values + RIDGE * values.mean())) @ axes.T
    return (root / np.linalg.norm(said @ root, axis=1).mean()).astype(np.float32)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.whiten")
    for name in ("weights", "faces", "targets", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with np.load(options.weights) as archive:
        arrays = dict(archive)
    with np.load(options.targets) as archive:
        targets, share = archive["target"].astype(np.float32), archive["share"].astype(float)
    rng = np.random.default_rng(2)
    chosen = np.sort(rng.choice(len(share), FACES, replace=False, p=share / share.sum()))
    faces = data.centre(np.load(options.faces, mmap_mode="r")[chosen])
    with torch.no_grad():
        leaves = networks.Leaves.of(networks.Student(arrays).fold())
    matrix = whitener(verification.embed_all(leaves, faces).numpy(), unit(targets[chosen]))
    layer = arrays["fc.weight"]
    arrays["fc.weight"] = (matrix @ layer[:, :, 0, 0])[:, :, None, None]
    arrays["fc.bias"] = matrix @ arrays["fc.bias"]
    np.savez(options.out, **arrays)


if __name__ == "__main__":
    main()
