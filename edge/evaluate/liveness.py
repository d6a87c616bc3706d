"""How well liveness tells people from pictures: labelled clips, and attacks made from them.

Every frame goes through the product's own `Pipeline`. Rates follow ISO/IEC 30107-3 in name (APCER,
BPCER), but attacks made by software and clips from the web are no evaluation after that standard.

How blinks are counted: a blink found matches a labelled one when the two overlap, labels widened by
3 frames on both sides; several that overlap one label are one hit. Neither hit nor false are blinks
that the clip's end cuts off and partial ones that the notes name. Everything else found is false,
and is counted over the time outside all of these, in clips that are labelled throughout.

A clip counts as accepted when liveness becomes LIVE on any of its frames, whatever it says later.
"""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from multiprocessing import get_context
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.errors import UsageError
from edge.evaluate import attacks
from edge.evaluate.clips import film, read_clips, sampled
from edge.evaluate.intervals import Share
from edge.records import Frame, LivenessState
from edge.vision.liveness.monitor import LivenessMonitor, Sample
from edge.vision.pipeline import Pipeline, Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from edge.config import Config
    from edge.config.sections import LivenessSection
    from edge.evaluate.clips import Clip, Span
    from edge.records import Evidence

TOLERANCE = 3
"""Frames by which labels, set by eye, may be off."""
_FILM_BEFORE, _FILM_AFTER = 1.5, 1.0  # seconds around a blink that a sitter's film keeps
_SEED = 4
_PORTION = 10  # attacks a task


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one clip."""

    file: str
    kind: str
    species: str
    person: str
    frames: int
    fps: float
    """At which it was shown to the product."""
    labelled_blinks: int
    """Those that count."""
    found: int
    false: tuple[Span, ...]
    missed: tuple[Span, ...]
    counted_s: float
    """Seconds over which false blinks are counted."""
    live_after_s: float | None
    """From the first frame with one face to LIVE; None: never."""
    judged: bool
    """Whether a face was ever judged."""
    seen: str
    """The last that liveness said."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A clip's eyelids, for its picture: opening and log-odds of shut, `(n, 2)`, NaN: no face."""

    opening: np.ndarray[Any, np.dtype[np.float64]]
    shut: np.ndarray[Any, np.dtype[np.float64]]
    labelled: tuple[Span, ...]
    found: tuple[Span, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LivenessReport:
    """The figures, and what they come from."""

    rows: tuple[Row, ...]
    traces: dict[str, Trace]
    generated: dict[str, Share]
    """Attacks made by software, by species: how many were taken for alive."""
    guess_probability: float
    """Of the challenge that replays were held against."""

    @property
    def recall(self) -> Share:
        """Labelled blinks that were found, in genuine clips."""
        genuine = self._rows("genuine")
        return Share(sum(r.found for r in genuine), sum(r.labelled_blinks for r in genuine))

    @property
    def false_blinks(self) -> int:
        """In genuine clips that are labelled throughout."""
        return sum(len(row.false) for row in self._rows("genuine"))

    @property
    def counted_s(self) -> float:
        """Seconds without a labelled blink in these clips."""
        return sum(row.counted_s for row in self._rows("genuine"))

    @property
    def bpcer(self) -> Share:
        """Genuine clips with a blink that were not taken for alive."""
        blinking = [row for row in self._rows("genuine") if row.labelled_blinks]
        return Share(sum(row.live_after_s is None for row in blinking), len(blinking))

    @property
    def non_response(self) -> Share:
        """All clips in which no face was ever judged."""
        return Share(sum(not row.judged for row in self.rows), len(self.rows))

    @property
    def apcer(self) -> dict[str, Share]:
        """Attacks taken for alive: clips by species, then those made by software."""
        shares = {}
        for species in sorted({row.species for row in self._rows("attack")}):
            rows = [row for row in self._rows("attack") if row.species == species]
            hits = sum(row.live_after_s is not None for row in rows)
            shares[f"clip:{species}"] = Share(hits, len(rows))
        return shares | self.generated

    @property
    def seconds_to_live(self) -> list[float]:
        """For every genuine clip that was taken for alive."""
        return [r.live_after_s for r in self._rows("genuine") if r.live_after_s is not None]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        minutes = self.counted_s / 60
        times = self.seconds_to_live
        apcer = self.apcer
        worst = max((s.value or 0.0 for s in apcer.values()), default=None)
        return {
            "blink_recall": self.recall.value,
            "blink_recall_detail": self.recall.as_dict(),
            "false_blinks_per_minute": self.false_blinks / minutes if minutes else None,
            "false_blinks": self.false_blinks,
            "counted_minutes": round(minutes, 3),
            "bpcer": self.bpcer.value,
            "bpcer_detail": self.bpcer.as_dict(),
            "non_response": self.non_response.as_dict(),
            "apcer": {name: share.as_dict() for name, share in apcer.items()},
            "apcer_worst": worst,
            "attacks": {name: share.count for name, share in apcer.items()},
            "median_seconds_to_live": float(np.median(times)) if times else None,
            "challenge_guess_probability": round(self.guess_probability, 5),
            "clips": [_row_as_dict(row) for row in self.rows],
        }

    def _rows(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row.kind == kind]


def _row_as_dict(row: Row) -> dict[str, object]:
    return {name: getattr(row, name) for name in Row.__dataclass_fields__}


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A clip as the product saw it."""

    clip: Clip
    row: Row
    trace: Trace
    replays: Share


def _watch(stages: Stages, config: Config, clip: Clip, fps: float | None, replays: int) -> _Seen:
    """Show one clip to the product, then hold what it saw against fresh challenges."""
    pipeline = Pipeline(stages, config)
    evidence = [pipeline.step(f) for f in sampled(film(clip.path), clip.fps, fps)]
    frames = evidence[-1].sequence + 1 if evidence else 0
    found = [
        (round(b[0] * clip.fps), round(b[1] * clip.fps))
        for e in evidence
        if (b := e.liveness.blink) is not None
    ]
    row = _scored(clip, evidence, found, frames, min(fps or clip.fps, clip.fps))
    trace = Trace(
        *_course(evidence, frames), tuple((b[0], b[2]) for b in clip.blinks), tuple(found)
    )
    passed = _replay(config.liveness, evidence, replays, clip.path.name) if replays else 0
    return _Seen(clip, row, trace, Share(passed, replays))


def _scored(
    clip: Clip, evidence: list[Evidence], found: list[Span], frames: int, fps: float
) -> Row:
    # The end of a clip cuts off a blink that is labelled up to its last frame.
    counted = [(b[0], b[2]) for b in clip.blinks if b[2] < frames - 1]
    excused = [(b[0], b[2]) for b in clip.blinks if b[2] >= frames - 1] + list(clip.excused)
    hits = {span for span in counted if any(_overlap(span, f) for f in found)}
    false = [f for f in found if not any(_overlap(span, f) for span in counted + excused)]
    free = np.ones(frames, dtype=bool)
    for first, last in counted + excused:
        free[max(0, first - TOLERANCE) : last + TOLERANCE + 1] = False
    first_face = next((e.captured_at for e in evidence if e.faces == 1), None)
    live = next((e for e in evidence if _alive(e)), None)
    return Row(
        file=clip.path.name,
        kind="genuine" if clip.genuine else "attack",
        species=clip.species,
        person=clip.person,
        frames=frames,
        fps=fps,
        labelled_blinks=len(counted),
        found=len(hits),
        false=tuple(false) if clip.labelled else (),
        missed=tuple(span for span in counted if span not in hits),
        counted_s=float(free.sum()) / clip.fps if clip.labelled else 0.0,
        live_after_s=None if live is None else live.captured_at - (first_face or 0.0),
        judged=any(e.liveness.seen for e in evidence),
        seen=evidence[-1].liveness.seen if evidence else "no frame",
    )


def _overlap(labelled: Span, found: Span) -> bool:
    return found[0] <= labelled[1] + TOLERANCE and found[1] >= labelled[0] - TOLERANCE


def _course(
    evidence: list[Evidence], frames: int
) -> tuple[np.ndarray[Any, np.dtype[np.float64]], np.ndarray[Any, np.dtype[np.float64]]]:
    opening, shut = np.full((frames, 2), np.nan), np.full((frames, 2), np.nan)
    for e in evidence:
        if e.eyes is not None:
            opening[e.sequence] = e.eyes.right, e.eyes.left
            shut[e.sequence] = e.eyes.right_shut, e.eyes.left_shut
    return opening, shut


def _replay(section: LivenessSection, evidence: list[Evidence], count: int, name: str) -> int:
    """How many of `count` replays of a film answer a challenge that it was not recorded for."""
    challenged = section.model_copy(update={"level": "challenge"})
    samples = [
        Sample(e.captured_at, e.track, e.landmarks, e.aligned, e.eyes, e.texture)
        for e in evidence
        if e.landmarks is not None and e.aligned is not None and e.eyes is not None
    ]
    if not samples:
        return 0
    random = np.random.default_rng((_SEED, *name.encode()))
    passed = 0
    for _ in range(count):
        monitor = LivenessMonitor(challenged)
        start = int(random.integers(max(1, len(samples) // 2)))
        states = (monitor.observe(sample).state for sample in samples[start:])
        passed += any(state is LivenessState.LIVE for state in states)
    return passed


def sitter_of(stages: Stages, clip: Clip) -> attacks.Sitter | None:
    """Two pictures and a short film of a genuine clip's first whole blink; None: there is none."""
    if not clip.genuine or not clip.blinks:
        return None
    frames = list(film(clip.path))
    for begin, shut, end in clip.blinks:
        opened = begin - TOLERANCE
        if opened < 0 or end >= len(frames) - 1:
            continue
        frame = Frame(frames[opened], 0.0, 0)
        faces = stages.detector.detect(frame)
        if len(faces) != 1:
            continue
        landmarks = stages.mesh.locate(frame, faces[0])
        place = attacks.placing(landmarks)
        first = max(0, begin - round(_FILM_BEFORE * clip.fps))
        last = end + round(_FILM_AFTER * clip.fps)
        return attacks.Sitter(
            opened=attacks.cut_out(frames[opened], place),
            shut=attacks.cut_out(frames[shut], place),
            eyes=attacks.eye_corners(landmarks, place),
            film=tuple(attacks.cut_out(pixels, place) for pixels in frames[first:last]),
            film_fps=clip.fps,
        )
    return None


def fooled(stages: Stages, config: Config, presentation: attacks.Presentation) -> bool:
    """Whether one attack is taken for alive on any of its frames."""
    return any(_alive(evidence) for evidence in _shown(stages, config, presentation))


def _shown(
    stages: Stages, config: Config, presentation: attacks.Presentation
) -> Iterator[Evidence]:
    pipeline = Pipeline(stages, config)
    for frame in sampled(presentation.frames, presentation.fps, None):
        yield pipeline.step(frame)


def _alive(evidence: Evidence) -> bool:
    return evidence.liveness.state is LivenessState.LIVE


FAMILIES: dict[str, tuple[attacks.Attack, ...]] = {
    "prints": attacks.PRINTS,
    "alternations": attacks.ALTERNATIONS,
    "stills": attacks.STILLS,
    "flaps": attacks.FLAPS,
    "screens": attacks.SCREENS,
}
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
) -> tuple[_Seen, attacks.Sitter | None]:
    seen = _watch(_Worker.stages, _Worker.config, clip, fps, replays)
    return seen, sitter_of(_Worker.stages, clip) if sits else None


def _attack(family: tuple[attacks.Attack, ...], numbers: range) -> dict[str, Share]:
    """The attacks of these numbers; films are held against a fresh challenge as well."""
    config = _Worker.config
    taken: dict[str, list[bool]] = defaultdict(list)
    made = attacks.presentations(family, _Worker.sitters, numbers, _SEED)
    for number, presentation in zip(numbers, made, strict=True):
        name = presentation.species
        if family != attacks.SCREENS:
            taken[name].append(fooled(_Worker.stages, config, presentation))
            continue
        evidence = list(_shown(_Worker.stages, config, presentation))
        taken[name].append(any(_alive(e) for e in evidence))
        passed = _replay(config.liveness, evidence, 1, f"{name} {number}")
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
        counts: attacks to make, by the name of the family: of `FAMILIES`, or `REPLAYS`.
        jobs: processes.
        advance: called with the number of clips and attacks done, and of all.

    Raises:
        UsageError: the list is wrong, or there is no such family.
        CameraError: a clip cannot be opened.
    """
    for name in counts.keys() - {*FAMILIES, REPLAYS}:
        known = ", ".join([*FAMILIES, REPLAYS])
        raise UsageError(f"there is no family of attacks called {name!r}. There are: {known}.")
    models = config.models.model_copy(update={"threads": 1})
    config = config.model_copy(update={"models": models})
    listed = read_clips(clips)
    made = {FAMILIES[name]: count for name, count in counts.items() if count and name != REPLAYS}
    replays = -(-counts.get(REPLAYS, 0) // max(1, sum(clip.genuine for clip in listed)))
    seen: list[_Seen] = []
    sitters: list[attacks.Sitter] = []
    generated: dict[str, Share] = {}
    total = len(listed) + sum(made.values())
    with _pool(jobs, config, []) as pool:
        tasks = [
            pool.submit(_work, clip, fps, replays if clip.genuine else 0, sits=bool(made))
            for clip in listed
        ]
        for task in tasks:
            one, sitter = task.result()
            seen.append(one)
            if sitter is not None:
                sitters.append(sitter)
            advance(len(seen), total)
    if sitters and made:
        with _pool(jobs, config, sitters) as pool:
            generated = _attack_all(pool, made, lambda done: advance(len(seen) + done, total))
    if replays:
        generated["replay_of_a_challenge"] = _sum([s.replays for s in seen if s.clip.genuine])
    return LivenessReport(
        rows=tuple(s.row for s in seen),
        traces={s.row.file: s.trace for s in seen},
        generated=generated,
        guess_probability=config.liveness.guess_probability,
    )


def _attack_all(
    pool: ProcessPoolExecutor,
    made: Mapping[tuple[attacks.Attack, ...], int],
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
