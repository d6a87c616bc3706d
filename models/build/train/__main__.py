"""Command line of the training: ``python -m models.build.train --help``."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from edge.files import replace_file
from models.build.train import distil, networks
from models.build.train.pack import Data
from models.build.train.teachers import Teachers
from models.build.train.widen import widened

if TYPE_CHECKING:
    from collections.abc import Mapping

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FACTS = {
    "padding": "SAME",
    "padding_note": "TensorFlow SAME: strided 3x3 convolutions pad (0, 1) below and right, "
    "the others (1, 1); the 7x7 of the head is VALID",
    "strided": [conv.name for conv in networks.CONVS if conv.stride == 2],
    "input": "RGB (x - 127.5) / 128, 112x112",
}
SHOWN_EVERY = 50  # steps


def export(run: distil.Distillation, out: Path, facts: Mapping[str, Any]) -> None:
    """Write the averaged weights and what is known of them, and add a line to the log."""
    weights = io.BytesIO()
    np.savez(weights, **run.average.arrays())
    replace_file(out / "student.npz", weights.getvalue(), 0o644)
    replace_file(
        out / "student.json", (json.dumps({**FACTS, **facts}, indent=2) + "\n").encode(), 0o644
    )
    log = out / "log.csv"
    begun = log.exists()
    with log.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(facts))
        if not begun:
            writer.writeheader()
        writer.writerow(facts)


def train(run: distil.Distillation, seconds: float, every: float, out: Path) -> None:
    """Train for so long; evaluate and export now and then, and at the end."""
    now = time.monotonic()
    schedule = distil.Schedule(now, now + seconds, run.config.warm_up)
    evaluated, recent = now, torch.zeros(len(distil.LOSSES))
    while not schedule.over():
        factor = schedule.factor()
        losses = run.step(factor)
        schedule.steps += 1
        if schedule.steps % SHOWN_EVERY == 0:
            recent = losses.cpu()
            print(f"{schedule.steps} steps, {recent.numpy().round(4)}, {factor:.3f}", flush=True)
        if time.monotonic() - evaluated > every:
            _evaluate(run, schedule, out, recent)
            evaluated = time.monotonic()
    _evaluate(run, schedule, out, recent)


def _evaluate(
    run: distil.Distillation, schedule: distil.Schedule, out: Path, recent: torch.Tensor
) -> None:
    losses = dict(zip(distil.LOSSES, (round(x, 4) for x in recent.tolist()), strict=True))
    facts = {
        "seconds": round(time.monotonic() - schedule.started),
        "images_seen": 2 * run.config.faces * schedule.steps,
        "lr_factor": round(schedule.factor(), 4),
        **losses,
        **run.evaluate(),
    }
    print("evaluated", facts, flush=True)
    export(run, out, facts)


def main() -> None:
    """Train from ``--start`` for ``--seconds``."""
    here = Path(__file__).parent
    parser = argparse.ArgumentParser(prog="python -m models.build.train", description=__doc__)
    parser.add_argument("--lessons", type=Path, required=True, help="of pack, .npz")
    parser.add_argument("--teachers", type=Path, required=True, help="of scripted, .ts")
    parser.add_argument("--out", type=Path, required=True, help="log and weights")
    parser.add_argument("--start", type=Path, default=here / "student_256.npz")
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--every", type=float, default=60, help="seconds between evaluations")
    parser.add_argument("--config", type=Path, default=here / "config.toml")
    options = parser.parse_args()

    config = distil.Config(**tomllib.loads(options.config.read_text()))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.set_float32_matmul_precision("high")
    data = Data.read(options.lessons, device)
    teachers = Teachers(torch.jit.load(options.teachers, map_location=device))
    with np.load(options.start) as archive:
        start = widened({n: a.astype(np.float32) for n, a in archive.items()})
    options.out.mkdir(parents=True, exist_ok=True)
    run = distil.Distillation(config, data, teachers, start)
    train(run, options.seconds, options.every, options.out)


if __name__ == "__main__":
    main()
