"""Where frames come from. Live: the newest frame wins, and each is stamped once, when it arrives.

Every source (`sources.py`) delivers RGB.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2

from edge.errors import CameraError
from edge.records import Frame
from edge.redact import public
from edge.vision.camera.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from edge.config.seeing import CameraSection
    from edge.records import Pixels

_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_JOIN_TIMEOUT_S = 5.0
_TOGETHER_S = 0.5  # two cameras' pictures are of one moment


def _second(section: CameraSection) -> Camera | None:
    if section.second is None:
        return None
    return Camera(section.model_copy(update={"source": section.second, "second": None}))


class Camera:
    """Reads a source on a thread of its own and keeps only the newest frame."""

    def __init__(self, section: CameraSection) -> None:
        """Open the source and start reading.

        Raises:
            CameraError: see `open_source`.
        """
        self._section = section
        self._source = open_source(section)
        self._second = _second(section)
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._failure: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_all, name="camera", daemon=True)
        self._thread.start()

    @property
    def is_file(self) -> bool:
        """A file ends for good; a camera that stops may come back."""
        return not self._source.paced

    def newest(self, after: int, timeout_s: float) -> Frame | None:
        """The newest frame if its sequence is above `after`; else wait for one, at most so long.

        Raises:
            CameraError: the source ended or failed, and nothing newer is left.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_newer(after) or self._failure is not None, timeout_s
            )
            if self._newest is not None and self._is_newer(after):
                return self._paired(self._newest)
            if self._failure is not None:
                raise CameraError(self._failure)
            return None

    def close(self) -> None:
        """Stop reading. May be called twice.

        Raises:
            CameraError: the driver does not return from its read.
        """
        self._stop.set()
        self._thread.join(_JOIN_TIMEOUT_S)
        if self._second is not None:
            self._second.close()
        if self._thread.is_alive():
            raise CameraError(f"the camera {self._section.shown} does not stop reading")
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _paired(self, frame: Frame) -> Frame:
        """The frame with what the second camera saw at that time, if it works."""
        if self._second is None:
            return frame
        try:
            other = self._second.newest(0, 0.0)
        except CameraError:
            other = None
        if other is None or abs(other.captured_at - frame.captured_at) > _TOGETHER_S:
            return frame
        return replace(frame, beside=other.pixels)

    def _is_newer(self, after: int) -> bool:
        return self._newest is not None and self._newest.sequence > after

    def _read_all(self) -> None:
        sequence = 0
        due = time.monotonic()
        try:
            while not self._stop.is_set():
                pixels = self._source.read()
                if pixels is None and self._section.loop and self.is_file and sequence:
                    self._source.close()
                    self._source = open_source(self._section)
                    continue
                if pixels is None:
                    self._fail(_ended(self._section.shown, sequence))
                    return
                if not self._source.paced:
                    due += 1 / self._source.fps
                    self._stop.wait(max(0.0, due - time.monotonic()))
                sequence += 1
                self._put(Frame(_rotated(pixels, self._section.rotate), time.monotonic(), sequence))
        except (CameraError, cv2.error) as error:
            self._fail(public(str(error)))

    def _put(self, frame: Frame) -> None:
        with self._changed:
            self._newest = frame
            self._changed.notify_all()

    def _fail(self, why: str) -> None:
        with self._changed:
            self._failure = why
            self._changed.notify_all()


def replay(section: CameraSection) -> Iterator[Frame]:
    """Every frame of a file or folder, in order, stamped with its time in the film, no waiting.

    Raises:
        CameraError: it cannot be opened, or holds no readable picture.
    """
    source = open_source(section)
    sequence = 0
    try:
        while (pixels := source.read()) is not None:
            sequence += 1
            yield Frame(_rotated(pixels, section.rotate), (sequence - 1) / source.fps, sequence)
    finally:
        source.close()
    if not sequence:
        raise CameraError(f"{section.shown} holds no picture that can be read")


def _rotated(pixels: Pixels, degrees: int) -> Pixels:
    return cv2.rotate(pixels, _ROTATIONS[degrees]) if degrees else pixels


def _ended(source: str, frames: int) -> str:
    if not frames:
        return f"the camera {source} opened but delivered no picture"
    return f"the camera {source} ended after {frames} pictures"
