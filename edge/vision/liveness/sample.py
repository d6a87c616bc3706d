"""What the proof of life is told of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.records import Hint

if TYPE_CHECKING:
    from edge.records import EyeOpenness, Floats, Landmarks, Opinion


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """What one frame says of the single face in view."""

    at: float
    track: int
    """Number of the unbroken track; another number is another face, and the proof starts again."""
    landmarks: Landmarks
    patch: Floats
    """The face as `continuity.patch_of` makes it."""
    eyes: EyeOpenness
    opinions: tuple[Opinion, ...] = ()
    """Of the passive checks that looked at this frame."""
    held: bool = False
    """Landmarks and patch are those of the frame before: nothing had moved."""
    repeated: bool = False
    """The picture is the very one of the frame before: a camera sent it twice."""
    hint: Hint = Hint.NONE
    """Why the face could not be compared on this frame."""
    compared: bool = False
    """The embedder looked: another face than before would have begun another track."""
