"""What delivers pictures.

A V4L2 device, picamera2, a Jetson's CSI camera or any GStreamer pipeline, RTSP, a video file, a
folder of images. Hardware libraries are imported when asked for.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from edge.errors import CameraError, NotThereError
from edge.redact import public
from edge.vision.bounds import refuse_large
from edge.vision.camera.gstreamer import JETSON_CSI, GStreamer
from edge.vision.pictures import images_in, read_image
from edge.vision.quiet import quietly

if TYPE_CHECKING:
    from cv2.typing import MatLike

    from edge.config.seeing import CameraSection
    from edge.records import Pixels

_OPEN_TIMEOUT_MS = 5000
_KINDS = {"AV01": "AV1"}
"""What people call it. OpenCV's packages bring no decoder of this one."""


class Source(Protocol):
    """Something that delivers pictures in order."""

    fps: float
    """Pictures per second, as far as the source knows."""
    paced: bool
    """True when `read` itself waits for the next picture, as a camera does; files do not."""

    def read(self) -> Pixels | None:
        """The next picture, RGB uint8 `(h, w, 3)`, or None when there is none any more."""

    def skip(self) -> bool:
        """Let the next picture pass, for less than `read` takes; False: there is none any more."""

    def close(self) -> None:
        """Let go of the device. May be called twice."""


class _OpenCv:
    """Anything that cv2.VideoCapture opens."""

    def __init__(
        self, target: str, api: int, section: CameraSection, *, paced: bool, upright: bool
    ) -> None:
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
        if api == cv2.CAP_FFMPEG:  # a telephone's films lie on their side, and say so
            self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, float(upright))
            sides = cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT
            width, height = (int(self._capture.get(side)) for side in sides)
            refuse_large((width, height), public(target))
        reported = float(self._capture.get(cv2.CAP_PROP_FPS) or 0)
        self.fps = reported if 1 <= reported <= 240 else section.fps
        self.paced = paced
        self._unread = public(target)

    def read(self) -> Pixels | None:
        ok, bgr = self._first() if self._unread else self._capture.read()
        return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB) if ok else None

    def _first(self) -> tuple[bool, MatLike]:
        """The first picture shows whether there is a decoder, which opening does not."""
        name, self._unread = self._unread, ""
        with quietly():
            ok, bgr = self._capture.read()
        if not ok and not self.paced:  # some cameras begin with empty ones
            kind = int(self._capture.get(cv2.CAP_PROP_FOURCC)).to_bytes(4, "little", signed=True)
            spelt = kind.decode("ascii", "replace").upper()
            of_kind = f" ({_KINDS.get(spelt, spelt)})" if spelt.isalnum() else ""
            raise CameraError(
                f"no picture of {name}{of_kind} can be decoded: save the film as H.264"
            )
        return ok, bgr

    def skip(self) -> bool:
        return self._capture.grab()

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

    def skip(self) -> bool:
        return next(self._paths, None) is not None

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
            self._start(section)
        except (RuntimeError, IndexError) as error:
            raise CameraError(f"picamera2 cannot start the camera: {error}") from error
        self.fps = section.fps

    def _start(self, section: CameraSection) -> None:
        try:
            self._camera.configure(
                self._camera.create_video_configuration(
                    main={"size": (section.width, section.height), "format": "BGR888"},
                    controls={"FrameRate": section.fps},
                    buffer_count=3,
                )
            )
            self._camera.start()
        except RuntimeError:
            self.close()  # else it is in use at the next try, by this process
            raise

    def read(self) -> Pixels | None:
        try:
            return np.asarray(self._camera.capture_array("main")[:, :, :3])
        except RuntimeError:
            return None

    def skip(self) -> bool:
        try:
            self._camera.capture_metadata()  # it waits for the picture and copies none
        except RuntimeError:
            return False
        return True

    def close(self) -> None:
        for let_go in (self._camera.stop, self._camera.close):
            with contextlib.suppress(RuntimeError):
                let_go()


def open_source(section: CameraSection, *, upright: bool = True) -> Source:
    """Open what `[camera] source` names.

    Args:
        section: which, and how.
        upright: turn a film as it says of itself; False: as its pictures are stored.

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
        return _OpenCv(source, cv2.CAP_FFMPEG, section, paced=not is_film, upright=upright)
    return _OpenCv(source, cv2.CAP_V4L2, section, paced=True, upright=upright)


def _not_open(target: str) -> CameraError:
    if "://" in target:
        return CameraError(f"the stream {public(target)} cannot be opened. Is its address right?")
    path = Path(target)
    if path.is_file():
        return CameraError(f"{target} is neither a picture nor a video that can be read")
    if path.exists():
        return CameraError(f"the camera {target} cannot be opened. Is another program using it?")
    return NotThereError(f"there is no camera, film or folder at {target}")
