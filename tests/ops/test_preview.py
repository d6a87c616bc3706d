"""The camera's picture in the letters of a terminal."""

from __future__ import annotations

import numpy as np
from rich.console import Console

from edge.ops.preview import preview


def test_half_blocks_show_two_pixels_a_letter_mirrored() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[:, :40] = (255, 0, 0)  # red on the left, black on the right
    text = preview(picture, columns=8)
    lines = text.plain.splitlines()
    assert [len(line) for line in lines] == [8] * 3
    console = Console(force_terminal=True, color_system="truecolor", width=20)
    with console.capture() as capture:
        console.print(text)
    first = capture.get().splitlines()[0]
    assert first.index("0;0;0") < first.index("255;0;0")  # as in a mirror
