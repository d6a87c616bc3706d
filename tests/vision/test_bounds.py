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
from edge.vision.bounds import size_of
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


def test_a_pipe_named_as_a_picture_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "pipe.jpg"
    os.mkfifo(path)
    with pytest.raises(CameraError, match="not an ordinary file"):
        read_image(path)


@given(st.sampled_from(MAGIC), st.binary(max_size=200))
def test_no_bytes_end_the_reader(magic: bytes, rest: bytes) -> None:
    size_of(magic + rest)
