"""Distil the teacher into the student on CPU threads, to a deadline, through kills.

A step is a few micro-batches, drawn by single-threaded workers as each becomes free: with frozen
BatchNorm an image does not depend on its batch, so small micro-batches stay in the cache, and a
core that other programs take slows only one of them down. The learning rate follows the wall clock
(cosine to zero at the deadline), so it has annealed whatever else the machine does.
"""

from __future__ import annotations

import csv
import io
import json
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.build.train import data, networks, verification

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

COLUMNS = (
    "seconds", "images", "lr_factor", "stage", "embedding", "relation", "held_out_cosine",
    "lfw_accuracy", "lfw_tar", "lfw_d_prime",
)  # fmt: skip


@dataclass(frozen=True)
class Config:
    """What the configuration file sets; every number of a run but its paths and its deadline."""

    seed: int
    micro_batch: int
    micro_batches: int
    threads: int
    muon_rate: float
    adam_rate: float
    weight_decay: float
    warm_up: int
    clip: float
    average: float
    stage_weight: float
    embedding_weight: float
    relation_weight: float
    held_out: int
    evaluate_every: float
    checkpoint_every: float
    augmentation: data.Augmentation

    @classmethod
    def read(cls, table: Mapping[str, object]) -> Config:
        """Build from the parsed TOML; a missing or unknown key is a `TypeError` that names it."""
        rest = dict(table)
        augmentation = rest.pop("augmentation")
        return cls(augmentation=data.Augmentation(**augmentation), **rest)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Paths:
    """Where a run reads and writes."""

    faces: Path
    teacher: Path
    crops: Path
    out: Path


@dataclass
class Clock:
    """Wall-clock schedule of one cosine, and how far the training has come over all of them."""

    started: float
    deadline: float
    first_started: float
    steps: int = 0
    images: int = 0

    def factor(self, warm_up: int, restarted_at: int) -> float:
        """Return the learning rate's factor now, 0 to 1."""
        progress = min(1.0, (time.time() - self.started) / (self.deadline - self.started))
        ramp = min(1.0, (self.steps - restarted_at + 1) / warm_up)
        return ramp * 0.5 * (1.0 + math.cos(math.pi * progress))


class Distillation:
    """One training run: networks, optimizers, average, data."""

    def __init__(
        self, config: Config, paths: Paths, arrays: Mapping[str, NDArray[np.float32]]
    ) -> None:
        """Load the data and put the optimizers on ``arrays``."""
        self.config, self.paths = config, paths
        cv2.setNumThreads(1)
        torch.manual_seed(config.seed)
        self.teacher = networks.Teacher(paths.teacher)
        faces = data.decode(paths.faces, paths.out / "faces.npy")
        self.held_out, self.faces = faces[: config.held_out], faces[config.held_out :]
        self.crops, self.pairs, self.names = verification.load_crops(paths.crops)
        self.pool = ThreadPoolExecutor(
            config.threads, initializer=torch.set_num_threads, initargs=(1,)
        )
        self.student = networks.Student(arrays)
        p = self.student.parameters
        self.average = {n: t.detach().clone() for n, t in p.items()}
        matrices = [t for t in p.values() if t.dim() == 2]
        others = [t for t in p.values() if t.dim() != 2]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Muon(
                matrices,
                lr=config.muon_rate,
                weight_decay=config.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            ),
            torch.optim.AdamW(
                others,
                lr=config.adam_rate,
                weight_decay=config.weight_decay,
                betas=(0.9, 0.98),
                fused=True,
            ),
        ]
        self.variances = self._stage_variances()

    def _stage_variances(self) -> list[float]:
        with torch.no_grad():
            view = data.normalise(np.ascontiguousarray(data.plain_views(self.held_out[:64])))
            stages, _ = self.teacher(data.split(view)[0])
        return [float(s.float().var()) for s in stages]

    def losses(self, views: Tensor, leaves: networks.Folded) -> tuple[Tensor, Tensor, Tensor]:
        """Return the stage, embedding and relation losses of one micro-batch."""
        for_teacher, for_student = data.split(views)
        target_stages, target = self.teacher(for_teacher)
        stages, embedding = networks.embed(for_student, leaves)
        stage = torch.stack(
            [
                networks.stage_error(s, t, v)
                for s, t, v in zip(stages, target_stages, self.variances, strict=True)
            ]
        ).mean()
        unit, target_unit = functional.normalize(embedding), functional.normalize(target)
        cosine = (1.0 - (unit * target_unit).sum(1)).mean()
        relation = functional.mse_loss(unit @ unit.T, target_unit @ target_unit.T)
        return stage, cosine, relation

    def _work(
        self, leaves: networks.Folded, seed: int
    ) -> tuple[tuple[Tensor, ...], tuple[float, ...]]:
        c = self.config
        rng = np.random.default_rng(seed)
        indices = rng.integers(0, len(self.faces), c.micro_batch)
        views = data.normalise(data.views(self.faces, indices, rng, c.augmentation))
        stage, cosine, relation = self.losses(views, leaves)
        loss = c.stage_weight * stage + c.embedding_weight * cosine + c.relation_weight * relation
        gradients = torch.autograd.grad(loss, list(leaves.values()))
        return gradients, (stage.item(), cosine.item(), relation.item())

    def step(self, number: int, factor: float) -> NDArray[np.float64]:
        """Take one optimizer step; return the mean losses."""
        c = self.config
        folded = self.student.fold()
        leaves = networks.leaves(folded)
        seeds = [hash((c.seed, number, k)) & 0xFFFFFFFF for k in range(c.micro_batches)]
        results = list(self.pool.map(lambda seed: self._work(leaves, seed), seeds))
        sums = [
            networks.as_folded(torch.stack([g.float() for g in gradients]).mean(0), target)
            for *gradients, target in zip(*(r[0] for r in results), folded.values(), strict=True)
        ]
        torch.autograd.backward(list(folded.values()), sums)
        parameters = list(self.student.parameters.values())
        torch.nn.utils.clip_grad_norm_(parameters, c.clip)
        for optimizer, rate in zip(self.optimizers, (c.muon_rate, c.adam_rate), strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        decay = min(c.average, (number + 1) / (number + 10))
        torch._foreach_lerp_(list(self.average.values()), parameters, 1.0 - decay)
        return np.mean([r[1] for r in results], axis=0)  # type: ignore[no-any-return]

    def evaluate(self) -> tuple[float, verification.Verification]:
        """Return the averaged weights' cosine to the teacher on held-out faces, and LFW figures."""
        with torch.no_grad():
            folded = networks.leaves(self.student.fold(self.average))
            view = np.ascontiguousarray(data.plain_views(self.held_out))

            def agreement(i: int) -> float:
                for_teacher, for_student = data.split(
                    data.normalise(view[i : i + verification.BATCH])
                )
                with torch.no_grad():
                    _, target = self.teacher(for_teacher)
                    _, embedding = networks.embed(for_student, folded)
                    return functional.cosine_similarity(target, embedding).mean().item()

            cosine = np.mean(
                list(self.pool.map(agreement, range(0, len(view), verification.BATCH)))
            )
            half = (len(self.crops) + 1) // 2
            parts = [self.crops[:half], self.crops[half:]]
            embeddings = np.concatenate(
                list(self.pool.map(lambda part: verification.embed_all(folded, part), parts))
            )
        return float(cosine), verification.verify(embeddings, self.pairs, self.names)


def _npz(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def save(run: Distillation, clock: Clock) -> None:
    """Write the checkpoint from which a killed run goes on."""
    buffer = io.BytesIO()
    state = {
        "parameters": run.student.arrays(),
        "average": run.student.arrays(run.average),
        "optimizers": [o.state_dict() for o in run.optimizers],
        "clock": asdict(clock),
    }
    torch.save(state, buffer)
    data.write_atomically(run.paths.out / "checkpoint.pt", buffer.getvalue())


def export(run: Distillation, clock: Clock, cosine: float, lfw: verification.Verification) -> None:
    """Write the averaged weights and what is known of them."""
    facts = {
        "padding": "SAME",
        "padding_note": "TensorFlow SAME: strided 3x3 convolutions pad (0, 1) below and right, "
        "the others (1, 1); the 7x7 of the head is VALID",
        "input": "RGB (x - 127.5) / 128, 112x112",
        "images_seen": clock.images,
        "held_out_cosine": round(cosine, 4),
        "lfw_accuracy": round(lfw.accuracy, 4),
        "lfw_tar_at_fmr_1e-3": round(lfw.tar_at_1e3, 4),
        "lfw_d_prime": round(lfw.d_prime, 3),
    }
    data.write_atomically(run.paths.out / "student.npz", _npz(run.student.arrays(run.average)))
    data.write_atomically(
        run.paths.out / "student.json", (json.dumps(facts, indent=2) + "\n").encode()
    )


def train(run: Distillation, clock: Clock) -> None:
    """Train until the clock's deadline; log, checkpoint and export on the way."""
    c, restarted_at = run.config, clock.steps
    log = run.paths.out / "log.csv"
    if not log.exists():
        log.write_text(",".join(COLUMNS) + "\n")
    evaluated = saved = time.time()
    best = 0.0
    recent: list[NDArray[np.float64]] = []
    if clock.steps == 0:
        evaluated = 0.0
    while (now := time.time()) < clock.deadline:
        factor = clock.factor(c.warm_up, restarted_at)
        recent.append(run.step(clock.steps, factor))
        clock.steps += 1
        clock.images += c.micro_batch * c.micro_batches
        if clock.steps % 50 == 0:
            means = np.mean(recent[-50:], axis=0).round(4)
            print(f"{clock.images} images, {means}, factor {factor:.3f}", flush=True)
        if now - saved > c.checkpoint_every:
            save(run, clock)
            saved = now
        if now - evaluated > c.evaluate_every:
            best = max(best, _evaluate(run, clock, factor, recent, best))
            recent.clear()
            evaluated = now
    _evaluate(run, clock, 0.0, recent, best)
    save(run, clock)


def _evaluate(
    run: Distillation, clock: Clock, factor: float, recent: list[NDArray[np.float64]], best: float
) -> float:
    cosine, lfw = run.evaluate()
    stage, embedding, relation = np.mean(recent, axis=0)
    row = (
        round(time.time() - clock.first_started), clock.images, f"{factor:.4f}", f"{stage:.4f}",
        f"{embedding:.4f}", f"{relation:.5f}", f"{cosine:.4f}", f"{lfw.accuracy:.4f}",
        f"{lfw.tar_at_1e3:.4f}", f"{lfw.d_prime:.3f}",
    )  # fmt: skip
    with (run.paths.out / "log.csv").open("a", newline="") as file:
        csv.writer(file).writerow(row)
    print("evaluated", dict(zip(COLUMNS, row, strict=True)), flush=True)
    # Better is judged by agreement with the teacher on held-out faces: LFW is the test.
    if cosine > best:
        export(run, clock, cosine, lfw)
    return cosine
