"""The camera as the daemon needs it: it may go away and come back, and both are told once."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from edge.errors import CameraError
from edge.vision.camera import Camera

if TYPE_CHECKING:
    from edge.config.sections import CameraSection
    from edge.records import Frame

log = logging.getLogger(__name__)

FIRST_FRAME_S = 10.0
SILENT_S = 2.0
"""A camera that delivers nothing for so long is lost, whatever its driver says."""
RETRY_S = 2.0


class Feed:
    """Frames from one camera, for as long as it lives and again when it is back."""

    def __init__(self, section: CameraSection) -> None:
        """Open the camera and wait for its first picture.

        Raises:
            CameraError: it cannot be opened, or delivers nothing.
        """
        self._section = section
        self._camera: Camera | None = Camera(section)
        self._sequence = 0
        self._frame_at = time.monotonic()
        self._retry_at = 0.0
        self.lost: str | None = None
        """Why there is no camera now; None while there is one."""
        if self._camera.newest(0, FIRST_FRAME_S) is None:
            self.close()
            raise CameraError(f"the camera {section.source} opened but delivers no picture")

    def next(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not given yet, or None; never raises for a lost camera."""
        if self._camera is None:
            self._reopen()
            time.sleep(timeout_s if self._camera is None else 0)
            return None
        try:
            frame = self._camera.newest(self._sequence, timeout_s)
        except CameraError as error:
            self._lose(str(error))
            return None
        if frame is None:
            if time.monotonic() - self._frame_at > SILENT_S:
                self._lose(f"the camera {self._section.source} delivers nothing any more")
            return None
        self._sequence, self._frame_at = frame.sequence, frame.captured_at
        return frame

    def close(self) -> None:
        """Let go of the camera. May be called twice."""
        if self._camera is not None:
            with contextlib.suppress(CameraError):  # its driver hangs; the process ends anyway
                self._camera.close()
            self._camera = None

    def _lose(self, why: str) -> None:
        ended = self._camera is not None and self._camera.is_file
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
            return
        self._sequence, self._frame_at = 0, now
        self.lost = None
