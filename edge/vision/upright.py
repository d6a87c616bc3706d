"""WebP pictures set upright by their Exif data, which OpenCV asks of a JPEG but not of these."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from edge.records import Pixels

_CHUNK = struct.Struct("<4sI")
_ORIENTATION = 0x0112
"""Exif 2.32: one SHORT from 1, upright, to 8."""
_ENTRY_BYTES = 12
_BYTE_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}
_TURNS = {3: cv2.ROTATE_180, 6: cv2.ROTATE_90_CLOCKWISE, 8: cv2.ROTATE_90_COUNTERCLOCKWISE}
_MIRRORED = {2: 1, 4: 3, 5: 8, 7: 6}
"""Seen in a mirror, held as by the second."""


def is_webp(data: bytes) -> bool:
    """By its first bytes."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def upright(pixels: Pixels, data: bytes) -> Pixels:
    """A WebP's pixels as it was seen when it was taken."""
    held = _orientation(data)
    if held in _MIRRORED:
        held, pixels = _MIRRORED[held], np.ascontiguousarray(pixels[:, ::-1])
    return np.asarray(cv2.rotate(pixels, _TURNS[held]), np.uint8) if held in _TURNS else pixels


def _orientation(data: bytes) -> int:
    """1 where it does not say, or says it wrongly."""
    at = 12
    while at + _CHUNK.size <= len(data):
        kind, length = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if kind == b"EXIF":
            try:
                return _of_exif(data[at : at + length].removeprefix(b"Exif\0\0"))
            except (struct.error, KeyError):
                return 1
        at += length + length % 2
    return 1


def _of_exif(tiff: bytes) -> int:
    order = _BYTE_ORDERS[tiff[:4]]
    (first,) = struct.unpack_from(f"{order}I", tiff, 4)
    (count,) = struct.unpack_from(f"{order}H", tiff, first)
    for number in range(count):
        entry = first + 2 + number * _ENTRY_BYTES
        tag, _, _, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if tag == _ORIENTATION:
            return int(value)
    return 1
