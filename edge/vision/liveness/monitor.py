"""Proof of life of the one face in view. Pure but for drawing challenges: time is the frames'.

PENDING until life was seen, LIVE while that is fresh, FAILED after a challenge was not answered.
A face that simply shows no life stays PENDING; how long it may is for policy to say.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.config.seeing import Level
from edge.records import Hint, Liveness, LivenessState, Regard
from edge.vision.liveness.blink import BlinkDetector
from edge.vision.liveness.challenge import INSTRUCTIONS, Challenge, Progress, draw
from edge.vision.liveness.continuity import SOFT, TOO_EARLY, Film
from edge.vision.liveness.doubt import Doubt
from edge.vision.liveness.limits import (
    CUT,
    JUMP,
    LONG_S,
    MAX_GAP_S,
    MAX_UNPROVEN,
    RETRY_S,
    SETTLE_S,
    SUSPECT_S,
)
from edge.vision.liveness.whose import UNCOMPARED, Whose

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config.seeing import LivenessSection
    from edge.records import Move
    from edge.vision.liveness.blink import Blink
    from edge.vision.liveness.sample import Sample

NEVER = float("-inf")
DOUBTED = "the picture looks filmed off a screen or printed"
_UNSEEN = {Hint.MORE_LIGHT, Hint.LESS_LIGHT, Hint.COME_CLOSER, Hint.STEP_BACK, Hint.UNCOVER_FACE}
"""Who cannot be compared for such a reason answers no challenge; who turns away, or moves, does."""


class LivenessMonitor:
    """Follows one face at a time. Give it every frame on which there is exactly one."""

    def __init__(
        self,
        section: LivenessSection,
        draw_moves: Callable[[LivenessSection], tuple[Move, ...]] = draw,
        *,
        asks: bool = True,
    ) -> None:
        """`asks`: there is a way to tell people what a challenge wants of them."""
        self._section = section
        self._draw = draw_moves
        self._asks = asks
        self.regard = Regard()
        """Of whoever is in view."""
        self._drawn = 0
        self._blinks = BlinkDetector()
        self._film = Film()
        self._whose = Whose()
        self._doubt = Doubt()
        self._track = -1
        self.reset()

    def reset(self) -> None:
        """Forget everything: nobody is in view any more."""
        self._see_another()
        self._came_at = math.inf
        self._unproven = 0

    def _see_another(self) -> None:
        """Another face, or one that turned too far to be known again: their waiting goes on."""
        self._begin_again()
        self._doubt.clear()
        self._doubted = ""

    def _begin_again(self) -> None:
        """The proof starts again; what speaks against the picture goes on."""
        self._blinks.reset()
        self._film.clear()
        self._at = NEVER
        self._whose.clear()
        self._jumped = False
        self._count = 0
        self._blinked_at = self._blink_since = NEVER
        self._answered_at = self._challenge_since = NEVER
        self._failed_at = NEVER
        self._suspect_until = NEVER
        self._challenge: Challenge | None = None
        self._due = False
        self._seen = ""

    def observe(self, sample: Sample) -> Liveness:
        """Take one frame of a single face; how far its proof of life has come."""
        if sample.at - self._at > MAX_GAP_S:
            self.reset()
        elif sample.track != self._track:
            self._see_another()
        self._at, self._track = sample.at, sample.track
        self._came_at = min(self._came_at, sample.at)
        self._see_change(sample)
        self._doubt.add(sample.at, sample.opinions)
        blink = None
        if not sample.repeated:  # else lids would seem to stand still, and then to jump
            blink = self._blinks.observe(sample.at, sample.eyes, sample.landmarks.yaw)
        self._see_whose(sample, blink)
        blinked = self._judge_blink(sample.at)
        self._weigh_doubt()
        self._due = False
        if self._challenges(sample.at):
            self._follow_challenge(sample, blinked=blinked)
        state, seen, move = self._state(sample.at)
        return Liveness(
            state,
            self._count,
            seen,
            instruction="" if move is None else INSTRUCTIONS[move],
            move=move,
            challenge=0 if move is None else self._drawn,
            answered=self._answered(sample.at),
            doubted=bool(self._doubted),
            blink=None if blink is None else (blink.begin, blink.end),
            since=self._since(sample.at) if state is LivenessState.LIVE else None,
            compare=self._compare,
        )

    def _see_change(self, sample: Sample) -> None:
        """Another picture starts the proof again; what may be one has to be compared."""
        held = sample.held
        changed = 0 if held else self._film.add(sample.at, sample.patch, sample.landmarks)
        if changed >= CUT:
            self._begin_again()
            self._at = sample.at
            self._seen = "the picture jumped"
        self._jumped = changed >= JUMP

    def _see_whose(self, sample: Sample, blink: Blink | None) -> None:
        if sample.hint in _UNSEEN:
            self._challenge = None
        objection = self._whose.observe(sample, blink)
        if objection:
            self._object(objection, sample.at)

    @property
    def _compare(self) -> bool:
        """Whether something counts only if the next frame shows the same person."""
        answers = self._challenge is not None and self._challenge.compare
        return self._jumped or answers or self._due or self._whose.waits

    def _judge_blink(self, at: float) -> bool:
        """Whether the last blink has just stood the test; one without any objection proves life.

        Two in quick succession do not rest between, and who blinks because it is asked does it
        slowly: so a challenge counts whatever may be a person's, or a film's.
        """
        blink = self._whose.known
        if blink is None or at < blink.end + SETTLE_S:
            return False
        self._whose.judged()
        objection = self._film.objection(blink)
        if objection:
            self._object(objection, at)
        if at < self._suspect_until:
            return False
        if objection:
            return objection in SOFT
        self._count += 1
        self._unproven = 0
        self._blinked_at = at
        self._blink_since = blink.begin - blink.frame_s
        return True

    def _object(self, objection: str, at: float) -> None:
        self._seen = objection
        if objection not in SOFT | {UNCOMPARED}:
            self._suspect_until = at + SUSPECT_S
            if self._section.level is Level.AUTO:  # elsewhere nobody is asked because of that
                self._doubted = objection
        elif objection != TOO_EARLY:  # nothing is wrong with a blink that came too early
            self._unproven += 1

    def _weigh_doubt(self) -> None:
        """What was doubted once stays so for this face: a film has better and worse moments."""
        if not self._doubted and self._doubt.settled and self._doubt.against:
            self._doubted = DOUBTED

    @property
    def _suspected(self) -> bool:
        return self.regard.wary or bool(self._doubted)

    def _blinked(self, at: float) -> bool:
        return at - self._blinked_at <= self._section.fresh_s

    def _challenges(self, at: float) -> bool:
        """Whether it is time for a challenge."""
        level = self._section.level
        if self._challenge is not None:
            return True
        if level is Level.AUTO:
            return self._asks and (self._suspected or self._was_unproven(at))
        return level is Level.CHALLENGE or (level is Level.BOTH and self._blinked(at))

    def _was_unproven(self, at: float) -> bool:
        """Whether they have blinked and not proved life for as long as one waits for that."""
        long = at - self._came_at >= LONG_S
        return self._unproven >= (1 if long else MAX_UNPROVEN)

    def _follow_challenge(self, sample: Sample, *, blinked: bool) -> None:
        """Run a challenge; draw another one after a failed one."""
        at, fresh_s = sample.at, self._section.fresh_s
        if at - self._answered_at <= fresh_s or at - self._failed_at <= RETRY_S:
            return
        challenge = self._challenge = self._challenge or self._drawn_for(sample)
        if challenge is None:
            return
        progress = challenge.observe(
            at, sample.landmarks, blinked=blinked, compared=sample.compared
        )
        if progress is Progress.RUNNING:
            return
        self._seen = challenge.seen
        self._challenge = None
        if progress is Progress.PASSED:
            self._answered_at = at
        else:
            self._failed_at = at

    def _drawn_for(self, sample: Sample) -> Challenge | None:
        """A challenge, if one is to be heard now: who hears it, and withdraws, is counted.

        So whom nobody could name, or who shows no face that can be compared, hears nothing.
        """
        self._due = self.regard.hears and not sample.compared
        if self._due or not self.regard.hears:
            return None
        self._drawn += 1
        self._challenge_since = sample.at
        section = self._section.longer if self.regard.longer else self._section
        return Challenge(self._draw(section), sample.at, section.challenge_s)

    def _state(self, at: float) -> tuple[LivenessState, str, Move | None]:
        """How far the proof is, what was seen, and what a running challenge asks for."""
        if self._answered(at):
            return LivenessState.LIVE, self._seen, None
        if self._suffices(at):
            return LivenessState.LIVE, "blinked", None
        if self._doubted and not self._asks:
            return LivenessState.FAILED, self._doubted, None
        if at - self._failed_at <= RETRY_S:
            return LivenessState.FAILED, self._seen, None
        if self._challenge is not None and self._challenge.move is not None:
            return LivenessState.PENDING, "challenged", self._challenge.move
        return LivenessState.PENDING, self._seen or "no blink yet", None

    def _since(self, at: float) -> float:
        return self._challenge_since if self._answered(at) else self._blink_since

    def _answered(self, at: float) -> bool:
        return at - self._answered_at <= self._section.fresh_s

    def _suffices(self, at: float) -> bool:
        """Whether a blink alone proves life now."""
        if self._section.level is Level.AUTO:
            return self._blinked(at) and self._doubt.settled and not self._suspected
        return self._section.level is Level.BLINK and self._blinked(at)
