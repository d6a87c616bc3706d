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
import signal
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

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
    "lfw_cosine", "lfw_accuracy", "lfw_tar", "lfw_d_prime",
)  # fmt: skip


FACTS = {
    "padding": "SAME",
    "padding_note": "TensorFlow SAME: strided 3x3 convolutions pad (0, 1) below and right, "
    "the others (1, 1); the 7x7 of the head is VALID",
    "input": "RGB (x - 127.5) / 128, 112x112",
}


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
    heads: Path
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
    first_step: int = 0  # of this cosine

    def factor(self, warm_up: int) -> float:
        """Return the learning rate's factor now, 0 to 1."""
        progress = min(1.0, (time.time() - self.started) / (self.deadline - self.started))
        ramp = min(1.0, (self.steps - self.first_step + 1) / warm_up)
        return ramp * 0.5 * (1.0 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class Lesson:
    """A micro-batch as the student sees it, and what the teacher makes of it."""

    views: Tensor
    stages: list[Tensor]
    embedding: Tensor


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
        self.held_out = data.centre(faces[: config.held_out])
        self.faces = faces[config.held_out :]
        self.heads = np.load(paths.heads)
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
        stages, _ = self.teacher(data.normalise(self.held_out[:64]))
        self._prepared: dict[int, list[Future[Lesson]]] = {}
        self.variances = [float(s.float().var()) for s in stages]
        self.targets = self._teach(np.concatenate([self.held_out, self.crops]))

    def _prepare(self, seed: int) -> Lesson:
        """Draw a micro-batch and ask the teacher."""
        c = self.config
        rng = np.random.default_rng(seed)
        bare, shown = data.views(self.faces, self.heads, c.micro_batch, rng, c.augmentation)
        for_teacher, for_student = data.split(data.normalise(bare), data.normalise(shown))
        return Lesson(for_student, *self.teacher(for_teacher))

    def _learn(
        self, leaves: networks.Leaves, lesson: Lesson
    ) -> tuple[tuple[Tensor, ...], tuple[float, ...]]:
        """Return the gradients by the leaves, and the stage, embedding and relation losses."""
        stages, embedding = networks.embed(lesson.views, leaves)
        # Where the two saw different pictures only the end is to be the same.
        common = len(lesson.views) - self.config.augmentation.veiled
        stage = torch.stack(
            [
                networks.stage_error(mine[:common], theirs[:common], variance)
                for mine, theirs, variance in zip(
                    stages, lesson.stages, self.variances, strict=True
                )
            ]
        ).mean()
        unit, target = functional.normalize(embedding), functional.normalize(lesson.embedding)
        cosine = (1.0 - (unit * target).sum(1)).mean()
        relation = functional.mse_loss(unit @ unit.T, target @ target.T)
        c = self.config
        loss = c.stage_weight * stage + c.embedding_weight * cosine + c.relation_weight * relation
        gradients = torch.autograd.grad(loss, list(leaves.arrays.values()))
        return gradients, (stage.item(), cosine.item(), relation.item())

    def _prepare_step(self, number: int) -> list[Future[Lesson]]:
        c = self.config
        seeds = [hash((c.seed, number, k)) & 0xFFFFFFFF for k in range(c.micro_batches)]
        return [self.pool.submit(self._prepare, seed) for seed in seeds]

    def step(self, number: int, factor: float) -> NDArray[np.float64]:
        """Take one optimizer step; return the mean losses."""
        c = self.config
        folded = self.student.fold()
        leaves = networks.Leaves.of(folded)
        prepared = self._prepared.pop(number, None) or self._prepare_step(number)
        tasks = [self.pool.submit(self._learn, leaves, lesson.result()) for lesson in prepared]
        # Queued behind: what a worker does while it would wait for the other and the optimizer.
        self._prepared[number + 1] = self._prepare_step(number + 1)
        results = [task.result() for task in tasks]
        sums = [torch.stack(g).float().mean(0) for g in zip(*(r[0] for r in results), strict=True)]
        torch.autograd.backward(list(folded.values()), leaves.folded(sums, folded))
        parameters = list(self.student.parameters.values())
        torch.nn.utils.clip_grad_norm_(parameters, c.clip)
        for optimizer, rate in zip(self.optimizers, (c.muon_rate, c.adam_rate), strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        decay = min(c.average, (number + 1) / (number + 10))
        torch._foreach_lerp_(list(self.average.values()), parameters, 1.0 - decay)
        return np.mean([r[1] for r in results], axis=0)  # type: ignore[no-any-return]

    def go_back_towards(self, arrays: Mapping[str, NDArray[np.float32]], share: float) -> None:
        """Mix ``share`` of other weights, say those the run began with, into the average.

        Between two ends of one training lies a network that is often better than both: Wortsman
        et al. 2022, arXiv:2109.01903.
        """
        others = networks.Student(arrays).parameters
        for name, value in self.average.items():
            value.lerp_(others[name].detach(), share)

    def _teach(self, crops: data.Images) -> Tensor:
        """Return the teacher's unit embeddings of 112x112 crops, on all workers."""

        def part(i: int) -> Tensor:
            _, rows = self.teacher(data.normalise(crops[i : i + verification.BATCH]))
            return functional.normalize(rows)

        return torch.cat(list(self.pool.map(part, range(0, len(crops), verification.BATCH))))

    def evaluate(self) -> tuple[float, float, verification.Verification]:
        """Return the cosine to the teacher on held-out faces and on LFW, and LFW's figures."""
        with torch.no_grad():
            leaves = networks.Leaves.of(self.student.fold(self.average))

        def part(crops: data.Images) -> Tensor:
            return verification.embed_all(leaves, crops)

        everything = np.concatenate([self.held_out, self.crops])
        parts = np.array_split(everything, 8 * self.config.threads)
        embeddings = torch.cat(list(self.pool.map(part, parts)))
        cosines = (embeddings * self.targets).sum(1)
        known = len(self.held_out)
        lfw = verification.verify(embeddings[known:].numpy(), self.pairs, self.names)
        return cosines[:known].mean().item(), cosines[known:].mean().item(), lfw


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


def export(run: Distillation, facts: Mapping[str, object]) -> None:
    """Write the averaged weights and what is known of them."""
    data.write_atomically(run.paths.out / "student.npz", _npz(run.student.arrays(run.average)))
    text = json.dumps(facts, indent=2) + "\n"
    data.write_atomically(run.paths.out / "student.json", text.encode())


def train(run: Distillation, clock: Clock) -> None:
    """Train until the clock's deadline; log, checkpoint and export on the way."""
    c = run.config
    log = run.paths.out / "log.csv"
    if not log.exists():
        log.write_text(",".join(COLUMNS) + "\n")
    evaluated = saved = time.time()
    recent: deque[NDArray[np.float64]] = deque(maxlen=100)
    if clock.steps == 0:
        evaluated = 0.0
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    while not stopped.is_set() and (now := time.time()) < clock.deadline:
        factor = clock.factor(c.warm_up)
        recent.append(run.step(clock.steps, factor))
        clock.steps += 1
        clock.images += c.micro_batch * c.micro_batches
        if clock.steps % 50 == 0:
            means = np.mean(recent, axis=0).round(4)
            print(f"{clock.images} images, {means}, factor {factor:.3f}", flush=True)
        if now - saved > c.checkpoint_every:
            save(run, clock)
            saved = now
        if now - evaluated > c.evaluate_every:
            _export_if_best(run, _evaluate(run, clock, factor, recent))
            evaluated = now
    save(run, clock)
    if not stopped.is_set():
        _export_if_best(run, _evaluate(run, clock, 0.0, recent))


def conclude(run: Distillation, clock: Clock) -> None:
    """Evaluate and export the averaged weights as they are, without a step of training."""
    export(run, _evaluate(run, clock, 0.0, deque([np.full(3, np.nan)])))


def _evaluate(
    run: Distillation, clock: Clock, factor: float, recent: deque[NDArray[np.float64]]
) -> dict[str, Any]:
    """Log a line; return what is known of the averaged weights."""
    cosine, lfw_cosine, lfw = run.evaluate()
    stage, embedding, relation = np.mean(recent, axis=0)
    row = (
        round(time.time() - clock.first_started), clock.images, f"{factor:.4f}", f"{stage:.4f}",
        f"{embedding:.4f}", f"{relation:.5f}", f"{cosine:.4f}", f"{lfw_cosine:.4f}",
        f"{lfw.accuracy:.4f}", f"{lfw.tar_at_1e3:.4f}", f"{lfw.d_prime:.3f}",
    )  # fmt: skip
    with (run.paths.out / "log.csv").open("a", newline="") as file:
        csv.writer(file).writerow(row)
    print("evaluated", dict(zip(COLUMNS, row, strict=True)), flush=True)
    return {
        **FACTS,
        "images_seen": clock.images,
        "held_out_cosine": round(cosine, 4),
        "lfw_cosine": round(lfw_cosine, 4),
        "lfw_accuracy": round(lfw.accuracy, 4),
        "lfw_tar_at_fmr_1e-3": round(lfw.tar_at_1e3, 4),
        "lfw_d_prime": round(lfw.d_prime, 3),
    }


def _export_if_best(run: Distillation, facts: Mapping[str, Any]) -> None:
    known = run.paths.out / "student.json"
    best = json.loads(known.read_text()).get("lfw_cosine", 0.0) if known.exists() else 0.0
    # Agreement with the teacher on View 1's faces moves less by chance than the count of errors.
    if facts["lfw_cosine"] > best:
        export(run, facts)
