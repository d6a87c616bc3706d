"""The camera as the daemon needs it: it may go away and come back, and both are told once."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from edge.errors import CameraError
from edge.vision.camera import Camera
from edge.vision.frozen import differ

if TYPE_CHECKING:
    from edge.config.seeing import CameraSection
    from edge.records import Frame, Pixels

log = logging.getLogger(__name__)

FIRST_FRAME_S = 10.0
"""Cameras take longer to begin than to go on."""
SILENT_S = 2.0
"""A camera that delivers nothing for so long is lost, whatever its driver says."""
FROZEN_S = 5.0
"""A camera that delivers the very same picture for so long is lost too: sensors are never still,
and some decoders repeat their last picture for ever once a stream has changed its size."""
RETRY_S = 2.0
"""Between two tries to open a camera that is away, each of which may hold up a turn for seconds."""
LONGEST_LOAN_S = 10.0
"""Who borrowed the camera and died gives it back after so long."""


class Feed:
    """Frames from one camera, for as long as it lives and again when it is back."""

    def __init__(self, section: CameraSection) -> None:
        """Open the camera, or go on trying: a door must not stop for its camera."""
        self._section = section
        self._camera: Camera | None = None
        self._sequence = 0
        self._frame_at = self._changed_at = time.monotonic()
        self._picture: Pixels | None = None
        self._retry_at = 0.0
        self._lent_until = float("-inf")
        self.lost: str | None = None
        """Why there are no pictures now; None while there are."""
        self._reopen()

    def next(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not given yet, or None; never raises for a lost camera."""
        if self._camera is None:
            if not self.lent:
                self._reopen()
            time.sleep(timeout_s if self._camera is None else 0)
            return None
        try:
            frame = self._camera.newest(self._sequence, timeout_s)
        except CameraError as error:
            self._lose(str(error))
            return None
        if frame is None:
            self._bear_silence()
            return None
        self._take(frame)
        return frame if self.lost is None else None

    def rest(self, pause_s: float) -> None:
        """See `Camera.rest`; a camera that is opened anew does not."""
        if self._camera is not None:
            self._camera.rest(pause_s)

    @property
    def lent(self) -> bool:
        """Whether another program has the camera now."""
        return time.monotonic() < self._lent_until

    def lend(self, seconds: float) -> None:
        """Leave the camera to another program for so long; 0: take it back."""
        self.close()
        self._lent_until = time.monotonic() + min(seconds, LONGEST_LOAN_S)
        self._retry_at = 0.0

    def close(self) -> None:
        """Let go of the camera. May be called twice."""
        if self._camera is not None:
            with contextlib.suppress(CameraError):  # its driver hangs; the process ends anyway
                self._camera.close()
            self._camera = None

    @property
    def _is_live(self) -> bool:
        return self._camera is not None and not self._camera.is_file

    def _bear_silence(self) -> None:
        patience = SILENT_S if self._sequence else FIRST_FRAME_S
        if time.monotonic() - self._frame_at > patience:
            self._lose(f"the camera {self._section.shown} delivers no picture")

    def _take(self, frame: Frame) -> None:
        """Another picture: the camera is there. The same for too long: it is frozen."""
        self._sequence, self._frame_at = frame.sequence, frame.captured_at
        if self._changed(frame):
            self.lost = None
        elif self._is_live and frame.captured_at - self._changed_at > FROZEN_S:
            self._lose(f"the picture of the camera {self._section.shown} no longer changes")

    def _changed(self, frame: Frame) -> bool:
        """Whether this is another picture than the last, or than the one that it froze on."""
        if self._picture is not None and not differ(self._picture, frame.pixels):
            return False
        self._picture, self._changed_at = frame.pixels, frame.captured_at
        return True

    def _lose(self, why: str) -> None:
        ended = not self._is_live
        self.close()
        self.lost = why
        # A file that has ended will not go on.
        self._retry_at = float("inf") if ended else time.monotonic() + RETRY_S

    def _reopen(self) -> None:
        now = time.monotonic()
        if now < self._retry_at:
            return
        self._retry_at = now + RETRY_S
        try:
            self._camera = Camera(self._section)
        except CameraError as error:
            log.debug("still no camera: %s", error)
            self.lost = self.lost or str(error)
            return
        self._sequence = 0
        self._frame_at = self._changed_at = time.monotonic()
