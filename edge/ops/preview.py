"""What the camera sees, in the letters of a terminal: for enrolment over SSH."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from edge.records import Pixels

COLUMNS = 48
_LOWER_HALF = "\N{LOWER HALF BLOCK}"


def preview(pixels: Pixels, columns: int = COLUMNS) -> Text:
    """An RGB picture as half blocks, two pixels a letter, mirrored as people know themselves."""
    height, width = pixels.shape[:2]
    rows = max(1, round(columns * height / width / 2))
    small = cv2.resize(pixels, (columns, 2 * rows), interpolation=cv2.INTER_AREA)[:, ::-1]
    text = Text()
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for above, below in zip(upper, lower, strict=True):
            style = Style(color=_rgb(below), bgcolor=_rgb(above))
            text.append(_LOWER_HALF, style)
        text.append("\n")
    return text


def _rgb(pixel: Pixels) -> str:
    red, green, blue = (int(value) for value in pixel)
    return f"rgb({red},{green},{blue})"
