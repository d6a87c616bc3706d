"""Command line of the training: ``python -m models.build.train --help``."""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path

import numpy as np
import torch

from models.build.train import distil, networks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def main() -> None:
    """Go on from the checkpoint in ``--out``, or start from ``--start``."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(prog="python -m models.build.train", description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="decoded faces, .npy")
    parser.add_argument("--targets", type=Path, required=True, help="what to say of them, .npz")
    parser.add_argument("--heads", type=Path, required=True, help="aligned heads, .npy")
    parser.add_argument("--crops", type=Path, required=True, help="aligned LFW crops, .npz")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints, log and weights")
    parser.add_argument("--start", type=Path, required=True, help="weights to start from, .npz")
    parser.add_argument(
        "--until",
        type=datetime.fromisoformat,
        required=True,
        help="when the learning rate reaches zero, e.g. 2026-01-31T18:00",
    )
    parser.add_argument(
        "--restart", action="store_true", help="begin a new cosine from the checkpoint's weights"
    )
    parser.add_argument("--config", type=Path, default=here / "config.toml")
    options = parser.parse_args()

    config = distil.Config.read(tomllib.loads(options.config.read_text()))
    paths = distil.Paths(options.faces, options.targets, options.heads, options.crops, options.out)
    now, deadline = time.time(), options.until.timestamp()
    checkpoint = options.out / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=False)
        run = distil.Distillation(config, paths, state["parameters"])
        averaged = networks.Student(state["average"]).parameters
        run.average = {name: t.detach() for name, t in averaged.items()}
        clock = distil.Clock(**state["clock"])
        for optimizer, saved in zip(run.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        if options.restart:
            clock.started, clock.first_step = now, clock.steps
        clock.deadline = deadline
    else:
        with np.load(options.start) as archive:
            arrays = {name: archive[name] for name in archive.files}
        run = distil.Distillation(config, paths, arrays)
        clock = distil.Clock(now, deadline, now)
    distil.train(run, clock)


if __name__ == "__main__":
    main()
