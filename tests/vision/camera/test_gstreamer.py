"""A real GStreamer: pipelines that run, end, stall and are wrong."""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.config.seeing import CameraSection
from edge.errors import CameraError
from edge.vision.camera import Camera, gstreamer
from edge.vision.camera.gstreamer import GStreamer
from edge.vision.camera.sources import open_source

# PyGObject's importer of Debian 12 is of Python 3.11's older kind.
pytestmark = pytest.mark.filterwarnings("ignore:DynamicImporter")

DEBIANS = Path("/usr/lib/python3/dist-packages")
"""Where the binding lies; an environment that does not see the system's packages gets it here."""


@pytest.fixture(scope="module", autouse=True)
def _binding() -> Iterator[None]:
    sys.path.append(str(DEBIANS))
    try:
        importlib.import_module("gi").require_version("Gst", "1.0")
        yield
    except (ImportError, ValueError):
        pytest.skip(f"GStreamer is missing: apt-get install {gstreamer.PACKAGES}")
    finally:
        sys.path.remove(str(DEBIANS))


def source(pipeline: str) -> CameraSection:
    return CameraSection(source=f"gstreamer:{pipeline}")


@pytest.mark.parametrize("width", [320, 321, 322])
def test_colours_and_odd_widths_come_out_right(width: int) -> None:
    caps = f"video/x-raw,width={width},height=240,framerate=20/1"
    reader = open_source(source(f"videotestsrc pattern=red num-buffers=5 ! {caps}"))
    try:
        picture = reader.read()
    finally:
        reader.close()
    assert picture is not None
    assert picture.shape == (240, width, 3)
    assert picture.dtype == np.uint8
    red, green, blue = picture.reshape(-1, 3).mean(axis=0)
    assert red > 240
    assert max(green, blue) < 15


def test_the_newest_picture_waits_and_older_ones_are_dropped() -> None:
    live = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=64,height=48,framerate=50/1"
    reader = open_source(source(live))
    try:
        first = reader.read()
        until = time.monotonic() + 0.3  # as long as a slow step takes: 15 pictures come meanwhile
        while time.monotonic() < until:
            pass
        begun = time.monotonic()
        for _ in range(3):
            second = reader.read()
        assert time.monotonic() - begun < 2.0  # and not 15 that were kept for us
    finally:
        reader.close()
    assert first is not None
    assert second is not None
    assert not np.array_equal(first, second)


def test_a_camera_reads_it_and_a_pipeline_for_opencv_is_taken_as_it_is() -> None:
    pipeline = "videotestsrc is-live=true ! videoconvert ! video/x-raw,format=BGR ! appsink drop=1"
    with Camera(source(pipeline)) as camera:
        frame = camera.newest(0, 10.0)
        assert frame is not None
        assert camera.newest(frame.sequence, 10.0) is not None
        assert not camera.is_file


def test_a_film_keeps_its_time_and_ends(tmp_path: Path) -> None:
    film = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(film), cv2.VideoWriter.fourcc(*"MJPG"), 20, (64, 48))
    for level in range(0, 200, 20):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    reader = open_source(source(f"filesrc location={film} ! avidemux ! jpegdec"))
    begun, pictures = time.monotonic(), []
    try:
        while (picture := reader.read()) is not None:
            pictures.append(float(picture.mean()))
    finally:
        reader.close()
    assert len(pictures) > 1
    assert pictures == sorted(pictures)
    assert time.monotonic() - begun > 0.3  # ten pictures at twenty a second


def test_one_that_stalls_is_lost_after_a_stated_time(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = GStreamer("videotestsrc is-live=true ! valve name=v drop=false", CameraSection())
    try:
        assert reader.read() is not None
        monkeypatch.setattr(gstreamer, "PATIENCE_S", 0.3)
        valve = reader._pipeline.get_by_name("v")
        valve.set_property("drop", 1)

        def read_on() -> None:
            for _ in range(3):  # one or two may be on their way
                reader.read()

        with pytest.raises(CameraError, match=r"delivers nothing for 0\.3 s"):
            read_on()
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("pipeline", "why"),
    [
        ("nosuchelement ! videoconvert", "nosuchelement"),
        ("videotestsrc ! ! videoconvert", "does not run"),
        ("filesrc location=/no/such/film.avi ! decodebin", "does not run"),
        ("videotestsrc ! video/x-raw,format=NOSUCH", "does not run"),
    ],
)
def test_one_that_is_wrong_says_why(pipeline: str, why: str) -> None:
    with pytest.raises(CameraError, match=why):
        open_source(source(pipeline))


def test_a_jetson_that_lacks_its_own_elements_is_told_which_package() -> None:
    with pytest.raises(CameraError, match="apt-get install nvidia-l4t-gstreamer"):
        open_source(CameraSection(source="csi"))


def test_no_password_of_a_pipeline_is_told() -> None:
    with pytest.raises(CameraError) as caught:
        open_source(source("rtspsrcc location=rtsp://me:Secret@h/x user-pw=Secret ! decodebin"))
    assert "Secret" not in str(caught.value)


def test_without_the_binding_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gi", None)
    with pytest.raises(CameraError, match=r"apt-get install python3-gi gir1\.2-gstreamer"):
        open_source(source("videotestsrc"))


def test_libraries_that_are_loaded_later_may_throw() -> None:
    program = f"""
import sys
sys.path.append({str(DEBIANS)!r})
from edge.config.seeing import CameraSection
from edge.vision.camera.gstreamer import GStreamer
GStreamer("videotestsrc num-buffers=1", CameraSection(source="gstreamer:")).close()
from matplotlib import ft2font
try:
    ft2font.nothing
except AttributeError:
    print("caught")
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "caught\n"
