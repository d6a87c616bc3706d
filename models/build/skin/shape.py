"""What the skin network is made of: two towers, each built as its teacher is."""

from dataclasses import dataclass

from models.build.surroundings import shape

SIZE = 128
"""Side of both crops as the network takes them, pixels."""


@dataclass(frozen=True, slots=True)
class Tower:
    """One of them; its blocks are those of the surroundings network."""

    scale: float
    """Side of its crop in face boxes."""
    size: int
    """The same in pixels, as its teacher takes it."""
    teacher: int
    """Number among the teachers, and of its crops among the lessons'."""
    cells: int
    """Side of its last map."""


TOWERS = (Tower(1.5, SIZE, 0, 8), Tower(shape.SCALE, shape.SIZE, 1, shape.CELLS))
