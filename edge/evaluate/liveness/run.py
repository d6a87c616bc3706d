"""All clips and attacks through a pool of processes."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import accumulate
from multiprocessing import get_context
from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.evaluate import attacks
from edge.evaluate.clips import read_clips
from edge.evaluate.intervals import Share
from edge.evaluate.liveness.report import LivenessReport
from edge.evaluate.liveness.watch import SEED, alive, replay, shown, sitter_of, watch
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from edge.config import Config
    from edge.evaluate.clips import Clip
    from edge.evaluate.liveness.watch import Seen

_PORTION = 10  # attacks a task
REPLAYS = "replays"
"""Of the genuine clips against challenges that were drawn after they were filmed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is shown to the product."""

    fps: float | None = None
    """Clips are resampled to this rate; None: their own."""
    made: Mapping[str, range] = field(default_factory=dict)
    """Attacks, by the name of the family: of `attacks.FAMILIES`, or `REPLAYS`. One of a number is
    always the same, so that many can be made in pieces."""
    judged: bool = True
    """Whether clips are judged; without, they only lend their people to the attacks."""

    def __post_init__(self) -> None:
        """Raises UsageError: there is no such family."""
        for name in self.made.keys() - {*attacks.FAMILIES, REPLAYS}:
            known = ", ".join([*attacks.FAMILIES, REPLAYS])
            raise UsageError(f"there is no family of attacks called {name!r}. There are: {known}.")

    @property
    def generated(self) -> dict[str, range]:
        """Those made by software."""
        return {name: those for name, those in self.made.items() if those and name != REPLAYS}

    def replays_each(self, clips: Iterable[Clip]) -> int:
        """Of each genuine clip, so that together they are at least as many as asked for."""
        asked = len(self.made.get(REPLAYS, ()))
        return -(-asked // max(1, sum(clip.genuine for clip in clips)))


class _Worker:
    """What a process of the pool keeps: the models, loaded once, and whom the attacks show."""

    config: Config
    stages: Stages
    sitters: list[attacks.Sitter]


def _start(config: Config, sitters: list[attacks.Sitter]) -> None:
    _Worker.config = config
    _Worker.stages = Stages.load(config)
    _Worker.sitters = sitters


def _pool(jobs: int, config: Config, sitters: list[attacks.Sitter]) -> ProcessPoolExecutor:
    context = get_context("spawn")
    return ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(config, sitters))


def _work(clip: Clip, plan: Plan, replays: int) -> tuple[Seen | None, attacks.Sitter | None]:
    stages, config = _Worker.stages, _Worker.config
    seen = watch(stages, config, clip, plan.fps, replays) if plan.judged else None
    return seen, sitter_of(stages, clip) if plan.generated else None


def _attack(family: str, numbers: range) -> dict[str, Share]:
    """The attacks of these numbers; films are held against a fresh challenge as well."""
    config = _Worker.config
    taken: dict[str, list[bool]] = defaultdict(list)
    made = attacks.presentations(attacks.FAMILIES[family], _Worker.sitters, numbers, SEED)
    for number, presentation in zip(numbers, made, strict=True):
        name = presentation.species
        evidence = list(shown(_Worker.stages, config, presentation))
        taken[name].append(any(alive(e) for e in evidence))
        if family in attacks.FILMS:
            passed = replay(config.liveness, evidence, 1, f"{name} {number}")
            taken[f"{name}_of_a_challenge"].append(passed > 0)
    return {name: Share(sum(hits), len(hits)) for name, hits in taken.items()}


def evaluate_liveness(
    clips: Path,
    config: Config,
    plan: Plan = Plan(),
    *,
    jobs: int = 1,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> LivenessReport:
    """Show all clips of a list to the product, and attacks made from them.

    Args:
        clips: the list; see `read_clips`.
        config: models and `[liveness]`; the level is what the clips are judged by.
        plan: what is shown.
        jobs: processes.
        advance: called with the number of clips and attacks done, and of all.

    Raises:
        UsageError: the list is wrong.
        CameraError: a clip cannot be opened.
    """
    models = config.models.model_copy(update={"threads": 1})
    config = config.model_copy(update={"models": models})
    listed = read_clips(clips)
    replays = plan.replays_each(listed)
    seen: list[Seen] = []
    sitters: list[attacks.Sitter] = []
    total = len(listed) + sum(map(len, plan.generated.values()))
    with _pool(jobs, config, []) as pool:
        for done, (one, sitter) in enumerate(_watch_all(pool, listed, plan, replays), 1):
            seen += [one] if one else []
            sitters += [sitter] if sitter else []
            advance(done, total)
    generated: dict[str, Share] = {}
    if sitters:
        with _pool(jobs, config, sitters) as pool:
            generated = _attack_all(
                pool, plan.generated, lambda done: advance(len(listed) + done, total)
            )
    if replays and plan.judged:
        generated["replay_of_a_challenge"] = _of_replays(seen)
    return LivenessReport(
        rows=tuple(s.row for s in seen),
        traces={s.row.file: s.trace for s in seen},
        generated=generated,
        guess_probability=config.liveness.guess_probability,
    )


def _of_replays(seen: Iterable[Seen]) -> Share:
    return _sum([one.replays for one in seen if one.clip.genuine])


def _watch_all(
    pool: ProcessPoolExecutor, clips: Iterable[Clip], plan: Plan, replays: int
) -> Iterator[tuple[Seen | None, attacks.Sitter | None]]:
    tasks = [pool.submit(_work, clip, plan, replays if clip.genuine else 0) for clip in clips]
    return (task.result() for task in tasks)


def _attack_all(
    pool: ProcessPoolExecutor,
    made: Mapping[str, range],
    advance: Callable[[int], None],
) -> dict[str, Share]:
    """The attacks of some families, by species."""
    tasks = {
        pool.submit(_attack, family, numbers): len(numbers)
        for family, those in made.items()
        for begin in range(0, len(those), _PORTION)
        for numbers in [those[begin : begin + _PORTION]]
    }
    parts = []
    for task, done in zip(tasks, accumulate(tasks.values()), strict=True):
        parts.append(task.result())
        advance(done)
    return _added(parts)


def _added(parts: list[dict[str, Share]]) -> dict[str, Share]:
    names = sorted({name for part in parts for name in part})
    return {name: _sum([part[name] for part in parts if name in part]) for name in names}


def _sum(shares: list[Share]) -> Share:
    return Share(sum(s.hits for s in shares), sum(s.count for s in shares))
