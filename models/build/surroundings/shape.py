"""What the surroundings network is built of; TensorFlow and PyTorch both read it here."""

from dataclasses import dataclass

SIZE = 80
"""Side of the crop, pixels."""
SCALE = 2.7
"""Side of the crop in face boxes, its teacher's."""
STEM = 40
"""Channels of the first two layers: 3x3 of stride 2, and 3x3 of each channel alone."""


@dataclass(frozen=True, slots=True)
class Block:
    """1x1 to more or fewer channels, 3x3 of each alone, 1x1; a shortcut where the size stays.

    Each of them is taught by one block of the teacher, from what that block is given.
    """

    before: int
    between: int
    after: int
    stride: int = 1


BLOCKS = (
    Block(STEM, 112, 64, 2),
    *(Block(64, 24, 64),) * 4,
    Block(64, 216, 128, 2),
    *(Block(128, between, 128) for between in (176, 56, 32, 64, 32, 32)),
    Block(128, 272, 128, 2),
    *(Block(128, 32, 128),) * 2,
)
FEATURES = 384
"""Numbers of the whole crop: 1x1 to so many channels, then a sum over the map of each."""
CELLS = 5
"""Side of the last map."""
