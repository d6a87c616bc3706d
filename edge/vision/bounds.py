"""How large a picture may be, told from its first bytes, before anything is decoded.

A file of a megabyte can unpack to gigabytes. The sizes stand where each format's specification puts
them: PNG's IHDR, JPEG's SOF, BMP's header, WebP's VP8 chunks, TIFF's first directory. Of what tells
none here nothing is decoded: the decoder knows more formats, and would find a size of its own.
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
MAX_SIDE = 2**15 - 2
"""OpenCV cuts nothing out of a longer one."""

_TIFF_LETTERS = {3: "H", 4: "I"}
"""Of the types that a picture's sides may have (TIFF 6.0: SHORT or LONG)."""
_BMP_CORE_BYTES = 12
"""Of the header of OS/2, whose sides have two bytes each."""
_JPEG_BARE = {0x01, *range(0xD0, 0xD8)}
"""Markers without a length (ITU-T T.81, table B.1), that may stand before a frame."""

Size = tuple[int, int]


def refuse_huge(data: bytes, name: str) -> None:
    """See that a picture's own header promises no more than is bearable.

    Raises:
        CameraError: it promises more, or nothing.
    """
    size = size_of(data)
    if size is None:
        raise CameraError(f"{name} is not an image that can be read (JPEG, PNG, WebP, BMP, TIFF)")
    refuse_large(size, name)


def refuse_large(size: Size, name: str) -> None:
    """See that a picture, or each of a film, is no larger than is bearable.

    Raises:
        CameraError: it is.
    """
    width, height = size
    if width * height > MAX_PIXELS:
        raise CameraError(
            f"{name} has {width} x {height} pixels; more than {MAX_PIXELS // 10**6} million are "
            "not decoded. Make it smaller."
        )
    refuse_long(size, name)


def refuse_long(size: Size, name: str) -> None:
    """See that no side of a picture is longer than can be looked at.

    Raises:
        CameraError: one is.
    """
    width, height = size
    if max(size) > MAX_SIDE:
        raise CameraError(
            f"{name} has {width} x {height} pixels; no side of more than {MAX_SIDE} is looked at. "
            "Cut it."
        )


def size_of(data: bytes) -> Size | None:
    """Width and height by the file's header; None where it tells none."""
    for magic, read in _READERS:
        if data.startswith(magic):
            try:
                return read(data)
            except (struct.error, IndexError, ValueError):
                return None
    return None


def _png(data: bytes) -> Size:
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _bmp(data: bytes) -> Size:
    (header,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if header == _BMP_CORE_BYTES else "<ii", data, 18)
    return abs(width), abs(height)


def _jpeg(data: bytes) -> Size | None:
    at = 2
    while True:
        at = data.index(0xFF, at)  # decoders pass over what stands before a marker
        while data[at] == 0xFF:
            at += 1
        marker, at = data[at], at + 1
        if marker == 0 or marker in _JPEG_BARE:
            continue
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
    found: dict[int, int] = {}
    for number in range(count):
        tag, kind = struct.unpack_from(f"{order}HH", data, at + 2 + 12 * number)
        if kind in _TIFF_LETTERS:
            value = struct.unpack_from(order + _TIFF_LETTERS[kind], data, at + 10 + 12 * number)
            found.setdefault(tag, int(value[0]))  # as libtiff, to which the first counts
    return (found[256], found[257]) if {256, 257} <= found.keys() else None


_READERS: tuple[tuple[bytes, Callable[[bytes], Size | None]], ...] = (
    (b"\x89PNG\r\n\x1a\n", _png),
    (b"\xff\xd8", _jpeg),
    (b"BM", _bmp),
    (b"RIFF", _webp),
    (b"II*\0", _tiff),
    (b"MM\0*", _tiff),
)
