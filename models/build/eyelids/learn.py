"""One student from its first step to its last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from models.build.eyelids import views
from models.build.eyelids.lessons import levels
from models.build.eyelids.student import Student

if TYPE_CHECKING:
    from torch import Tensor

    from models.build.eyelids.lessons import Lessons

STEPS, RATE, DECAY, BATCH = 4000, 3e-3, 0.02, 192
SOFT = 0.25
"""Lid levels: smaller errors count by their square, larger ones, mostly the teachers', by size."""
NEWEST = 0.005  # share of the newest weights in the running mean that is kept
REPORT = 250  # steps


def learn(lessons: Lessons, steps: int = STEPS, seed: int = 0) -> Student:
    """A student of these lessons."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    chance = np.cumsum(lessons.drawn / lessons.drawn.sum())
    wanted = levels(lessons.answers)
    student = Student().to(memory_format=torch.channels_last)
    mean = torch.optim.swa_utils.AveragedModel(
        student,
        multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(1 - NEWEST),
        use_buffers=True,
    )
    optimiser = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1)
    losses = []
    student.train()
    for step in range(steps):
        rows = np.sort(np.searchsorted(chance, random.random(BATCH)).clip(max=len(chance) - 1))
        with torch.autocast("cpu", torch.bfloat16):
            answers = student(views.seen(torch.from_numpy(lessons.kept[rows])))
        loss = _loss(answers.float(), torch.from_numpy(wanted[rows]))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        mean.update_parameters(student)
        losses.append(loss.item())
        if (step + 1) % REPORT == 0:
            print(f"  step {step + 1}: loss {np.mean(losses[-REPORT:]):.4f}", flush=True)
    kept: Student = mean.module
    return kept.eval()


def _loss(answers: Tensor, wanted: Tensor) -> Tensor:
    """Of either answer, and of their sum, which is what blinks are told by."""
    known = ~wanted.isnan()
    wanted = wanted.nan_to_num()
    both = known.all(1)
    each = functional.smooth_l1_loss(answers[known], wanted[known], beta=SOFT)
    total = functional.smooth_l1_loss(answers[both].sum(1), wanted[both].sum(1), beta=SOFT)
    return each + total
