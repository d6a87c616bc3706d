"""A random challenge: moves that a recording made before cannot know. Pure but for the drawing.

The moves are drawn from the operating system's random source, each different from the one before.
The person does them one by one, coming back to the front in between; another move than the one
asked for fails the challenge, so doing everything in every order does not help. One of them is a
turn, by which a picture is told that blinks with strips of paper and is brought closer. Moves drawn
at random answer it with `LivenessSection.guess_probability`.
"""

from __future__ import annotations

import secrets
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from edge.records import Move
from edge.vision.faces.landmarks import LEFT_EYE, RIGHT_EYE
from edge.vision.liveness.limits import (
    APPROACH,
    BACK,
    BLINK_GAP_S,
    HOLD_S,
    LIFT_DEG,
    MAX_TURN_DEG_S,
    QUIET_S,
    TURN_DEG,
)
from edge.vision.liveness.parallax import is_flat
from edge.vocabulary import TURNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config.seeing import LivenessSection
    from edge.records import Floats, Landmarks

_BLINKS = {Move.BLINK_TWICE: 2, Move.BLINK_THRICE: 3}

INSTRUCTIONS: dict[Move, str] = {
    Move.LEFT: "turn your head to your left, then back",
    Move.RIGHT: "turn your head to your right, then back",
    Move.UP: "look up, then back",
    Move.CLOSER: "come closer",
    Move.BLINK_TWICE: "blink twice",
    Move.BLINK_THRICE: "blink three times",
}


class Progress(Enum):
    """How a challenge stands."""

    RUNNING = 0
    PASSED = 1
    FAILED = 2


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the head is: angles in degrees as in Landmarks, and the face's width in pixels."""

    yaw: float
    pitch: float
    width: float


def draw(section: LivenessSection) -> tuple[Move, ...]:
    """Moves for one challenge, from the operating system's random source."""
    random, kinds = secrets.SystemRandom(), section.challenge_moves
    while True:
        moves: list[Move] = []
        while len(moves) < section.challenge_steps:
            moves.append(random.choice([m for m in kinds if m not in moves[-1:]]))
        if TURNS.intersection(moves) or TURNS.isdisjoint(kinds):
            return tuple(moves)


class Challenge:
    """One challenge from its first frame to PASSED or FAILED."""

    def __init__(self, moves: Sequence[Move], started_at: float, limit_s: float) -> None:
        self._moves = tuple(moves)
        self._deadline = started_at + limit_s
        self._step = 0
        self._poses: deque[tuple[float, Pose, Floats]] = deque()
        self._before: tuple[float, Pose] | None = None
        self._begin_step()
        self.progress = Progress.RUNNING
        self.seen = ""

    @property
    def move(self) -> Move | None:
        """What is asked for now; None when the challenge is over."""
        over = self.progress is not Progress.RUNNING
        return None if over else self._moves[self._step]

    @property
    def instruction(self) -> str:
        """The same in words; empty when the challenge is over."""
        return INSTRUCTIONS[self.move] if self.move else ""

    @property
    def compare(self) -> bool:
        """Whether what was just seen counts as soon as a frame of it is compared."""
        return self.progress is Progress.RUNNING and self._compare

    def observe(
        self, at: float, landmarks: Landmarks, *, blinked: bool, compared: bool
    ) -> Progress:
        """Take one frame.

        Args:
            at: its stamp.
            landmarks: the face's mesh.
            blinked: it completes a blink against which nothing speaks; it need not prove life.
            compared: it was seen to be the same person as before. The front, the height of a move
                and the way back each count only on such a frame: who answers is who is let in.
        """
        if self.progress is Progress.RUNNING:
            if at > self._deadline:
                self._fail(f"too slow: {self.instruction}")
            else:
                self._follow(at, landmarks, blinked=blinked, compared=compared)
        return self.progress

    def _begin_step(self) -> None:
        self._front: tuple[Pose, Floats] | None = None
        self._doing: Move | None = None
        self._doing_since = 0.0
        self._seen_doing = False
        self._done = False
        self._compare = False
        self._blinks: list[float] = []

    def _follow(self, at: float, landmarks: Landmarks, *, blinked: bool, compared: bool) -> None:
        pose = pose_of(landmarks)
        points = landmarks.points[:, :2]
        if self._jumps(at, pose):
            self._fail("the head jumps as if one picture replaced another")
            return
        if self._front is None:
            self._find_front(at, pose, points, compared=compared)
            return
        front, front_points = self._front
        share, leading = _leading(front, pose)
        if self._done:
            self._compare = share < BACK or self.move is Move.CLOSER
            if self._compare and compared:
                self._next()
            return
        if blinked:
            self._blinks.append(at)
        move = leading if share >= 1 else None
        held_s = self._held_s(at, move, compared=compared)
        self._compare = move is not None and not self._seen_doing
        if move is not None and held_s >= HOLD_S and self._seen_doing:
            self._moved(move, front_points, points)
        elif self.move in _BLINKS:
            self._count_blinks(at, _BLINKS[self.move])

    def _jumps(self, at: float, pose: Pose) -> bool:
        """Whether the head has turned faster than heads do."""
        before, self._before = self._before, (at, pose)
        if before is None:
            return False
        turned = max(abs(pose.yaw - before[1].yaw), abs(pose.pitch - before[1].pitch))
        return turned > MAX_TURN_DEG_S * (at - before[0])

    def _held_s(self, at: float, move: Move | None, *, compared: bool) -> float:
        """For how long they have done the same by now."""
        if move != self._doing:
            self._doing, self._doing_since, self._seen_doing = move, at, False
        self._seen_doing = self._seen_doing or compared
        return at - self._doing_since

    def _find_front(self, at: float, pose: Pose, points: Floats, *, compared: bool) -> None:
        """The pose from which a move is measured: the median of a quarter of a second at rest."""
        self._poses.append((at, pose, points))
        while at - self._poses[0][0] > 2 * HOLD_S:
            self._poses.popleft()
        if at - self._poses[0][0] < HOLD_S:
            return
        angles = np.array([(p.yaw, p.pitch, p.width) for _, p, _ in self._poses])
        if np.any(np.ptp(angles[:, :2], axis=0) > BACK * min(TURN_DEG, LIFT_DEG)):
            return
        self._compare = not compared
        if not compared:
            return
        self._front = Pose(*(float(v) for v in np.median(angles, axis=0))), points
        self._poses.clear()

    def _moved(self, move: Move, front_points: Floats, points: Floats) -> None:
        if move != self.move:
            self._fail(f"asked to {self.instruction}, but saw: {INSTRUCTIONS[move]}")
        elif move in TURNS and is_flat(front_points, points):
            self._fail("the face is flat: it moves like a picture")
        else:
            self._done = True

    def _count_blinks(self, at: float, wanted: int) -> None:
        if not self._blinks or at - self._blinks[-1] < QUIET_S:
            return
        gaps = np.diff(self._blinks)
        if len(self._blinks) == wanted and np.all(gaps <= BLINK_GAP_S):
            self._next()
        elif len(self._blinks) > wanted:
            self._fail(f"asked to {self.instruction}, but saw {len(self._blinks)} blinks")
        elif at - self._blinks[-1] > BLINK_GAP_S:
            self._blinks.clear()  # a natural blink before the rhythm began

    def _next(self) -> None:
        self._step += 1
        if self._step == len(self._moves):
            self.progress = Progress.PASSED
            self.seen = "answered the challenge"
        else:
            self._begin_step()

    def _fail(self, seen: str) -> None:
        self.progress = Progress.FAILED
        self.seen = seen


def pose_of(landmarks: Landmarks) -> Pose:
    """The pose of a face; its width is that between the outer eye corners, roll taken out."""
    across = landmarks.points[LEFT_EYE[1]] - landmarks.points[RIGHT_EYE[0]]
    return Pose(landmarks.yaw, landmarks.pitch, float(np.linalg.norm(across)))


def _leading(front: Pose, pose: Pose) -> tuple[float, Move]:
    """How far along which move the head is; 1 is far enough."""
    aside = (pose.yaw - front.yaw) / TURN_DEG
    shares: dict[Move, float] = {
        Move.RIGHT: aside,  # the person's right lies at the left edge of the frame
        Move.LEFT: -aside,
        Move.UP: (pose.pitch - front.pitch) / LIFT_DEG,
        Move.CLOSER: (pose.width / max(front.width, 1e-6) - 1) / (APPROACH - 1),
    }
    move = max(shares, key=lambda name: shares[name])
    return shares[move], move
