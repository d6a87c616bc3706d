"""Proof of life of the one face in view. Pure: time comes from the frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.records import Liveness, LivenessState
from edge.sight.blink import BlinkDetector

if TYPE_CHECKING:
    from edge.config.sections import LivenessSection
    from edge.records import EyeOpenness, Face, Landmarks


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What one frame says of the single face in view."""

    at: float
    track: int
    """Number of the unbroken track; another number is another face, and the proof starts again."""
    face: Face
    landmarks: Landmarks
    eyes: EyeOpenness


class LivenessMonitor:
    """PENDING until life was seen, LIVE while it is fresh, FAILED when none came in time."""

    def __init__(self, section: LivenessSection) -> None:
        self._section = section
        self._blinks = BlinkDetector()
        self._track = -1
        self.reset()

    def reset(self) -> None:
        """Forget everything: the face was lost, another came in, or the picture jumped."""
        self._blinks.reset()
        self._count = 0
        self._blinked_at = float("-inf")
        self._waiting_since: float | None = None

    def observe(self, sample: Sample) -> Liveness:
        """Take one frame of a single face; how far its proof of life has come."""
        if sample.track != self._track:
            self._track = sample.track
            self.reset()
        if self._waiting_since is None:
            self._waiting_since = sample.at
        if self._blinks.observe(sample.at, sample.eyes, sample.landmarks.yaw) is not None:
            self._count += 1
            self._blinked_at = sample.at
        if sample.at - self._blinked_at <= self._section.fresh_s:
            self._waiting_since = sample.at
            return Liveness(LivenessState.LIVE, self._count, "blinked")
        if sample.at - self._waiting_since > self._section.timeout_s:
            return Liveness(LivenessState.FAILED, self._count, "no blink in time")
        return Liveness(LivenessState.PENDING, self._count, "waiting for a blink")
