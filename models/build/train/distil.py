"""Distil both teachers into the student, on faces that they are asked about as they are made.

A step composes faces, asks the teachers, shows the student two views of each and holds it to the
teachers' vector, to the distances between the faces, and to w600k's last map. The learning rate
follows the wall clock (cosine to zero at the deadline).
"""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.build.train import compose, verification, widen
from models.build.train.networks import EMBEDDING, WIDE, Student
from models.build.train.targets import WEIGHTS
from models.build.train.views import Covers, Views, views

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from models.build.train.compose import Material
    from models.build.train.pack import Data
    from models.build.train.teachers import Teachers

LOSSES = ("embedding", "relation", "others", "length", "map")


@dataclass(frozen=True)
class Config:
    """What the configuration file sets: every number of a run but its deadline."""

    seed: int
    faces: int  # composed for a step; the student sees each twice
    muon_rate: float
    adam_rate: float
    weight_decay: float
    warm_up: int  # steps
    clip: float  # norm of the gradient
    average: float  # decay of the averaged weights, which are what is evaluated and exported
    embedding_weight: float  # 1 - cosine
    relation_weight: float  # squared error of the batch's cosine matrix
    others_weight: float  # cross entropy of a face's own target against other faces'
    length_weight: float  # squared error of a vector's length against its cosine to the target
    map_weight: float  # 1 - cosine of w600k's last map, read off the student's
    length: float  # of a vector that is its target
    others: int  # so many
    scale: float  # of their cosines
    margin: float  # off the own one
    same: float  # cosine from which another face may show the same person
    channels_last: bool  # how maps lie in memory
    statistics: int  # steps over which the averaged weights' BatchNorm is measured

    def weights(self) -> list[float]:
        """Return the weights of the losses in their order."""
        return [getattr(self, f"{name}_weight") for name in LOSSES]


@dataclass(frozen=True)
class Answers:
    """What the teachers say of faces: unit vectors ``(n, 256)``, and w600k's maps of each.

    ``maps`` are ``(2, n, 512, 7, 7)``: of the faces as they are, and mirrored.
    """

    targets: Tensor
    maps: Tensor


def answers(teachers: Teachers, axes: Tensor, faces: Tensor) -> Answers:
    """Ask the teachers of faces ``(n, 3, 112, 112)``, 0 to 255, and of their mirror images."""
    said, maps = teachers.ask(faces)
    joined = torch.cat([math.sqrt(weight) * said[name] for name, weight in WEIGHTS.items()], 1)
    return Answers(functional.normalize(joined @ axes), maps)


class Distillation:
    """One training run: student, optimizers, average, data."""

    def __init__(
        self,
        config: Config,
        data: Data,
        teachers: Teachers,
        start: Mapping[str, NDArray[np.float32]],
    ) -> None:
        """Put the optimizers on a student that begins with the arrays ``start``."""
        torch.manual_seed(config.seed)
        self.config, self.data, self._teachers = config, data, teachers
        self._device = data.faces.device
        self._material: Material = compose.Material.of(data.faces, data.share, data.heads)
        self._covers = Covers(self._material)
        self.student = Student()
        self.student.load(start)
        self._layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.student.to(self._device, memory_format=self._layout)
        with torch.no_grad():
            widen.renormalise(self.student, [self._seen().images for _ in range(config.statistics)])
        self._to_map = nn.Conv2d(WIDE, WIDE, 1, device=self._device)
        self.average = copy.deepcopy(self.student)
        self._others = torch.zeros(config.others, EMBEDDING, device=self._device)
        known = torch.cat([data.held_out, data.crops]).float()
        self._known = answers(teachers, data.axes, known).targets
        matrices = [p for p in self.student.parameters() if p.dim() == 2]
        rest = [p for p in self.student.parameters() if p.dim() != 2]
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(
                matrices,
                lr=config.muon_rate,
                weight_decay=config.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            ),
            torch.optim.AdamW(
                [*rest, *self._to_map.parameters()],
                lr=config.adam_rate,
                weight_decay=config.weight_decay,
                betas=(0.9, 0.98),
            ),
        ]

    def _seen(self) -> Views:
        """Return views of new faces."""
        return views(compose.compose(self._material, self.config.faces), self._covers)

    def _see(self, student: Student, seen: Views) -> tuple[Tensor, Tensor]:
        number = torch.bfloat16 if self._device.type == "cuda" else torch.float32
        with torch.autocast(self._device.type, number, enabled=self._device.type == "cuda"):
            images = seen.images.to(memory_format=self._layout)
            raw, last = student(images)
        return raw.float(), last

    def _losses(self, seen: Views, taught: Answers) -> Tensor:
        c = self.config
        raw, last = self._see(self.student, seen)
        target = taught.targets.repeat(2, 1) * seen.somebody[:, None]
        said = functional.normalize(raw)
        own = (said * target).sum(1)
        cosine = (1.0 - own).mean()
        relation = functional.mse_loss(said @ said.T, target @ target.T)
        # Everybody else's target is somebody else, unless the teachers find them too alike.
        alike = target @ self._others.T > c.same
        rest = (c.scale * (said @ self._others.T)).masked_fill(alike, -torch.inf).logsumexp(1)
        apart = functional.softplus(rest - c.scale * (own - c.margin)).mean()
        # A vector's length is to say how near the target it is: how much to trust it.
        length = functional.mse_loss(raw.norm(dim=1) / c.length, own.detach())
        maps = taught.maps
        spread = maps.std((0, 1, 3, 4), keepdim=True).clamp(min=1e-3)
        maps = (maps - maps.mean((0, 1, 3, 4), keepdim=True)) / spread
        side = seen.mirrored.long()
        faces = torch.arange(len(side), device=self._device) % len(taught.targets)
        likeness = functional.cosine_similarity(self._to_map(last.float()), maps[side, faces])
        return torch.stack(
            [cosine, relation, apart, length, (1 - likeness.mean((1, 2)))[seen.somebody].mean()]
        )

    def step(self, factor: float) -> Tensor:
        """Take one optimizer step at a fraction of the learning rates; return the losses."""
        c = self.config
        with torch.no_grad():
            faces = compose.compose(self._material, c.faces)
            said = answers(self._teachers, self.data.axes, faces)
            seen = views(faces, self._covers)
        losses = self._losses(seen, said)
        (losses * torch.tensor(c.weights(), device=self._device)).sum().backward()
        torch.nn.utils.clip_grad_norm_(self.student.parameters(), c.clip)
        for optimizer, rate in zip(self._optimizers, (c.muon_rate, c.adam_rate), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            pairs = (self.average.parameters(), self.student.parameters())
            torch._foreach_lerp_(*map(list, pairs), 1.0 - c.average)
            self._others = torch.cat([said.targets, self._others])[: c.others]
        return losses.detach()

    def _measure_statistics(self) -> None:
        """Measure the BatchNorm statistics of the averaged weights."""
        norms = [m for m in self.average.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all steps
        self.average.train()
        with torch.no_grad():
            for _ in range(self.config.statistics):
                self._see(self.average, self._seen())
        self.average.eval()

    def evaluate(self) -> dict[str, Any]:
        """Return how well the averaged weights agree with the teachers, and LFW's figures."""
        self._measure_statistics()
        crops = torch.cat([self.data.held_out, self.data.crops])
        said = verification.embed_all(self.average, crops)
        cosines = (said * self._known).sum(1)
        first = len(self.data.held_out)
        lfw = verification.verify(said[first:].cpu().numpy(), self.data.pairs, self.data.names)
        return {
            "held_out_cosine": round(cosines[:first].mean().item(), 4),
            "lfw_cosine": round(cosines[first:].mean().item(), 4),
            "lfw_accuracy": round(lfw.accuracy, 4),
            "lfw_fnmr_at_fmr_1e-3": round(lfw.fnmr_1e3, 4),
            "lfw_fnmr_at_fmr_1e-4": round(lfw.fnmr_1e4, 4),
            "lfw_d_prime": round(lfw.d_prime, 3),
        }


@dataclass
class Schedule:
    """The learning rate by the clock: up over some steps, then a cosine to zero at the deadline."""

    started: float
    deadline: float
    warm_up: int
    steps: int = 0

    def factor(self) -> float:
        """Return the learning rate's factor now, 0 to 1."""
        progress = min(1.0, (time.monotonic() - self.started) / (self.deadline - self.started))
        return (
            min(1.0, (self.steps + 1) / self.warm_up) * 0.5 * (1.0 + math.cos(math.pi * progress))
        )

    def over(self) -> bool:
        """Return whether the deadline has come."""
        return time.monotonic() >= self.deadline
