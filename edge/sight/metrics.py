"""Metrics of the running daemon, and one frame's evidence for those who watch."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from edge.wire.messages import Seen

if TYPE_CHECKING:
    from edge.records import Decision, Evidence, Match

_REMEMBERED = 300  # frames: about ten seconds


class Metrics:
    """Frame rate, and the time from a frame's arrival to its decision."""

    def __init__(self) -> None:
        self._captured: deque[float] = deque(maxlen=_REMEMBERED)
        self._taken: deque[float] = deque(maxlen=_REMEMBERED)

    def stepped(self, captured_at: float, decided_at: float) -> None:
        """One frame is done; both stamps are monotonic seconds."""
        self._captured.append(captured_at)
        self._taken.append(decided_at - captured_at)

    @property
    def fps(self) -> float:
        """Frames judged a second."""
        if len(self._captured) < 2:
            return 0.0
        return (len(self._captured) - 1) / max(self._captured[-1] - self._captured[0], 1e-6)

    def current(self) -> dict[str, float]:
        """For MQTT: `decision_ms` (median), `decision_p99_ms`, `fps`."""
        if not self._taken:
            return {}
        median, p99 = np.percentile(list(self._taken), [50, 99]) * 1000
        return {
            "decision_ms": round(float(median), 1),
            "decision_p99_ms": round(float(p99), 1),
            "fps": round(self.fps, 1),
        }


def seen(
    evidence: Evidence, comparison: Match | None, decision: Decision, metrics: Metrics
) -> Seen:
    """What one frame showed and what was decided, without pixels and embeddings."""
    eyes = evidence.eyes
    match = comparison or decision.match  # the frame that settles it need not be compared itself
    return Seen(
        at=evidence.captured_at,
        faces=evidence.faces,
        track=evidence.track,
        outcome=decision.outcome,
        reason=decision.reason,
        hint=decision.hint,
        liveness=evidence.liveness.state,
        blinks=evidence.liveness.blinks,
        instruction=evidence.liveness.instruction,
        fps=round(metrics.fps, 1),
        eyes=None if eyes is None else (round(eyes.right, 3), round(eyes.left, 3)),
        person=match.person if match else None,
        similarity=round(match.similarity, 3) if match else None,
        threshold=round(match.threshold, 3) if match else None,
    )
