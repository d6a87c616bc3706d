"""Start a student from an older one: more blocks that do nothing yet, and another last layer.

``python -m models.build.train.widen --old student.npz --faces faces.npy --targets targets.npz
--out start.npz``. A block added has a last layer of zeros, so its residual is the identity; a
student that has all blocks gets none. The last layer is found by ridge regression from what the
old network's last layer saw to the targets.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.build.train import data, networks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float32]]

FACES = 6000
RIDGE = 1e-2  # of the features' mean square
BATCH = 16
LENGTH = 10.0  # of a vector that is its target, as config.toml has it
# Where each block of MobileFaceNet's paper stands now; the others are new.
PLACES = (*range(12), 14, 15, 16)


def _moved(old: Mapping[str, NDArray[np.float32]]) -> Arrays:
    """Return the old arrays under their new names, which all blocks together have already."""
    if f"{networks.BLOCKS[-1].convs[0].name}.0.weight" in old:
        return {name: array.astype(np.float32) for name, array in old.items()}
    moved = {}
    for name, array in old.items():
        parts = name.split(".")
        if parts[0] == "blocks":
            parts[1] = str(PLACES[int(parts[1])])
        moved[".".join(parts)] = array.astype(np.float32)
    return moved


def _new(conv: networks.Conv, rng: np.random.Generator, *, zero: bool) -> Arrays:
    """Return a convolution of random numbers or zeros, its BatchNorm doing nothing."""
    inputs = 1 if conv.depthwise else conv.inputs
    shape = (conv.outputs, inputs, conv.kernel, conv.kernel)
    spread = 0.0 if zero else np.sqrt(2.0 / (inputs * conv.kernel**2))
    arrays = {f"{conv.name}.0.weight": rng.normal(0.0, spread, shape).astype(np.float32)}
    ones, zeros = np.ones(conv.outputs, np.float32), np.zeros(conv.outputs, np.float32)
    norm = {"weight": ones, "bias": zeros, "running_mean": zeros, "running_var": ones}
    return arrays | {f"{conv.name}.1.{part}": value.copy() for part, value in norm.items()}


def new_block(block: networks.Bottleneck, rng: np.random.Generator) -> Arrays:
    """Return a block that passes its input on: its last layer is zeros."""
    arrays: Arrays = {}
    for conv in block.convs:
        arrays |= _new(conv, rng, zero=conv is block.convs[2])
    return arrays


def widened(old: Mapping[str, NDArray[np.float32]]) -> Arrays:
    """Return the old network with the new blocks and a last layer of zeros."""
    arrays = _moved(old)
    rng = np.random.default_rng(0)
    for block in networks.BLOCKS:
        if f"{block.convs[0].name}.0.weight" not in arrays:
            arrays |= new_block(block, rng)
    seen = networks.HEAD[1].outputs
    arrays["fc.weight"] = np.zeros((networks.EMBEDDING, seen, 1, 1), np.float32)
    arrays["fc.bias"] = np.zeros(networks.EMBEDDING, np.float32)
    return arrays


def regress(arrays: Arrays, faces: data.Images, targets: NDArray[np.float32]) -> None:
    """Set the last layer to what predicts the targets of 128x128 ``faces`` best."""
    with torch.no_grad():
        leaves = networks.Leaves.of(networks.Student(arrays).fold())
        rows = []
        for i in range(0, len(faces), BATCH):
            views = data.normalise(data.centre(faces[i : i + BATCH]))
            rows.append(networks.pooled(views, leaves).numpy())
    x = np.concatenate(rows).astype(np.float64)
    mean = x.mean(0)
    x -= mean
    gram = x.T @ x
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    weight = np.linalg.solve(gram, x.T @ (targets - targets.mean(0)))
    arrays["fc.weight"] = LENGTH * weight.T.astype(np.float32)[:, :, None, None]
    arrays["fc.bias"] = LENGTH * (targets.mean(0) - mean @ weight).astype(np.float32)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.widen")
    for name in ("old", "faces", "targets", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with np.load(options.old) as archive:
        arrays = widened(dict(archive))
    with np.load(options.targets) as archive:
        target, share = archive["target"].astype(np.float32), archive["share"]
    chosen = np.random.default_rng(1).choice(len(share), FACES, replace=False, p=share)
    chosen.sort()
    regress(arrays, np.load(options.faces, mmap_mode="r")[chosen], target[chosen])
    np.savez(options.out, **arrays)


if __name__ == "__main__":
    main()
