"""How large a picture may be, told from its first bytes, before anything is decoded.

A file of a megabyte can unpack to gigabytes. The sizes stand where each format's specification puts
them: PNG's IHDR, JPEG's SOF, BMP's header, WebP's VP8 chunks, TIFF's first directory.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edge.errors import CameraError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_IMAGE_BYTES = 64 * 1024 * 1024
MAX_PIXELS = 50_000_000
"""150 MB once decoded; the largest phone camera's default pictures have as many."""

_TIFF_SHORT = 3

Size = tuple[int, int]


def refuse_huge(data: bytes, name: str) -> None:
    """See that a picture's own header promises no more than is bearable.

    Raises:
        CameraError: it promises more. What no header can be read of, the decoder judges.
    """
    size = size_of(data)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        raise CameraError(
            f"{name} has {size[0]} x {size[1]} pixels; more than {MAX_PIXELS // 10**6} million are "
            "not decoded. Make it smaller."
        )


def size_of(data: bytes) -> Size | None:
    """Width and height by the file's header; None where it tells none."""
    for magic, read in _READERS:
        if data.startswith(magic):
            try:
                return read(data)
            except (struct.error, IndexError):
                return None
    return None


def _png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _bmp(data: bytes) -> Size:
    width, height = struct.unpack_from("<ii", data, 18)
    return abs(width), abs(height)


def _jpeg(data: bytes) -> Size | None:
    at = 2
    while True:
        while data[at] == 0xFF:
            at += 1
        marker, at = data[at], at + 1
        (length,) = struct.unpack_from(">H", data, at)
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
        at += length


def _webp(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(data[i : i + 3], "little") + 1 for i in (24, 27))
        return width, height
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(data: bytes) -> Size | None:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    found = {}
    for number in range(count):
        tag, kind = struct.unpack_from(f"{order}HH", data, at + 2 + 12 * number)
        letter = "H" if kind == _TIFF_SHORT else "I"
        value = struct.unpack_from(order + letter, data, at + 10 + 12 * number)
        found[tag] = int(value[0])
    return (found[256], found[257]) if {256, 257} <= found.keys() else None


_READERS: tuple[tuple[bytes, Callable[[bytes], Size | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8", _jpeg),
    (b"BM", _bmp),
    (b"RIFF", _webp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
