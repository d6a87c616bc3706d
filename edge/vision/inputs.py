"""Pictures as Python programs have them: files, bytes, arrays, PIL's images, data URIs."""

from __future__ import annotations

import base64
import binascii
from importlib import import_module
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import CameraError
from edge.vision.bounds import refuse_long
from edge.vision.pictures import decoded, read_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.records import Pixels

_BRIGHTEST, _BRIGHTEST_16 = 255, 65_535
_LONGEST_PATH = 4096
"""Linux's PATH_MAX."""


def pixels_of(image: object) -> Pixels:
    """RGB uint8 `(h, w, 3)` of any of these, upright where the file says how it was held.

    A path; a data URI; the bytes of a file, or one that is open for reading them; an image of PIL;
    an array as OpenCV has it: `(h, w, 3)` BGR, `(h, w, 4)` BGRA, `(h, w)` or `(h, w, 1)` grey,
    uint8 or floating point from 0 to 1 (or to 255).

    Raises:
        CameraError: it cannot be read, or is none of these.
    """
    if isinstance(image, str | PathLike):
        return _named(fspath(image))
    if isinstance(image, bytes | bytearray | memoryview):
        return decoded(bytes(image), "what was given")
    if isinstance(image, np.ndarray):
        return _of_array(image)
    if hasattr(image, "convert") and hasattr(image, "getexif"):  # PIL's, which need not be here
        return _of_pil(image)
    if hasattr(image, "read"):
        data = image.read()
        if isinstance(data, bytes):
            return decoded(data, name_of(image))
        raise CameraError("the file is open for text: open it with mode 'rb'")
    if isinstance(image, list | tuple):
        raise CameraError("several pictures at once are not taken: call for each of them")
    raise CameraError(
        f"{type(image).__name__} is no picture: give a path, bytes, a file, an array, an image "
        "of PIL or a data URI"
    )


def _named(place: str) -> Pixels:
    if not place:
        raise CameraError("an empty path names no picture")
    if place.startswith("data:"):
        return decoded(_embedded(place), "the data URI")
    if len(place) > _LONGEST_PATH:
        raise CameraError(
            f"a text of {len(place)} characters is no path; base64 wants 'data:image/jpeg;base64,' "
            "before it"
        )
    scheme, address, _ = place.partition("://")
    if address:
        raise CameraError(f"{scheme} addresses are not fetched: download it first")
    return read_image(Path(place))


def name_of(image: object) -> str:
    """What to call it in a message."""
    if isinstance(image, str | PathLike) and not str(image).startswith("data:"):
        return str(image)
    name = getattr(image, "name", None)  # an open file's
    return name if isinstance(name, str) else "the picture"


def _embedded(uri: str) -> bytes:
    head, _, data = uri.partition(",")
    if not head.endswith(";base64"):
        raise CameraError("the data URI is not in base64")
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise CameraError(f"the data URI is damaged: {error}") from error


def _of_array(array: NDArray[np.generic]) -> Pixels:
    channels = array.shape[-1] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or channels not in (1, 3, 4) or not array.size:
        raise CameraError(f"an array {array.shape} is not a picture: {_WANTED}")
    refuse_long((array.shape[1], array.shape[0]), "the picture")
    if np.issubdtype(array.dtype, np.floating):
        array = _to_bytes(array)
    if array.dtype != np.uint8:
        raise CameraError(f"an array of {array.dtype} is not a picture: {_WANTED}")
    array = np.ascontiguousarray(array)
    codes = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}
    return np.asarray(cv2.cvtColor(array, codes[channels]), np.uint8)


def _of_pil(image: object) -> Pixels:
    upright = import_module("PIL.ImageOps").exif_transpose(image)
    if upright.mode.startswith("I;16"):  # which PIL would cut off at 255
        return _of_array(np.asarray(upright) / np.float32(_BRIGHTEST_16))
    pixels = np.asarray(upright.convert("RGB"), np.uint8)
    if not pixels.size:
        raise CameraError("the picture is empty")
    refuse_long((pixels.shape[1], pixels.shape[0]), "the picture")
    return pixels


_WANTED = "give BGR uint8 (height, width, 3) as cv2.imread does, or grey, or BGRA, or 0-1 in float"


def _to_bytes(array: NDArray[np.generic]) -> Pixels:
    if not np.isfinite(array).all() or array.min() < 0 or array.max() > _BRIGHTEST:
        raise CameraError(f"an array from {array.min():g} to {array.max():g} is not a picture")
    scale = _BRIGHTEST if array.max() <= 1 else 1
    return np.rint(np.multiply(array, scale)).astype(np.uint8)
