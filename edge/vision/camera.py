"""Where frames come from. Live: the newest frame wins, and each is stamped once, when it arrives.

Sources: a V4L2 device, picamera2, a Jetson's CSI camera or any GStreamer pipeline, RTSP, a video
file, a folder of images. Every source delivers RGB. Hardware libraries are imported when asked for.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from edge.believed import read_ordinary
from edge.errors import UNREACHABLE, CameraError, NotThereError, reason_of
from edge.records import Frame
from edge.redact import public
from edge.vision.bounds import MAX_IMAGE_BYTES, refuse_huge
from edge.vision.gstreamer import JETSON_CSI, GStreamer
from edge.vision.quiet import quietly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

    from edge.config.sections import CameraSection
    from edge.records import Pixels

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".heic", ".heif"}
"""Of pictures in a folder; the last two cannot be read, which is said of each."""
_HEIF_BRANDS = {b"heic", b"heix", b"mif1", b"avif"}
"""ISO/IEC 23008-12: what stands after `ftyp` in the first box."""
_ROTATIONS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
_OPEN_TIMEOUT_MS = 5000
_JOIN_TIMEOUT_S = 5.0
_TOGETHER_S = 0.5  # two cameras' pictures are of one moment


class Source(Protocol):
    """Something that delivers pictures in order."""

    fps: float
    """Pictures per second, as far as the source knows."""
    paced: bool
    """True when `read` itself waits for the next picture, as a camera does; files do not."""

    def read(self) -> Pixels | None:
        """The next picture, RGB uint8 `(h, w, 3)`, or None when there is none any more."""

    def close(self) -> None:
        """Let go of the device. May be called twice."""


class _OpenCv:
    """Anything that cv2.VideoCapture opens."""

    def __init__(self, target: str, api: int, section: CameraSection, *, paced: bool) -> None:
        options: list[int] = []
        if api == cv2.CAP_FFMPEG and paced:  # only network streams can hang for ever
            options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS]
            options += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, _OPEN_TIMEOUT_MS]
        if any("\ud800" <= letter <= "\udfff" for letter in target):  # OpenCV would crash
            raise CameraError(f"the name {target!r} is not UTF-8 text: rename the file")
        with quietly():
            self._capture = cv2.VideoCapture(target, api, options)
        if not self._capture.isOpened():
            raise _not_open(target)
        if api == cv2.CAP_V4L2:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, section.width)
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, section.height)
            self._capture.set(cv2.CAP_PROP_FPS, section.fps)
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        reported = float(self._capture.get(cv2.CAP_PROP_FPS) or 0)
        self.fps = reported if 1 <= reported <= 240 else section.fps
        self.paced = paced

    def read(self) -> Pixels | None:
        ok, bgr = self._capture.read()
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) if ok else None

    def close(self) -> None:
        self._capture.release()


class _Folder:
    """The images of a folder, in the order of their names."""

    paced = False

    def __init__(self, folder: Path, section: CameraSection) -> None:
        self._paths = iter(images_in(folder))
        self.fps = section.fps

    def read(self) -> Pixels | None:
        path = next(self._paths, None)
        return None if path is None else read_image(path)

    def close(self) -> None:
        """Nothing is held open."""


class _Picamera2:
    """A Raspberry Pi camera through libcamera, whose "BGR888" is RGB in memory."""

    paced = True

    def __init__(self, section: CameraSection) -> None:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            raise CameraError(
                "the camera source is `picamera2`, but it does not import here. On a Raspberry Pi: "
                "apt-get install python3-picamera2, and an environment that sees system packages."
            ) from error
        try:
            self._camera = Picamera2()
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (section.width, section.height), "format": "BGR888"},
                    controls={"FrameRate": section.fps},
                    buffer_count=3,
                )
            )
            self._camera.start()
        except (RuntimeError, IndexError) as error:
            raise CameraError(f"picamera2 cannot start the camera: {error}") from error
        self.fps = section.fps

    def read(self) -> Pixels | None:
        try:
            return np.asarray(self._camera.capture_array("main")[:, :, :3])
        except RuntimeError:
            return None

    def close(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._camera.stop()
            self._camera.close()


def open_source(section: CameraSection) -> Source:
    """Open what `[camera] source` names.

    Raises:
        CameraError: it does not exist or does not open; the sentence says which and what to do.
    """
    source = section.source
    if source == "picamera2":
        return _Picamera2(section)
    if source == "csi":
        size = {"width": section.width, "height": section.height, "fps": section.fps}
        return GStreamer(JETSON_CSI.format(**size), section)
    if source.startswith("gstreamer:"):
        return GStreamer(source.removeprefix("gstreamer:"), section)
    path = Path(source)
    try:
        is_folder, is_film = path.is_dir(), path.is_file()
    except OSError as error:  # such as a name too long
        raise NotThereError(f"{section.shown} cannot be opened: {error.strerror}") from error
    if is_folder:
        return _Folder(path, section)
    if "://" in source or is_film:
        return _OpenCv(source, cv2.CAP_FFMPEG, section, paced=not is_film)
    return _OpenCv(source, cv2.CAP_V4L2, section, paced=True)


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


def read_image(path: Path) -> Pixels:
    """One image file as RGB uint8 `(h, w, 3)`.

    Raises:
        CameraError: it is missing, not an image, or damaged.
    """
    try:
        data = read_ordinary(path, MAX_IMAGE_BYTES)
    except (OSError, ValueError) as error:
        kind = NotThereError if isinstance(error, UNREACHABLE) else CameraError
        raise kind(f"the image {path} cannot be read: {reason_of(error)}") from error
    return decoded(data, str(path))


def decoded(data: bytes, name: str) -> Pixels:
    """The bytes of an image file as RGB uint8 `(h, w, 3)`; `name` is for the message.

    Raises:
        CameraError: they are not an image, damaged, or too large to be decoded.
    """
    refuse_huge(data, name)
    with quietly():  # libpng and libjpeg complain of what they can read all the same
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None and data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        raise CameraError(f"{name} is HEIC or AVIF, which is not read: save it as JPEG")
    if bgr is None:
        raise CameraError(f"{name} is not an image that can be read (JPEG, PNG, WebP, BMP, TIFF)")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)


def images_in(folder: Path, pattern: str = "*") -> list[Path]:
    """The image files of a folder that match `pattern`, by name; `**/*` takes subfolders too.

    Raises:
        CameraError: there is none.
    """
    try:
        if not folder.is_dir():
            raise NotThereError(f"there is no folder {folder}")
        found = sorted(p for p in folder.glob(pattern) if _is_image(p))
    except (OSError, ValueError) as error:
        raise NotThereError(f"the folder {folder} cannot be read: {reason_of(error)}") from error
    if not found:
        raise NotThereError(f"the folder {folder} holds no image")
    return found


def _is_image(path: Path) -> bool:
    """By its name; what a Mac leaves beside a file (`._NAME`) is none."""
    named = path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith("._")
    return named and path.is_file()


def _rotated(pixels: Pixels, degrees: int) -> Pixels:
    return cv2.rotate(pixels, _ROTATIONS[degrees]) if degrees else pixels


def _ended(source: str, frames: int) -> str:
    if not frames:
        return f"the camera {source} opened but delivered no picture"
    return f"the camera {source} ended after {frames} pictures"


def _not_open(target: str) -> CameraError:
    if "://" in target:
        return CameraError(f"the stream {public(target)} cannot be opened. Is its address right?")
    path = Path(target)
    if path.is_file():
        return CameraError(f"{target} is neither a picture nor a video that can be read")
    if path.exists():
        return CameraError(f"the camera {target} cannot be opened. Is another program using it?")
    return NotThereError(f"there is no camera, film or folder at {target}")
