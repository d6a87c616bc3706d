"""Distil both teachers into the student on CPU threads, to a deadline, through kills.

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
    "seconds", "images", "lr_factor", "embedding", "relation", "others", "length",
    "held_out_cosine", "lfw_cosine", "lfw_accuracy", "lfw_fnmr_1e-3", "lfw_fnmr_1e-4",
    "lfw_d_prime",
)  # fmt: skip

FACTS = {
    "padding": "SAME",
    "padding_note": "TensorFlow SAME: strided 3x3 convolutions pad (0, 1) below and right, "
    "the others (1, 1); the 7x7 of the head is VALID",
    "strided": [conv.name for conv in networks.CONVS if conv.stride == 2],
    "input": "RGB (x - 127.5) / 128, 112x112",
}


@dataclass(frozen=True)
class Config:
    """What the configuration file sets; every number of a run but its paths and its deadline."""

    seed: int
    micro_batch: int
    micro_batches: int
    threads: int
    frozen: int
    muon_rate: float
    adam_rate: float
    weight_decay: float
    warm_up: int
    clip: float
    average: float
    embedding_weight: float
    relation_weight: float
    others_weight: float
    length_weight: float
    length: float
    others: int
    scale: float
    margin: float
    same: float
    evaluate_every: float
    checkpoint_every: float
    augmentation: data.Augmentation

    @classmethod
    def read(cls, table: Mapping[str, Any]) -> Config:
        """Build from the parsed TOML; a missing or unknown key is a `TypeError` that names it."""
        rest = dict(table)
        augmentation = rest.pop("augmentation")
        return cls(augmentation=data.Augmentation(**augmentation), **rest)


@dataclass(frozen=True)
class Paths:
    """Where a run reads and writes."""

    faces: Path
    targets: Path
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
    """A micro-batch as the student sees it, and what it is to say: nobody's target is zero."""

    views: Tensor
    targets: Tensor


class Distillation:
    """One training run: student, optimizers, average, data."""

    def __init__(
        self, config: Config, paths: Paths, arrays: Mapping[str, NDArray[np.float32]]
    ) -> None:
        """Load the data and put the optimizers on ``arrays``."""
        self.config, self.paths = config, paths
        cv2.setNumThreads(1)
        torch.manual_seed(config.seed)
        self.faces = np.load(paths.faces, mmap_mode="r")
        with np.load(paths.targets) as archive:
            self.targets = torch.from_numpy(archive["target"]).float()
            self.share = archive["share"].astype(np.float64)
            held_out = archive["held_out"]
            known = torch.from_numpy(archive["pairs"]).float()
        self.share /= self.share.sum()
        self.held_out = data.centre(self.faces[held_out])
        self.known = torch.cat([self.targets[held_out], known])
        self.around = data.Around.of(self.faces, self.share, np.load(paths.heads))
        self.crops, self.pairs, self.names = verification.load_crops(paths.crops)
        self.pool = ThreadPoolExecutor(
            config.threads, initializer=torch.set_num_threads, initargs=(1,)
        )
        self._prepared: dict[int, list[Future[Lesson]]] = {}
        self.student = networks.Student(arrays, config.frozen)
        p = {n: t for n, t in self.student.parameters.items() if t.requires_grad}
        self.average = {n: t.detach().clone() for n, t in self.student.parameters.items()}
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

    def _draw(self, rng: np.random.Generator, count: int) -> NDArray[np.int64]:
        return rng.choice(len(self.share), count, p=self.share)

    def _prepare(self, seed: int) -> Lesson:
        """Draw a micro-batch."""
        c = self.config
        rng = np.random.default_rng(seed)
        chosen = self._draw(rng, c.micro_batch)
        views, somebody = data.views(self.faces, chosen, self.around, rng, c.augmentation)
        return Lesson(
            data.normalise(views), self.targets[chosen] * torch.from_numpy(somebody)[:, None]
        )

    def _learn(
        self, leaves: networks.Leaves, lesson: Lesson, others: Tensor
    ) -> tuple[tuple[Tensor, ...], tuple[float, ...]]:
        """Return the gradients by the leaves, and the losses in the order of the log."""
        raw, target = networks.embed(lesson.views, leaves), lesson.targets
        said = functional.normalize(raw)
        own = (said * target).sum(1)
        cosine = (1.0 - own).mean()
        relation = functional.mse_loss(said @ said.T, target @ target.T)
        c = self.config
        # Everybody else's target is somebody else, unless the teachers find them too alike.
        alike = target @ others.T > c.same
        rest = (c.scale * (said @ others.T)).masked_fill(alike, -torch.inf).logsumexp(1)
        apart = functional.softplus(rest - c.scale * (own - c.margin)).mean()
        # A vector's length is to say how near the target it is: how much to trust it.
        length = functional.mse_loss(raw.norm(dim=1) / c.length, own.detach())
        losses = torch.stack([cosine, relation, apart, length])
        loss = losses @ torch.tensor(
            [c.embedding_weight, c.relation_weight, c.others_weight, c.length_weight]
        )
        gradients = torch.autograd.grad(loss, list(leaves.trained().values()))
        return gradients, tuple(losses.tolist())

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
        others = self.targets[self._draw(np.random.default_rng((c.seed, number)), c.others)]
        tasks = [self.pool.submit(self._learn, leaves, p.result(), others) for p in prepared]
        # Queued behind: what a worker does while it would wait for the other and the optimizer.
        self._prepared[number + 1] = self._prepare_step(number + 1)
        results = [task.result() for task in tasks]
        sums = [torch.stack(g).float().mean(0) for g in zip(*(r[0] for r in results), strict=True)]
        trained = [folded[name] for name in leaves.trained()]
        torch.autograd.backward(trained, leaves.folded(sums, folded))
        parameters = list(self.student.parameters.values())
        torch.nn.utils.clip_grad_norm_([t for t in parameters if t.requires_grad], c.clip)
        for optimizer, rate in zip(self.optimizers, (c.muon_rate, c.adam_rate), strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad()
        decay = min(c.average, (number + 1) / (number + 10))
        now = [t.detach() for t in parameters]
        torch._foreach_lerp_(list(self.average.values()), now, 1.0 - decay)
        return np.mean([r[1] for r in results], axis=0)

    def evaluate(self) -> tuple[float, float, verification.Verification]:
        """Return the cosine to the target on held-out faces and on LFW, and LFW's figures."""
        with torch.no_grad():
            leaves = networks.Leaves.of(self.student.fold(self.average))

        def part(crops: data.Images) -> Tensor:
            return verification.embed_all(leaves, crops)

        everything = np.concatenate([self.held_out, self.crops])
        parts = np.array_split(everything, 8 * self.config.threads)
        embeddings = torch.cat(list(self.pool.map(part, parts)))
        cosines = (embeddings * self.known).sum(1)
        first = len(self.held_out)
        lfw = verification.verify(embeddings[first:].numpy(), self.pairs, self.names)
        return cosines[:first].mean().item(), cosines[first:].mean().item(), lfw


def _npz(arrays: Mapping[str, NDArray[np.float32]]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
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


def _evaluate(
    run: Distillation, clock: Clock, factor: float, recent: deque[NDArray[np.float64]]
) -> dict[str, Any]:
    """Log a line; return what is known of the averaged weights."""
    cosine, lfw_cosine, lfw = run.evaluate()
    embedding, relation, others, length = np.mean(recent, axis=0)
    row = (
        round(time.time() - clock.first_started), clock.images, f"{factor:.4f}", f"{embedding:.4f}",
        f"{relation:.5f}", f"{others:.4f}", f"{length:.4f}", f"{cosine:.4f}", f"{lfw_cosine:.4f}",
        f"{lfw.accuracy:.4f}", f"{lfw.fnmr_1e3:.4f}", f"{lfw.fnmr_1e4:.4f}", f"{lfw.d_prime:.3f}",
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
        "lfw_fnmr_at_fmr_1e-3": round(lfw.fnmr_1e3, 4),
        "lfw_fnmr_at_fmr_1e-4": round(lfw.fnmr_1e4, 4),
        "lfw_d_prime": round(lfw.d_prime, 3),
    }


def _export_if_best(run: Distillation, facts: Mapping[str, Any]) -> None:
    known = run.paths.out / "student.json"
    best = json.loads(known.read_text()).get("lfw_cosine", 0.0) if known.exists() else 0.0
    # Agreement with the teacher on View 1's faces moves less by chance than the count of errors.
    if facts["lfw_cosine"] > best:
        export(run, facts)
