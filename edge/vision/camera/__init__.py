"""Where frames come from. Live: the newest frame wins, and each is stamped once, when it arrives.

Every source (`sources.py`) delivers RGB.
"""

from __future__ import annotations

import logging
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
_RETRY_S = 2.0

log = logging.getLogger(__name__)


class Camera:
    """Reads a source on a thread of its own and keeps only the newest frame."""

    def __init__(self, section: CameraSection) -> None:
        """Open the source and start reading.

        Raises:
            CameraError: see `open_source`.
        """
        self._section = section
        self._source = open_source(section)
        self._second = None if section.second is None else _Second(section, section.second)
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._pause_s = 0.0
        self._arrived_at = time.monotonic()
        self._failure: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read_all, name="camera", daemon=True)
        self._thread.start()

    @property
    def is_file(self) -> bool:
        """A file ends for good; a camera that stops may come back."""
        return not self._source.paced

    def rest(self, pause_s: float) -> None:
        """Let pictures pass that come sooner than this after the newest: decoding takes most."""
        self._pause_s = pause_s
        if self._second is not None:
            self._second.pause_s = pause_s

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
        until = time.monotonic() + _JOIN_TIMEOUT_S
        self._stop.set()
        if self._second is not None:
            self._second.stop()
        self._thread.join(_JOIN_TIMEOUT_S)
        if self._second is not None:
            self._second.join(max(0.0, until - time.monotonic()))
        if self._thread.is_alive():
            raise CameraError(f"the camera {self._section.shown} does not stop reading")
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _paired(self, frame: Frame) -> Frame:
        """The frame with what the second camera saw at that time, if it works."""
        other = None if self._second is None else self._second.newest
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
                passed = self._rests() and self._source.skip()
                pixels = None if passed else self._source.read()
                if pixels is None and not passed:
                    if not (self._section.loop and self.is_file and sequence):
                        self._fail(_ended(self._section.shown, sequence))
                        return
                    self._source.close()
                    self._source = open_source(self._section)
                    continue
                if not self._source.paced:
                    due += 1 / self._source.fps
                    self._stop.wait(max(0.0, due - time.monotonic()))
                sequence += 1
                if pixels is not None:
                    pixels = _rotated(pixels, self._section.rotate)
                    self._put(Frame(pixels, time.monotonic(), sequence))
        except (CameraError, cv2.error) as error:
            self._fail(public(str(error)))

    def _rests(self) -> bool:
        """Whether the next picture will come too soon, if it takes as long as this one took."""
        before, self._arrived_at = self._arrived_at, time.monotonic()
        next_at = self._arrived_at + (self._arrived_at - before)
        return self._newest is not None and next_at < self._newest.captured_at + self._pause_s

    def _put(self, frame: Frame) -> None:
        with self._changed:
            self._newest = frame
            self._changed.notify_all()

    def _fail(self, why: str) -> None:
        with self._changed:
            self._failure = why
            self._changed.notify_all()


class _Second:
    """The camera beside another: it may be away from the start, fail and come back.

    Nobody waits for it: a face that it does not see is doubted meanwhile (`liveness.second`).
    """

    def __init__(self, section: CameraSection, source: str) -> None:
        self._section = section.model_copy(update={"source": source, "second": None})
        self._told = False
        self.pause_s = 0.0
        """See `Camera.rest`."""
        self.newest: Frame | None = None
        """What it saw last, however long ago."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="second camera", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let go of it soon."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait until it is let go of, unless its driver hangs: it dies with the process then."""
        self._thread.join(timeout_s)

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                with Camera(self._section) as camera:
                    self._watch(camera)
            except CameraError as error:
                if not self._told:
                    log.warning("every face is doubted: the second camera is away: %s", error)
                self._told = True
            self._stop.wait(_RETRY_S)

    def _watch(self, camera: Camera) -> None:
        after = 0
        while not self._stop.is_set():
            camera.rest(self.pause_s)
            frame = camera.newest(after, _TOGETHER_S)
            if frame is not None:
                self.newest, after, self._told = frame, frame.sequence, False


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
