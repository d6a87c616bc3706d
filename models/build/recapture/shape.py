"""What the recapture network is built of; TensorFlow and PyTorch both read it here."""

from dataclasses import dataclass

SIZE = 80
"""Side of each crop, pixels."""
SCALES = (1.5, 2.7, 4.0)
"""Sides of the crops in face boxes, those of the three teachers; each has a tower of its own."""
STEM = 32
"""Channels of the first two layers: 3x3 of stride 2, and 3x3 of each channel alone."""


@dataclass(frozen=True, slots=True)
class Block:
    """A 3x3 layer to a few channels, 1x1 to more; a shortcut around both where the size stays."""

    before: int
    between: int
    after: int
    stride: int


STAGES = (
    (Block(32, 64, 64, 2),),
    (Block(64, 16, 64, 1),) * 3,
    (Block(64, 56, 128, 2),),
    (Block(128, 16, 128, 1),) * 4,
    (Block(128, 32, 128, 2),),
    (Block(128, 16, 128, 1),),
)
"""After each of them a teacher is imitated, cell by cell."""
FEATURES = 128
"""Numbers that a tower keeps: 1x1 to so many channels, then a sum over the map of each."""
CELLS = 5
"""Side of the last map."""
