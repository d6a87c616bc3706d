"""The student learns to say of a face in coloured light what it said of it as it was.

Screens are bluer than rooms, so that it took a warm screen for a face and a face in blue light for
a screen. The student is its own teacher, asked about the face in its own light (consistency, Xie
2020), so that little is forgotten.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from models.build.recapture.crops import faces_of
from models.build.recapture.imitate import BATCH, DECAY, REPORT
from models.build.recapture.learn import SMOOTH
from models.build.recapture.light import in_coloured_light, in_grey_light
from models.build.recapture.shape import SCALES

if TYPE_CHECKING:
    from models.build.recapture.lessons import Drawing, Lessons
    from models.build.recapture.student import Student

RATE = 4e-4
TOLD = 0.5
"""Weight of the labels beside what it said: what colour told, something else has to tell."""


def steady(student: Student, lessons: Lessons, drawing: Drawing, steps: int) -> None:
    """Teach it. BatchNorm stays as it is."""
    random = np.random.default_rng(steps)
    before = copy.deepcopy(student).eval()
    optimiser = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.1)
    losses = []
    for step in range(steps):
        drawn = drawing(random, BATCH)
        views = faces_of(lessons, drawn)
        if random.random() < 1 / 2:
            views = views.flip(-1)
        lit = in_grey_light(in_coloured_light(views, SCALES, random))
        with torch.autocast("cpu", torch.bfloat16):
            seen = student.features(lit).float()
            with torch.no_grad():
                held = before.features(views).float()
        with torch.no_grad():
            wanted = before.out(held)[:, 0]
        said = functional.mse_loss(student.out(seen)[:, 0], wanted) / wanted.var()
        lost = functional.mse_loss(seen, held) / held.var()
        label = torch.from_numpy(lessons.attack[drawn]).float() * (1 - 2 * SMOOTH) + SMOOTH
        told = functional.binary_cross_entropy_with_logits(student.out(seen)[:, 0], label)
        optimiser.zero_grad()
        (said + lost + TOLD * told).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        losses.append([said.item(), lost.item(), told.item()])
        if (step + 1) % REPORT == 0:
            mean = np.mean(losses[-REPORT:], axis=0)
            print(f"  coloured light, step {step + 1}: {np.round(mean, 3)}", flush=True)
