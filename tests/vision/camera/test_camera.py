"""Cameras: files and folders for real; missing and broken ones get a sentence."""

from __future__ import annotations

import base64
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from edge.config.seeing import CameraSection
from edge.errors import CameraError
from edge.sight.feed import Feed
from edge.vision.camera import Camera, replay
from edge.vision.camera.sources import open_source
from edge.vision.pictures import read_image
from tests.support.rtsp import RtspCamera

FPS = 20.0


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Twelve frames; the n-th is grey of value 20 n, with a red left half."""
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (64, 48))
    for number in range(12):
        picture = np.full((48, 64, 3), 20 * number, np.uint8)
        picture[:, :32] = (0, 0, 255)  # BGR
        writer.write(picture)
    writer.release()
    return path


def section(source: Path | str, **rest: object) -> CameraSection:
    return CameraSection.model_validate({"source": str(source), **rest})


def test_replay_gives_every_frame_once_with_its_time_in_the_film(film: Path) -> None:
    frames = list(replay(section(film)))
    assert [f.sequence for f in frames] == list(range(1, 13))
    assert [f.captured_at for f in frames] == pytest.approx([n / FPS for n in range(12)])
    assert frames[5].pixels.shape == (48, 64, 3)
    assert frames[5].pixels[24, 60].mean() == pytest.approx(100, abs=4)


def on_its_side(folder: Path) -> Path:
    """A film as telephones write it: its pictures lie on their side, and a matrix says so."""
    path = folder / "telephone.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), FPS, (64, 48))
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:, :32] = 255  # the left half, which is up once it is turned
    for _ in range(4):
        writer.write(picture)
    writer.release()
    written = bytearray(path.read_bytes())
    matrix = written.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12, 8.3.2
    turned = 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30
    written[matrix : matrix + 36] = struct.pack(">9i", *turned)
    path.write_bytes(written)
    return path


def test_a_telephones_film_stands_upright(tmp_path: Path) -> None:
    """Else nobody in it has a face."""
    path = on_its_side(tmp_path)
    pixels = next(iter(replay(section(path)))).pixels
    assert pixels.shape == (64, 48, 3)
    assert pixels[8].mean() > 200
    assert pixels[-8].mean() < 50
    with closing(open_source(section(path), upright=False)) as source:
        stored = source.read()
    assert stored is not None
    assert stored.shape == (48, 64, 3)


AV1 = (
    "REtJRgAAIABBVjAxEAAQAAoAAAABAAAAAQAAAAAAAAAbAAAAAAAAAAAAAAASAAoKAAAAAZ/5"
    "tfIAgDILEADAAAACgAAAAJw="
)
"""One grey picture of 16 x 16 pixels, by FFmpeg, in base64."""


def test_a_film_without_a_decoder_is_told_in_a_sentence_and_nothing_else(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of AV1, which telephones take by now, OpenCV's packages bring none."""
    path = tmp_path / "film.ivf"
    path.write_bytes(base64.b64decode(AV1))
    with pytest.raises(CameraError, match=r"ivf \(AV1\) can be decoded: save the film as H\.264"):
        next(iter(replay(section(path))))
    assert capfd.readouterr().err == ""


def test_a_film_of_huge_pictures_is_refused(film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.vision.bounds.MAX_PIXELS", 64 * 48 - 1)
    with pytest.raises(CameraError, match="has 64 x 48 pixels"):
        open_source(section(film))


def test_pixels_are_rgb(film: Path) -> None:
    red, _, blue = next(iter(replay(section(film)))).pixels[24, 8]
    assert red > 200
    assert blue < 60


def test_rotation_is_clockwise(film: Path) -> None:
    frame = next(iter(replay(section(film, rotate=90))))
    assert frame.pixels.shape == (64, 48, 3)
    assert frame.pixels[8, 24, 0] > 200  # the red left half is on top


def test_a_folder_of_images_in_the_order_of_names(tmp_path: Path) -> None:
    for name, value in (("b.png", 200), ("a.png", 100), ("note.txt", 0)):
        if name.endswith("png"):
            cv2.imwrite(str(tmp_path / name), np.full((16, 16, 3), value, np.uint8))
        else:
            (tmp_path / name).write_text("not an image")
    assert [f.pixels[0, 0, 0] for f in replay(section(tmp_path))] == [100, 200]


def test_a_live_camera_keeps_only_the_newest_frame_and_paces_a_file(film: Path) -> None:
    begun = time.monotonic()
    with Camera(section(film)) as camera:
        first = camera.newest(0, timeout_s=5.0)
        assert first is not None
        time.sleep(4.5 / FPS)  # frames pass unseen
        later = camera.newest(first.sequence, timeout_s=5.0)
        assert later is not None
        assert later.sequence >= first.sequence + 3
        assert later.captured_at <= time.monotonic()
        with pytest.raises(CameraError, match="ended after 12 pictures"):
            _drain(camera, later.sequence)
    assert time.monotonic() - begun >= 11 / FPS


def _drain(camera: Camera, after: int) -> None:
    while (frame := camera.newest(after, timeout_s=5.0)) is not None:
        after = frame.sequence


def test_a_looping_file_does_not_end(film: Path) -> None:
    with Camera(section(film, loop=True)) as camera:
        after = 0
        while after < 15:
            frame = camera.newest(after, timeout_s=5.0)
            assert frame is not None
            after = frame.sequence


def test_a_feed_tells_the_loss_of_its_camera_once_and_does_not_raise(film: Path) -> None:
    feed = Feed(section(film))
    try:
        deadline = time.monotonic() + 10
        while feed.lost is None and time.monotonic() < deadline:
            feed.next(0.05)
        assert feed.lost is not None
        assert "ended after 12 pictures" in feed.lost
        assert feed.next(0.01) is None
    finally:
        feed.close()
        feed.close()


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("/dev/video99", "there is no camera, film or folder at /dev/video99"),
        ("rtsp://user:secret@127.0.0.1:1/x", r"stream rtsp://127\.0\.0\.1:1/x cannot be opened"),
        ("picamera2", "python3-picamera2"),
        ("gstreamer:fakesrc ! appsink", "GStreamer"),
    ],
)
def test_a_camera_that_is_not_there(source: str, sentence: str) -> None:
    with pytest.raises(CameraError, match=sentence) as caught:
        open_source(section(source))
    assert "secret" not in str(caught.value)


def test_broken_files(tmp_path: Path) -> None:
    broken = tmp_path / "film.mp4"
    broken.write_bytes(b"not a film" * 100)
    with pytest.raises(CameraError, match="is neither a picture nor a video that can be read"):
        open_source(section(broken))
    empty = tmp_path / "none"
    empty.mkdir()
    with pytest.raises(CameraError, match="holds no image"):
        open_source(section(empty))
    picture = tmp_path / "p.jpg"
    for content in (b"", b"\xff\xd8\xff\xe0 broken"):
        picture.write_bytes(content)
        with pytest.raises(CameraError, match="is not an image that can be read"):
            read_image(picture)
    with pytest.raises(CameraError, match="cannot be read: No such file"):
        read_image(tmp_path / "gone.jpg")


@pytest.fixture(params=["rtsp", "http"])
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A live network stream, as an IP camera serves one."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to serve a stream: apt-get install ffmpeg")
    if request.param == "rtsp":
        with closing(RtspCamera(tmp_path, seconds=4)) as camera:
            yield camera.address
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}/door.ts"
    source = ["-re", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=20", "-t", "4"]
    serve = ["-c:v", "mpeg2video", "-g", "5", "-f", "mpegts", "-listen", "1", address]
    server = subprocess.Popen(["ffmpeg", "-v", "error", *source, *serve], stderr=subprocess.DEVNULL)
    try:
        yield address
    finally:
        server.kill()
        server.wait()


def test_a_network_stream_plays_live_and_its_end_is_told(stream: str) -> None:
    camera = _opened(stream)
    with camera:
        begun = time.monotonic()
        first = camera.newest(0, timeout_s=10.0)
        assert first is not None
        assert first.pixels.shape == (240, 320, 3)
        assert not camera.is_file
        with pytest.raises(CameraError, match="ended after"):
            _drain(camera, first.sequence)
        assert time.monotonic() - begun > 1.5  # at the stream's pace, not as fast as it decodes


def _opened(address: str) -> Camera:
    for _ in range(20):  # until the server listens
        try:
            return Camera(section(address))
        except CameraError:
            time.sleep(0.25)
    return Camera(section(address))


def test_a_raspberry_camera_that_cannot_be_set_up_is_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else it is in use at the next try, and the door has no camera until it starts again."""
    closed = []

    class Broken:
        def create_video_configuration(self, **_: object) -> None: ...

        def configure(self, _: object) -> None:
            raise RuntimeError("no such size")

        def stop(self) -> None: ...

        def close(self) -> None:
            closed.append(self)

    module = ModuleType("picamera2")
    vars(module)["Picamera2"] = Broken
    monkeypatch.setitem(sys.modules, "picamera2", module)
    with pytest.raises(CameraError, match="no such size"):
        open_source(section("picamera2"))
    assert len(closed) == 1


def test_two_cameras_that_hang_are_given_up_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other, with what sight does besides, would be more than its watchdog waits."""
    go_on = threading.Event()

    class Hanging:
        paced = True
        fps = 1.0

        def read(self) -> None:
            go_on.wait(30)

        def close(self) -> None: ...

    monkeypatch.setattr("edge.vision.camera.open_source", lambda _: Hanging())
    monkeypatch.setattr("edge.vision.camera._JOIN_TIMEOUT_S", 1.0)
    camera = Camera(section("0", second="1"))
    begun = time.monotonic()
    try:
        with pytest.raises(CameraError, match="does not stop reading"):
            camera.close()
        assert time.monotonic() - begun < 1.8
    finally:
        go_on.set()
