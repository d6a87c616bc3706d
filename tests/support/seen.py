"""What sight shows of somebody whom it lets in."""

from __future__ import annotations

from edge.records import Hint, LivenessState, Outcome, Reason
from edge.wire.messages import Seen

LET_IN = Seen(
    at=1.0,
    faces=1,
    track=3,
    outcome=Outcome.GRANT,
    reason=Reason.GRANTED,
    hint=Hint.WELCOME,
    liveness=LivenessState.LIVE,
    blinks=1,
    instruction="",
    fps=30.0,
    eyes=(0.3, 0.3),
    person="Anna",
    similarity=0.71,
    threshold=0.44,
)
