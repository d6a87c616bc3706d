"""All clips and attacks through a pool of processes."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from itertools import accumulate
from multiprocessing import get_context
from types import MappingProxyType
from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.evaluate import attacks
from edge.evaluate.clips import read_clips
from edge.evaluate.intervals import Share
from edge.evaluate.liveness.report import LivenessReport
from edge.evaluate.liveness.watch import SEED, alive, replay, shown, sitter_of, watch
from edge.vision.pipeline import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from edge.config import Config
    from edge.evaluate.clips import Clip
    from edge.evaluate.liveness.watch import Seen

_PORTION = 10  # attacks a task
REPLAYS = "replays"
"""Of the genuine clips against challenges that were drawn after they were filmed."""


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


def _work(
    clip: Clip, fps: float | None, replays: int, *, sits: bool
) -> tuple[Seen, attacks.Sitter | None]:
    seen = watch(_Worker.stages, _Worker.config, clip, fps, replays)
    return seen, sitter_of(_Worker.stages, clip) if sits else None


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
    *,
    fps: float | None = None,
    counts: Mapping[str, int] = MappingProxyType({}),
    jobs: int = 1,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> LivenessReport:
    """Show all clips of a list to the product, and attacks made from them.

    Args:
        clips: the list; see `read_clips`.
        config: models and `[liveness]`; the level is what the clips are judged by.
        fps: clips are resampled to this rate; None: their own.
        counts: attacks to make, by the name of the family: of `attacks.FAMILIES`, or `REPLAYS`.
        jobs: processes.
        advance: called with the number of clips and attacks done, and of all.

    Raises:
        UsageError: the list is wrong, or there is no such family.
        CameraError: a clip cannot be opened.
    """
    _check(counts)
    models = config.models.model_copy(update={"threads": 1})
    config = config.model_copy(update={"models": models})
    listed = read_clips(clips)
    made = {name: count for name, count in counts.items() if count and name != REPLAYS}
    replays = _replays_each(counts, listed)
    seen: list[Seen] = []
    sitters: list[attacks.Sitter] = []
    total = len(listed) + sum(made.values())
    with _pool(jobs, config, []) as pool:
        for one, sitter in _watch_all(pool, listed, fps, replays, sits=bool(made)):
            seen.append(one)
            sitters += [sitter] if sitter else []
            advance(len(seen), total)
    generated: dict[str, Share] = {}
    if sitters:
        with _pool(jobs, config, sitters) as pool:
            generated = _attack_all(pool, made, lambda done: advance(len(seen) + done, total))
    if replays:
        generated["replay_of_a_challenge"] = _of_replays(seen)
    return LivenessReport(
        rows=tuple(s.row for s in seen),
        traces={s.row.file: s.trace for s in seen},
        generated=generated,
        guess_probability=config.liveness.guess_probability,
    )


def _check(counts: Mapping[str, int]) -> None:
    for name in counts.keys() - {*attacks.FAMILIES, REPLAYS}:
        known = ", ".join([*attacks.FAMILIES, REPLAYS])
        raise UsageError(f"there is no family of attacks called {name!r}. There are: {known}.")


def _replays_each(counts: Mapping[str, int], clips: Iterable[Clip]) -> int:
    """Of each genuine clip, so that together they are at least as many as asked for."""
    return -(-counts.get(REPLAYS, 0) // max(1, sum(clip.genuine for clip in clips)))


def _of_replays(seen: Iterable[Seen]) -> Share:
    return _sum([one.replays for one in seen if one.clip.genuine])


def _watch_all(
    pool: ProcessPoolExecutor, clips: Iterable[Clip], fps: float | None, replays: int, *, sits: bool
) -> Iterator[tuple[Seen, attacks.Sitter | None]]:
    tasks = [
        pool.submit(_work, clip, fps, replays if clip.genuine else 0, sits=sits) for clip in clips
    ]
    return (task.result() for task in tasks)


def _attack_all(
    pool: ProcessPoolExecutor,
    made: Mapping[str, int],
    advance: Callable[[int], None],
) -> dict[str, Share]:
    """The attacks of some families, by species."""
    tasks = {
        pool.submit(_attack, family, numbers): len(numbers)
        for family, count in made.items()
        for first in range(0, count, _PORTION)
        for numbers in [range(first, min(first + _PORTION, count))]
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
