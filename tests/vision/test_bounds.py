"""Hostile pictures: refused by their first bytes, before anything is decoded."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import CameraError
from edge.vision.bounds import MAX_SIDE, size_of
from edge.vision.inputs import pixels_of
from edge.vision.pictures import decoded, read_image

MAGIC = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF", b"II*\0", b"MM\0*", b""]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_every_formats_size_is_told_as_the_decoder_finds_it(suffix: str) -> None:
    picture = np.zeros((37, 91, 3), np.uint8)
    ok, data = cv2.imencode(suffix, picture)
    assert ok
    assert size_of(data.tobytes()) == (91, 37)
    assert decoded(data.tobytes(), "x").shape == (37, 91, 3)


def bomb(width: int, height: int) -> bytes:
    """A PNG that is small as a file: one colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb(20_000, 20_000))
    with pytest.raises(CameraError, match="20000 x 20000 pixels"):
        read_image(path)


def encoded(suffix: str) -> bytes:
    ok, data = cv2.imencode(suffix, np.zeros((37, 91, 3), np.uint8))
    assert ok
    return data.tobytes()


@pytest.mark.parametrize("suffix", [".jp2", ".ppm", ".sr", ".hdr", ".pfm"])
def test_nothing_is_decoded_that_tells_no_size_here(suffix: str) -> None:
    with pytest.raises(CameraError, match="not an image that can be read"):
        decoded(encoded(suffix), "x.jpg")


def test_a_tiff_of_the_large_kind_is_not_decoded_either() -> None:
    tags = {256: 9, 257: 7, 258: 8, 262: 1, 273: 16, 278: 7, 279: 63}
    entries = b"".join(struct.pack("<HHQQ", tag, 4, 1, value) for tag, value in tags.items())
    tiff = b"II+\0" + struct.pack("<HHQ", 8, 0, 16 + 64) + bytes(64)
    tiff += struct.pack("<Q", len(tags)) + entries + bytes(8)
    with pytest.raises(CameraError, match="not an image that can be read"):
        decoded(tiff, "x.jpg")


def test_a_jpeg_is_as_large_as_the_decoder_finds_it_whatever_stands_between() -> None:
    jpeg = encoded(".jpg")
    lie = b"\xff\xc0" + struct.pack(">HBHHB", 11, 8, 9, 9, 1) + bytes(3)
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(lie)) + lie
    head = 2 + 2 + int.from_bytes(jpeg[4:6], "big")
    # Read as a segment, the first bytes would end where the lie begins.
    for filler in (b"\x55\0\6", b"\xff\0\0\6", b"\xff\xd0\0\6", b"\xff\x01\0\6"):
        changed = jpeg[:head] + filler + comment + jpeg[head:]
        assert size_of(changed) == (91, 37)
        assert decoded(changed, "x").shape == (37, 91, 3)


def test_a_tiff_is_as_large_as_it_says_first() -> None:
    tiff = encoded(".tif")
    (at,) = struct.unpack_from("<I", tiff, 4)
    (count,) = struct.unpack_from("<H", tiff, at)
    entries = tiff[at + 2 : at + 2 + 12 * count]
    lies = struct.pack("<HHIIHHII", 256, 4, 1, 9, 257, 4, 1, 9)
    odd = struct.pack("<HHII", 256, 16, 1, 9)  # eight bytes, that stand elsewhere

    def with_entries(changed: bytes) -> bytes:
        directory = struct.pack("<H", len(changed) // 12) + changed + bytes(4)
        return tiff[:4] + struct.pack("<I", len(tiff)) + tiff[8:] + directory

    assert size_of(with_entries(entries + lies)) == (91, 37)
    assert size_of(with_entries(odd + entries[12:] + lies[12:])) is None


def test_a_bitmap_of_the_oldest_kind_is_as_large_as_it_is() -> None:
    head = struct.pack("<2sIHHI", b"BM", 26 + 36 * 12, 0, 0, 26)
    data = head + struct.pack("<IHHHH", 12, 12, 12, 1, 24) + bytes(36 * 12)
    assert size_of(data) == (12, 12)
    assert decoded(data, "x").shape == (12, 12, 3)


@pytest.mark.parametrize("shape", [(1, MAX_SIDE + 1, 3), (MAX_SIDE + 1, 1, 3)])
def test_what_is_too_long_to_be_looked_at_is_refused(shape: tuple[int, ...]) -> None:
    """Whoever enrolled a folder with such a picture in it saw OpenCV end the command."""
    picture = np.zeros(shape, np.uint8)
    for image in (picture, cv2.imencode(".png", picture)[1].tobytes()):
        with pytest.raises(CameraError, match=f"no side of more than {MAX_SIDE}"):
            pixels_of(image)


def test_a_pipe_named_as_a_picture_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    with pytest.raises(CameraError, match="not an ordinary file"):
        read_image(path)


@given(st.sampled_from(MAGIC), st.binary(max_size=200))
def test_no_bytes_end_the_reader(magic: bytes, rest: bytes) -> None:
    size_of(magic + rest)
