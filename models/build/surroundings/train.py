"""Train the surroundings network: `python -m models.build.surroundings.train --work FOLDER`.

It learns to see what its teacher sees, block by block. A block sees a few pixels around each cell,
and a crop has hundreds of cells: taught by one block of the teacher, from what that block is given,
it learns from a few thousand crops what holds in places that nobody has seen (Li 2020, "blockwisely
supervised"; FitNets, Romero 2015). A network taught as a whole by the same maps is fitted to the
crops. It is given no label: labels of few places make it forget.

FOLDER is the recapture network's, whose crops it takes, without the sources held out or set aside.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from models.build.recapture import alter
from models.build.recapture.crops import tensor_of
from models.build.recapture.imitate import LAST, ODDS, Scale, error_of
from models.build.recapture.lessons import Drawing, gather, options
from models.build.recapture.light import in_coloured_light, in_grey_light
from models.build.recapture.taught import SURE
from models.build.recapture.teachers import Teacher
from models.build.surroundings.shape import SCALE
from models.build.surroundings.student import Student, fold, ranges

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from models.build.recapture.lessons import Lessons

HERE = Path(__file__).parent
NUMBER = 1
"""Of the teacher, and of its crops, among the recapture network's."""
MAPS = tuple(
    name
    for stage, count, begin in zip((3, 4, 5), (4, 6, 2), ("23", "34", "45"), strict=True)
    for name in (
        f"/conv_{begin}/project/conv/Conv_output_0",
        *(f"/conv_{stage}/model/model.{number}/Add_output_0" for number in range(count)),
    )
)
"""What each of its blocks gives."""
STAGE_ENDS = (5, 12, 15)
"""Blocks of one stage, up to these, have maps of one size and shortcuts between them."""
STEPS, BATCH, RATE, DECAY = 1000, 32, 4e-3, 0.01
KEPT = 12
"""A teacher takes time: each answered batch is used twice, at once and out of the last so many."""
SCALING = 256
"""Crops by which a teacher's numbers are brought to mean 0 and deviation 1."""
CALIBRATION = 700
"""Crops that tell the ranges of the activations."""
REPORT = 100  # steps


@dataclass(frozen=True, slots=True)
class Task:
    """What a tower learns, and how much of it."""

    number: int
    """Of the teacher, and of its crops among the lessons'."""
    shown: Callable[[Tensor, np.random.Generator], tuple[Tensor, Tensor]]
    """What the teacher is shown of some crops, and what the student."""
    steps: int
    whole: float = 0.0
    """Share of the steps, the last ones, in which no block is given what the teacher's is."""


def imitate(student: Student, teaching: Path, lessons: Lessons, task: Task) -> None:
    """Train it; the teacher answers for each crop as it is drawn, changed and mixed at will.

    `teaching`: the folder of the teachers.
    """
    random = np.random.default_rng(task.number)
    drawing = Drawing(lessons, everything=False)
    teacher = Teacher(teaching, task.number, MAPS)

    def drawn(count: int) -> Tensor:
        crops = lessons.crops[task.number][drawing(random, count)]
        return alter.altered(tensor_of(crops), random)

    scale = Scale(teacher, drawn(SCALING), BATCH, STAGE_ENDS)
    optimiser = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, task.steps, pct_start=0.15)
    answered: deque[tuple[Tensor, list[Tensor], Tensor]] = deque(maxlen=KEPT)
    missed = []
    student.to(memory_format=torch.channels_last).train()
    for step in range(task.steps):
        if step % 2 == 0:
            asked, crops = task.shown(drawn(BATCH), random)
            answer = teacher(asked.numpy())
            sure = torch.from_numpy(answer.odds.clip(-SURE, SURE)) / SURE
            answered.append((_fast(crops), [_fast(seen) for seen in scale(answer.seen)], sure))
        crops, wanted, sure = answered[-1 if step % 2 == 0 else random.integers(len(answered))]
        alone = step < (1 - task.whole) * task.steps
        seen, odds = student.imitation(crops, wanted) if alone else student.whole(crops)
        errors = [error_of(own, want) for own, want in zip(seen, wanted, strict=True)]
        errors[-1] = LAST * errors[-1]
        errors.append(ODDS * error_of(odds, sure))
        optimiser.zero_grad()
        torch.stack(errors).sum().backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        missed.append([error.item() for error in errors])
        if (step + 1) % REPORT == 0:
            mean = np.mean(missed[-REPORT:], axis=0)
            print(f"  step {step + 1}: {np.round(mean, 3)}", flush=True)
    student.eval()


def _fast(values: Tensor) -> Tensor:
    return values.contiguous(memory_format=torch.channels_last) if values.ndim == 4 else values


def _in_grey_light(crops: Tensor, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The teacher sees them as they are: so the student learns what colour has no part in."""
    return crops, in_grey_light(in_coloured_light(crops[:, None], [SCALE], random))[:, 0]


def main() -> None:
    """Train, and keep what the build needs."""
    given = options("models.build.surroundings.train").parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(NUMBER)
    found, student = gather(given.data, given.work), Student()
    imitate(student, given.teachers, found, Task(NUMBER, _in_grey_light, STEPS))
    np.savez_compressed(HERE / "surroundings.npz", **fold(student))
    drawn = Drawing(found, everything=False)(np.random.default_rng(0), CALIBRATION)
    shown = in_grey_light(tensor_of(found.crops[NUMBER][drawn])[:, None])[:, 0]
    told = ranges(student, shown)
    (HERE / "ranges.json").write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
