"""Clips and attacks are shown to the product: what it saw, and when it took them for alive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.config.seeing import Level
from edge.evaluate import attacks
from edge.evaluate.clips import film, sampled
from edge.evaluate.intervals import Share
from edge.evaluate.liveness.report import Row, Trace
from edge.records import Frame, LivenessState
from edge.vision.faces.aligner import grey_of
from edge.vision.liveness.continuity import patch_of
from edge.vision.liveness.monitor import LivenessMonitor
from edge.vision.liveness.sample import Sample
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from edge.config import Config
    from edge.config.seeing import LivenessSection
    from edge.evaluate.clips import Clip, Span
    from edge.evaluate.stats import Series
    from edge.records import Evidence
    from edge.vision.stages import Stages

TOLERANCE = 3
"""Frames by which labels, set by eye, may be off."""
SEED = 4
_FILM_BEFORE, _FILM_AFTER = 1.5, 1.0  # seconds around a blink that a sitter's film keeps


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A clip as the product saw it."""

    clip: Clip
    row: Row
    trace: Trace
    replays: Share


def watch(stages: Stages, config: Config, clip: Clip, fps: float | None, replays: int) -> Seen:
    """Show one clip to the product, then hold what it saw against fresh challenges."""
    pipeline = Pipeline(stages, config, asks=True)
    evidence = [pipeline.step(f) for f in sampled(film(clip), clip.fps, fps)]
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
    passed = replay(config.liveness, evidence, replays, clip.path.name) if replays else 0
    return Seen(clip, row, trace, Share(passed, replays))


def _scored(
    clip: Clip, evidence: list[Evidence], found: list[Span], frames: int, fps: float
) -> Row:
    blinks = _held_against(clip, found, frames)
    live_after_s, asked_after_s = _waited(evidence)
    return Row(
        file=clip.path.name,
        kind="genuine" if clip.genuine else "attack",
        species=clip.species,
        source=clip.source,
        person=clip.person,
        frames=frames,
        fps=fps,
        labelled=clip.labelled,
        labelled_blinks=blinks.hits + len(blinks.missed),
        found=blinks.hits,
        blinks=len(found),
        false=blinks.false if clip.labelled else (),
        missed=blinks.missed,
        counted_s=blinks.free_s if clip.labelled else 0.0,
        live_after_s=live_after_s,
        asked_after_s=asked_after_s,
        judged=any(e.liveness.seen for e in evidence),
        seen=evidence[-1].liveness.seen if evidence else "no frame",
    )


@dataclass(frozen=True, slots=True)
class _Blinks:
    """The blinks found in a clip, held against those that were labelled."""

    hits: int
    missed: tuple[Span, ...]
    false: tuple[Span, ...]
    free_s: float
    """Seconds without a labelled blink."""


def _held_against(clip: Clip, found: list[Span], frames: int) -> _Blinks:
    # The end of a clip cuts off a blink that is labelled up to its last frame.
    counted = [(b[0], b[2]) for b in clip.blinks if b[2] < frames - 1]
    labelled = [*((b[0], b[2]) for b in clip.blinks), *clip.excused]
    missed = _apart(counted, found)
    free = np.ones(frames, dtype=bool)
    for first, last in labelled:
        free[max(0, first - TOLERANCE) : last + TOLERANCE + 1] = False
    return _Blinks(
        hits=len(counted) - len(missed),
        missed=missed,
        false=_apart(found, labelled),
        free_s=float(free.sum()) / clip.fps,
    )


def _waited(evidence: list[Evidence]) -> tuple[float | None, float | None]:
    """Seconds from the first face until it was taken for alive, and until it was asked for more."""
    begin = next((e.captured_at for e in evidence if e.faces == 1), 0.0)
    live = _since(begin, map(alive, evidence), evidence)
    asks = (bool(e.liveness.instruction) or e.liveness.doubted for e in evidence)
    asked = _since(begin, asks, evidence)
    # Who was let in is asked no more.
    return live, None if live is not None and asked is not None and live < asked else asked


def _since(begin: float, hits: Iterable[bool], evidence: list[Evidence]) -> float | None:
    at = next((e.captured_at for hit, e in zip(hits, evidence, strict=True) if hit), None)
    return None if at is None else at - begin


def _apart(spans: Iterable[Span], others: Sequence[Span]) -> tuple[Span, ...]:
    """Those that overlap none of the others."""
    return tuple(span for span in spans if not any(_overlap(span, other) for other in others))


def _overlap(one: Span, other: Span) -> bool:
    return other[0] <= one[1] + TOLERANCE and other[1] >= one[0] - TOLERANCE


def _course(evidence: list[Evidence], frames: int) -> tuple[Series, Series]:
    opening, shut = np.full((frames, 2), np.nan), np.full((frames, 2), np.nan)
    for e in evidence:
        if e.eyes is not None:
            opening[e.sequence] = e.eyes.right, e.eyes.left
            shut[e.sequence] = e.eyes.right_shut, e.eyes.left_shut
    return opening, shut


def replay(section: LivenessSection, evidence: list[Evidence], count: int, name: str) -> int:
    """How many of `count` replays of a film answer a challenge that it was not recorded for."""
    challenged = section.model_copy(update={"level": Level.CHALLENGE})
    samples = [
        # As if every frame were compared: a replay gets no fewer chances than at a door.
        Sample(
            e.captured_at,
            e.track,
            e.landmarks,
            patch_of(grey_of(e.aligned)),
            e.eyes,
            e.opinions,
            compared=True,
        )
        for e in evidence
        if e.landmarks is not None and e.aligned is not None and e.eyes is not None
    ]
    if not samples:
        return 0
    random = np.random.default_rng((SEED, *name.encode()))
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
    frames = list(film(clip))
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
    return any(alive(evidence) for evidence in shown(stages, config, presentation))


def shown(stages: Stages, config: Config, presentation: attacks.Presentation) -> Iterator[Evidence]:
    """What the product sees of one attack."""
    pipeline = Pipeline(stages, config, asks=True)
    for frame in sampled(presentation.frames, presentation.fps, None):
        yield pipeline.step(frame)


def alive(evidence: Evidence) -> bool:
    """Whether the proof of life stood at this frame."""
    return evidence.liveness.state is LivenessState.LIVE
