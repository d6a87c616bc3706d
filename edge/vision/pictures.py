"""Image files: one read as it is, and those of a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.believed import read_ordinary
from edge.errors import UNREACHABLE, CameraError, NotThereError, reason_of
from edge.vision.bounds import MAX_IMAGE_BYTES, refuse_huge
from edge.vision.quiet import quietly
from edge.vision.upright import is_webp, upright

if TYPE_CHECKING:
    from pathlib import Path

    from edge.records import Pixels

_JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}
"""The last is Windows' for what a browser saves."""
_UNREAD = {".heic", ".heif", ".avif"}
"""Cannot be read, which is said of each."""
IMAGE_SUFFIXES = _JPEG | {".png", ".bmp", ".webp", ".tif", ".tiff"} | _UNREAD
"""Of pictures in a folder."""
_HEIF_BRANDS = {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"}
"""ISO/IEC 23008-12: what stands after `ftyp` in the first box."""


def read_image(path: Path) -> Pixels:
    """One image file as RGB uint8 `(h, w, 3)`, upright where it says how it was held.

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
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        raise CameraError(f"{name} is HEIC or AVIF, which is not read: save it as JPEG")
    refuse_huge(data, name)
    webp = is_webp(data)
    how = cv2.IMREAD_COLOR | (webp and cv2.IMREAD_IGNORE_ORIENTATION)
    with quietly():  # libpng and libjpeg complain of what they can read all the same
        bgr = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    if bgr is None:
        raise CameraError(f"{name} is damaged, or an image of a rare kind: save it anew as JPEG")
    rgb = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
    return upright(rgb, data) if webp else rgb


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
