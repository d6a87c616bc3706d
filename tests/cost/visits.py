"""How long a visit takes: `python -m tests.cost.visits`, from the first usable face to the grant.

A portrait that is brought to life comes to a camera of 30 frames a second, blinks when it likes, or
does what a challenge asks for. Time is the film's, so that a busy machine changes nothing: what the
rules need, frame by frame; to it comes what the last frame takes to be judged and the relay to be
driven, which `edge-door bench` and the tests of the whole door time. What the person needs (until
they have blinked, or done what they were asked) is told apart from what the door adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

from edge.access.judge import Judge
from edge.access.matcher import match
from edge.config import Config
from edge.config.seeing import Level
from edge.ops.demo.animate import BLINK_S, Stage, closure
from edge.ops.demo.film import FACE_PX, FPS, SIZE, actors
from edge.records import Frame, Outcome
from edge.sight.daemon import patience_of
from edge.vision.calibrated import read_calibration, threshold
from edge.vision.enrolment import Collector, capture
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages
from tests.support.judging import around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.ops.demo.animate import Portrait
    from edge.records import Evidence, Match, Template

VISITS = 12
LONGEST_S = 25.0
REACTION_S = 0.6
"""From an instruction to the first move of whoever follows it."""
HALF_OPEN_S = 0.31
"""From the beginning of a blink until its lids are half open again."""
MOVES = ("closer", "blink_twice", "blink_thrice")
"""What a still portrait can do."""
_RHYTHM_S = 1.0
_NEARER, _WALK_S = 1.35, 0.7


@dataclass(frozen=True, slots=True)
class Visit:
    """Seconds from the first usable face to the grant, and how many of them the person took."""

    whole: float
    person: float

    @property
    def door(self) -> float:
        """What the door added."""
        return self.whole - self.person


class Actor:
    """Somebody who blinks at a time of their own, or does as they are told."""

    def __init__(self, portrait: Portrait, blinks_at: float | None, seed: int) -> None:
        self._portrait = portrait
        self._stage = Stage(SIZE, FPS, FACE_PX, seed)
        self._blinks = [] if blinks_at is None else [blinks_at]
        self._obeys = blinks_at is None
        self._walks: list[float] = []
        self._told: str = ""
        self.busy_s = 0.0
        """From each instruction until it had been done."""
        self.done_at = 0.0 if blinks_at is None else blinks_at + HALF_OPEN_S

    def frame(self, number: int) -> Frame:
        at = number / FPS
        walked = sum(min(1.0, max(0.0, (at - begin) / _WALK_S)) for begin in self._walks)
        self._stage._face_px = FACE_PX * _NEARER**walked
        lids = max((closure(at - begin) for begin in self._blinks), default=0.0)
        pixels = self._stage.show(self._portrait, at, lids)
        return Frame(pixels, at, number)

    def hear(self, at: float, instruction: str) -> None:
        """Follow an instruction that is new."""
        if not self._obeys or instruction == self._told:
            return
        self._told = instruction
        begin = at + REACTION_S
        if "closer" in instruction:
            self._walks.append(begin)
            took = REACTION_S + _WALK_S
        elif instruction:
            count = 2 if "twice" in instruction else 3
            self._blinks = [begin + _RHYTHM_S * k for k in range(count)]
            took = REACTION_S + _RHYTHM_S * (count - 1) + BLINK_S
        else:
            return
        self.busy_s += took


class Entrance:
    """One door, its models and the person enrolled there."""

    def __init__(self) -> None:
        self._config = Config()
        self._stages = Stages.load(self._config)
        self._calibration = read_calibration(self._config)
        self._rate = self._config.match.false_match_rate
        self.portrait = actors(self._stages)[0]
        self._template = self._enrolled()

    def _enrolled(self) -> Template:
        collector = Collector(threshold(self._config))
        pipeline = Pipeline(self._stages, self._config)
        stage = Stage(SIZE, FPS, FACE_PX, seed=7)
        for number, tilt in enumerate((-6.0, -3.0, 0.0, 3.0, 6.0)):
            frame = Frame(stage.show(self.portrait, 2.0 * number, tilt_deg=tilt), number, number)
            collector.add(capture(frame, pipeline, self._stages))
        return collector.template("Eileen")

    def visit(self, actor: Actor, level: Level) -> Visit | None:
        """Let somebody come, until they are let in; None: they were not in `LONGEST_S`."""
        steps = {"level": level, "challenge_moves": MOVES}
        liveness = self._config.liveness.model_copy(update=steps)
        config = self._config.model_copy(update={"liveness": liveness})
        pipeline, judge = Pipeline(self._stages, config, asks=True), Judge(patience_of(config))
        usable_at = None
        for number in range(round(LONGEST_S * FPS)):
            pipeline.identified = judge.identified
            evidence = pipeline.step(actor.frame(number))
            at = evidence.captured_at
            if usable_at is None and evidence.quality is not None and evidence.quality.ok:
                usable_at = at
            actor.hear(at, evidence.liveness.instruction or "")
            found = self._compared(evidence)
            told = around(evidence, [self._template], self._calibration, self._rate)
            if judge.observe(evidence, found, told).outcome is Outcome.GRANT:
                begin = usable_at or 0.0
                person = actor.busy_s or max(0.0, actor.done_at - begin)
                return Visit(at - begin, person)
        return None

    def _compared(self, evidence: Evidence) -> Match | None:
        if evidence.embedding is None:
            return None
        return match(evidence.embedding, [self._template], self._calibration, self._rate)


def visits(entrance: Entrance, count: int) -> dict[str, list[Visit | None]]:
    """As many of each kind; the blink comes at another time in each."""
    found: dict[str, list[Visit | None]] = {"blink": [], "challenge": []}
    for number in range(count):
        blinks_at = 0.6 + 3.4 * number / count
        actor = Actor(entrance.portrait, blinks_at, seed=number)
        found["blink"].append(entrance.visit(actor, Level.AUTO))
        actor = Actor(entrance.portrait, None, seed=number)
        found["challenge"].append(entrance.visit(actor, Level.CHALLENGE))
    return found


def told(found: dict[str, list[Visit | None]]) -> Iterator[str]:
    """How many were let in; median and 95th percentile of these, seconds."""
    for kind, each in found.items():
        let_in = [visit for visit in each if visit is not None]
        yield f"{kind}: {len(let_in)} of {len(each)} let in"
        for what in ("whole", "person", "door"):
            spans = [getattr(visit, what) for visit in let_in]
            high = quantiles(spans, n=20)[-1]
            yield f"{kind}, {what}: median {median(spans):.2f} s, 95 % {high:.2f} s"


if __name__ == "__main__":
    print(*told(visits(Entrance(), VISITS)), sep="\n")
