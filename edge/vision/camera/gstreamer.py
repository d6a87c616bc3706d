"""A GStreamer pipeline, through GStreamer's own binding: OpenCV's wheels come without GStreamer.

The binding (PyGObject) and the plugins come from the system's packages, so the environment must see
those. Only the newest picture waits in the pipeline; older ones are dropped there.
"""

from __future__ import annotations

import ctypes
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.errors import CameraError
from edge.redact import public

if TYPE_CHECKING:
    from types import ModuleType

    from edge.config.seeing import CameraSection
    from edge.records import Pixels

PACKAGES = "python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good"
PATIENCE_S = 5.0
"""A pipeline that starts no sooner, or delivers nothing for so long, is lost."""
JETSON_CSI = (
    "nvarguscamerasrc ! video/x-raw(memory:NVMM),width={width},height={height},"
    "framerate={fps:.0f}/1 ! nvvidconv ! video/x-raw,format=BGRx"
)
_SINK = "videoconvert ! video/x-raw,format=RGB ! appsink name=edge_door max-buffers=1 drop=true"
_BYTES_A_PIXEL = 3


class GStreamer:
    """The pictures of a pipeline, which is written up to its last converter."""

    paced = True

    def __init__(self, pipeline: str, section: CameraSection) -> None:
        """Start it.

        Raises:
            CameraError: the binding is missing, or the pipeline is wrong or does not start.
        """
        self._gst = _binding()
        self._shown = public(pipeline)
        self.fps = section.fps
        try:
            self._pipeline = self._gst.parse_launch(f"{_open_ended(pipeline)} ! {_SINK}")
        except RuntimeError as error:  # GLib.Error is one
            raise self._wrong(_message(error)) from error
        self._sink = self._pipeline.get_by_name("edge_door")
        self._bus = self._pipeline.get_bus()
        try:
            self._start()
        except CameraError:
            self.close()
            raise

    def read(self) -> Pixels | None:
        """The newest picture, RGB; None when the pipeline has ended.

        Raises:
            CameraError: it failed, or delivers nothing.
        """
        sample = self._sample()
        return None if sample is None else self._pixels(sample)

    def skip(self) -> bool:
        """Let the newest picture pass; raises as `read` does."""
        return self._sample() is not None

    def close(self) -> None:
        """Stop it. May be called twice."""
        self._pipeline.set_state(self._gst.State.NULL)

    def _start(self) -> None:
        state, done = self._gst.State, self._gst.StateChangeReturn
        patience = round(PATIENCE_S * self._gst.SECOND)
        self._pipeline.set_state(state.PAUSED)
        came, _, _ = self._pipeline.get_state(patience)
        # A film keeps its own time; a camera's pictures are new whenever they come.
        self._sink.set_property("sync", came == done.SUCCESS)
        if came in (done.FAILURE, done.ASYNC):
            self._complain()
            raise self._wrong(f"it does not start within {PATIENCE_S:g} s")
        self._pipeline.set_state(state.PLAYING)

    def _sample(self) -> Any | None:
        sample = self._sink.emit("try-pull-sample", round(PATIENCE_S * self._gst.SECOND))
        if sample is not None:
            return sample
        self._complain()
        if self._sink.get_property("eos"):
            return None
        raise CameraError(f"the pipeline {self._shown} delivers nothing for {PATIENCE_S:g} s")

    def _complain(self) -> None:
        """Raise the first error that an element has reported."""
        said = self._bus.pop_filtered(self._gst.MessageType.ERROR)
        if said is not None:
            raise self._wrong(_message(said.parse_error()[0]))

    def _wrong(self, why: str) -> CameraError:
        lacks = "nvarguscamerasrc" in why or "nvvidconv" in why
        remedy = " On a Jetson: apt-get install nvidia-l4t-gstreamer." if lacks else ""
        return CameraError(f"the pipeline {self._shown} does not run: {public(why)}.{remedy}")

    def _pixels(self, sample: Any) -> Pixels:
        shape = sample.get_caps().get_structure(0)
        width, height = (shape.get_int(side)[1] for side in ("width", "height"))
        known, over, under = shape.get_fraction("framerate")
        if known and over:
            self.fps = over / under
        buffer = sample.get_buffer()
        mapped, memory = buffer.map(self._gst.MapFlags.READ)
        if not mapped:
            raise CameraError(f"a picture of the pipeline {self._shown} cannot be read")
        try:
            row = -(-width * _BYTES_A_PIXEL // 4) * 4  # rows begin at multiples of four bytes
            rows = np.frombuffer(memory.data, np.uint8, row * height).reshape(height, row)
            packed = rows[:, : width * _BYTES_A_PIXEL].reshape(height, width, _BYTES_A_PIXEL)
            return packed.copy()
        finally:
            buffer.unmap(memory)


def _open_ended(pipeline: str) -> str:
    """Without the appsink that pipelines for OpenCV end with."""
    parts = [part.strip() for part in pipeline.split(" ! ")]
    return " ! ".join(parts[:-1] if parts[-1].startswith("appsink") else parts)


def _binding() -> ModuleType:
    # GStreamer brings libunwind, and the binding shows its symbols to all that is loaded later: in
    # such a library a C++ exception would end the process, unless the compiler's own come first.
    ctypes.CDLL("libgcc_s.so.1", ctypes.RTLD_GLOBAL)
    try:
        gi = import_module("gi")
        gi.require_version("Gst", "1.0")
        gst = import_module("gi.repository.Gst")
    except (ImportError, ValueError) as error:
        raise CameraError(
            f"GStreamer's binding does not import here ({error}). Run: apt-get install {PACKAGES}; "
            "the environment must see the system's packages, as install.sh makes it on a Jetson."
        ) from error
    gst.init(None)
    return gst


def _message(error: object) -> str:
    return str(getattr(error, "message", error)).rstrip(".")
