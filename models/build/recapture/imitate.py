"""A tower learns to see what its teacher sees.

It is held to the teacher at every stage (FitNets, Romero 2015): a map has thousands of numbers
where a label has one bit, and what edges and textures make of a picture holds in places that
nobody has seen. The teacher answers for each crop as it is drawn, so that crops may be changed and
mixed at will (Beyer 2022, "a good teacher is patient and consistent").
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from models.build.recapture import alter
from models.build.recapture.crops import shrunk, tensor_of
from models.build.recapture.shape import SCALES
from models.build.recapture.taught import SURE
from models.build.recapture.teachers import Teacher

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from models.build.recapture.lessons import Drawing, Lessons
    from models.build.recapture.student import Tower

BATCH, RATE, DECAY = 32, 3e-3, 0.02
LAST, ODDS = 3.0, 8.0
"""Weights of the teacher's last layer and of its log-odds beside each map's."""
OWN, OTHERS = 0.7, 0.15
"""Share of its own crops and of each other's: of more different pictures more is learnt."""
USES, KEPT = 2, 16
"""A teacher takes longer than a student: each answered batch is used so often, out of the last."""
SCALING = 512
"""Crops by which a teacher's numbers are brought to mean 0 and deviation 1."""
REPORT = 100  # steps


class Scale:
    """A teacher's numbers with mean 0 and deviation 1 in each channel."""

    def __init__(
        self, teacher: Teacher, crops: Tensor, batch: int, ends: tuple[int, ...] = ()
    ) -> None:
        """`batch`: crops at once; `ends`: up to these, maps share what the last of them has."""
        parts = [teacher(part.numpy()).seen for part in crops.split(batch)]
        each = [np.concatenate(values) for values in zip(*parts, strict=True)]
        axes = [(0, *range(2, values.ndim)) for values in each]
        self._means = [v.mean(axis=a, keepdims=True) for v, a in zip(each, axes, strict=True)]
        self._spreads = [
            v.std(axis=a, keepdims=True) + 1e-3 for v, a in zip(each, axes, strict=True)
        ]
        for first, end in pairwise((0, *ends)):  # or a shortcut between them would not be one
            self._means[first:end] = [self._means[end - 1]] * (end - first)
            self._spreads[first:end] = [self._spreads[end - 1]] * (end - first)

    def __call__(self, seen: list[NDArray[np.float32]]) -> list[Tensor]:
        """What it has seen, in these units."""
        every = zip(seen, self._means, self._spreads, strict=True)
        return [torch.from_numpy((v - mean) / spread) for v, mean, spread in every]


def imitate(
    tower: Tower, number: int, teaching: Path, lessons: Lessons, drawing: Drawing, steps: int
) -> None:
    """Train one tower."""
    random = np.random.default_rng(number)
    torch.manual_seed(number)
    teacher = Teacher(teaching, number)
    scale = Scale(teacher, tensor_of(lessons.crops[number][drawing(random, SCALING)]), BATCH)
    optimiser = torch.optim.AdamW(tower.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1)
    answered: deque[tuple[Tensor, list[Tensor], Tensor]] = deque(maxlen=KEPT)
    missed = []
    tower.train()
    for step in range(steps):
        if step % USES == 0:
            crops = alter.altered(_drawn(number, lessons, drawing, random), random)
            answer = teacher(crops.numpy())
            sure = torch.from_numpy(answer.odds.clip(-SURE, SURE)) / SURE
            answered.append((shrunk(crops), scale(answer.seen), sure))
        crops, wanted, sure = answered[random.integers(len(answered))]
        with torch.autocast("cpu", torch.bfloat16):
            seen, odds = tower.imitation(crops)
        errors = [error_of(own, want) for own, want in zip(seen, wanted, strict=True)]
        errors[-1] = LAST * errors[-1]
        errors.append(ODDS * error_of(odds, sure))
        optimiser.zero_grad()
        torch.stack(errors).sum().backward()
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        missed.append([error.item() for error in errors])
        if (step + 1) % REPORT == 0:
            mean = np.mean(missed[-REPORT:], axis=0)
            print(f"  tower {number}, step {step + 1}: {np.round(mean, 3)}", flush=True)
    tower.eval()


def _drawn(number: int, lessons: Lessons, drawing: Drawing, random: np.random.Generator) -> Tensor:
    """Crops for one teacher, in its size."""
    side = lessons.crops[number].shape[1]
    shares = [OWN if scale == number else OTHERS for scale in range(len(SCALES))]
    parts = []
    for scale, count in enumerate(random.multinomial(BATCH, shares)):
        crops = tensor_of(lessons.crops[scale][drawing(random, count)])
        if crops.shape[-1] != side:
            crops = functional.interpolate(crops, (side, side), mode="bilinear", antialias=True)
        parts.append(crops)
    return torch.cat(parts)


def error_of(own: Tensor, wanted: Tensor) -> Tensor:
    """Share of what is to be known that is not."""
    if wanted.shape != own.shape:  # the first teacher's crop has more pixels
        wanted = functional.adaptive_avg_pool2d(wanted, own.shape[-1])
    return functional.mse_loss(own.float(), wanted)
