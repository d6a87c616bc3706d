"""The towers together learn the collections' labels."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from models.build.recapture.crops import faces_of
from models.build.recapture.imitate import BATCH, DECAY, REPORT
from models.build.recapture.light import in_grey_light
from models.build.recapture.shape import FEATURES
from models.build.recapture.student import Student, Tower
from models.build.recapture.taught import SURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from models.build.recapture.lessons import Drawing, Lessons

TRUSTED = 0.15
"""What each teacher's log-odds weigh in the student's before it learns labels: they are too sure,
and three are summed."""
RATE = 4e-4
HOLD = 2.0
"""Weight of what was seen before beside the labels."""
DROPPED = 0.3
OTHERS = 2000  # faces
SPARE, KEEP, MARGIN = 0.3, 0.01, 1.0
"""Weight of what is wrong with photographs, of a change of the sum, and how far below 0 they go."""
PART = 256  # faces at once
SMOOTH = 0.02  # labels are a few per cent wrong


def joined(towers: Sequence[Tower]) -> Student:
    """A student that says what its teachers would, together."""
    student = Student()
    with torch.no_grad():
        student.out.bias.zero_()
        for number, tower in enumerate(towers):
            student.towers[number].load_state_dict(tower.state_dict())
            place = slice(number * FEATURES, (number + 1) * FEATURES)
            student.out.weight[0, place] = TRUSTED * SURE * tower.odds.weight[0]
            student.out.bias += TRUSTED * SURE * tower.odds.bias
    return student.eval()


def learn(student: Student, lessons: Lessons, drawing: Drawing, steps: int) -> None:
    """Teach it the labels, and to see what it saw before: labels alone make it forget.

    BatchNorm stays as it is.
    """
    random = np.random.default_rng(len(lessons.labels))
    before = copy.deepcopy(student)
    optimiser = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1)
    losses = []
    for step in range(steps):
        drawn = drawing(random, BATCH)
        crops = _lit(faces_of(lessons, drawn))
        if random.random() < 0.5:
            crops = crops.flip(-1)
        wanted = torch.from_numpy(lessons.attack[drawn]).float() * (1 - 2 * SMOOTH) + SMOOTH
        with torch.autocast("cpu", torch.bfloat16):
            seen = student.features(crops).float()
            with torch.no_grad():
                held = before.features(crops).float()
        odds = student.out(functional.dropout(seen, DROPPED))[:, 0]
        told = functional.binary_cross_entropy_with_logits(odds, wanted)
        lost = functional.mse_loss(seen, held) / held.var()
        optimiser.zero_grad()
        (told + HOLD * lost).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        losses.append([told.item(), lost.item()])
        if (step + 1) % REPORT == 0:
            mean = np.mean(losses[-REPORT:], axis=0)
            print(f"  labels, step {step + 1}: {np.round(mean, 3)}", flush=True)


def spare(student: Student, lessons: Lessons, drawing: Drawing) -> None:
    """Let the last sum take photographs (every fourth of LFW) for what they are, and little else.

    The teachers doubt every third of them; what the student says of all other faces is held.
    """
    photographs = np.flatnonzero(
        [label.kind == "lfw" and not label.made for label in lessons.labels]
    )
    others = drawing(np.random.default_rng(5), OTHERS)
    others = others[[lessons.labels[number].kind != "lfw" for number in others]]
    with torch.no_grad():
        here = student.features(in_grey_light(faces_of(lessons, photographs[::4])))
        there = student.features(in_grey_light(faces_of(lessons, others)))
        said, spread, mean = student.out(here)[:, 0], there.std(0) + 1e-3, there.mean(0)
    here, there = (here - mean) / spread, (there - mean) / spread
    change = torch.zeros(here.shape[1], requires_grad=True)
    level = torch.zeros(1, requires_grad=True)
    search = torch.optim.LBFGS([change, level], max_iter=300, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        wrong = functional.softplus(said + here @ change + level + MARGIN).mean()
        moved = (there @ change + level).square().mean() / 2
        value = SPARE * wrong + moved + KEEP * change.square().sum()
        value.backward()
        return value

    search.step(loss)
    with torch.no_grad():
        student.out.weight += change / spread
        student.out.bias += level - (mean / spread) @ change


def odds_of(student: Student, lessons: Lessons, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Log-odds of an attack, `(n,)`."""
    with torch.no_grad():
        parts = [
            student(in_grey_light(faces_of(lessons, numbers[i : i + PART])))
            for i in range(0, len(numbers), PART)
        ]
    return np.asarray(torch.cat(parts).numpy(), np.float64)


def _lit(crops: Tensor) -> Tensor:
    """In another light, the same for all crops of a face."""
    shape = (len(crops), 1, 1, 1, 1)
    gain, shift = torch.empty(shape).uniform_(0.85, 1.15), torch.empty(shape).uniform_(-0.06, 0.06)
    return (crops * gain + shift).clamp(0, 1)
