"""What the passive networks are shown of a face: squares around it, and in which light."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.vision.faces.geometry import halved
from edge.vision.liveness.limits import ASKEW_DEG, BRIGHT, MAX_GAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import Box, Face, Frame, Pixels

_LEVELS = np.arange(256)[np.newaxis, :, np.newaxis]
SKIN = (1.28, 0.95, 0.77)
"""Red, green and blue of the middle of a face, in the middle of photographs (LFW, UTKFace); their
mean is 1."""
_MIDDLE = 0.75
"""Side of the middle of a face, in face boxes, by which one tells how dark it is."""


class View:
    """One face in one frame, a dark one as if there were more light.

    A square that several checks look at is cut out once.
    """

    def __init__(
        self, frame: Frame, face: Face, before: Frame | None = None, *, flickers: bool = False
    ) -> None:
        """Take a face in a frame.

        Args:
            frame: in which it is.
            face: where it is.
            before: the frame before it, where it is one of a film.
            flickers: a lamp does, and makes bands of everything.
        """
        self.frame, self.face, self.before, self.flickers = frame, face, before, flickers
        self._squares: dict[tuple[float, int], Pixels] = {}

    def squares(self, scales: Sequence[float], size: int) -> list[Pixels]:
        """Of so many face boxes around it, `(size, size, 3)`."""
        return [self._square(scale, size) for scale in scales]

    def _square(self, scale: float, size: int) -> Pixels:
        if (scale, size) not in self._squares:
            square = around(self.frame.pixels, self.face.box, scale, size, self.roll)
            self._squares[scale, size] = brightened(square, self._gain)
        return self._squares[scale, size]

    @cached_property
    def roll(self) -> float:
        """Degrees by which the face lies aside, clockwise; 0 where it hardly does.

        The networks know upright faces: of a screen that is held askew they would say less.
        """
        if not self.face.keypoints.size:
            return 0.0
        right, left = self.face.keypoints[:2].tolist()
        roll = math.degrees(math.atan2(left[1] - right[1], left[0] - right[0]))
        return roll if abs(roll) > ASKEW_DEG else 0.0

    @cached_property
    def _gain(self) -> float:
        """By which a dark face becomes as bright as nearly all that the networks learnt from.

        A film in dim light would be doubted less than in a bright one.
        """
        middle = cv2.mean(_part(self.frame.pixels, self.face.box, _MIDDLE))[:3]
        return min(max(BRIGHT / max(sum(middle) / 3, 1.0), 1.0), MAX_GAIN)


def brightened(pixels: Pixels, gain: float) -> Pixels:
    """Every level multiplied; what is too bright then is white."""
    if gain == 1:
        return pixels
    return np.asarray(cv2.convertScaleAbs(pixels, alpha=gain), np.uint8)


def grey_light(views: Sequence[Pixels]) -> Pixels:
    """For `cv2.LUT`: a face's crops, the widest last, as they would be where the light is grey.

    Screens are bluer than rooms, so that a network takes a screen that is set a little warmer for a
    face, and a face in blue light for a screen: it must not see the colour of the light. That is
    the mean of what is seen (Buchsbaum 1980, "A spatial processor model for object colour
    perception").
    """
    return _lit(cv2.mean(views[-1])[:3], (1.0, 1.0, 1.0))


def skin_light(views: Sequence[Pixels]) -> Pixels:
    """For `cv2.LUT`: crops, that of 1.5 boxes first, as if the middle had the mean colour of skin.

    How dark it is stays as it is.
    """
    side = views[0].shape[0]
    middle = views[0][side // 4 : side - side // 4, side // 4 : side - side // 4]
    return _lit(cv2.mean(middle)[:3], SKIN)


def _lit(seen: Sequence[float], wanted: Sequence[float]) -> Pixels:
    """Every level `(1, 256, 3)` so that what is of the colour `seen` is `wanted`, as bright."""
    grey = sum(seen) / len(seen)
    gain = [grey * want / max(channel, 1.0) for channel, want in zip(seen, wanted, strict=True)]
    return np.minimum(_LEVELS * np.array(gain), 255).astype(np.uint8)


def around(pixels: Pixels, box: Box, scale: float, size: int, roll: float = 0.0) -> Pixels:
    """A square of `scale` face boxes around a face, as `(size, size, 3)`.

    Where it leaves the picture it is shrunk to fit and pushed inside, so that no made-up border
    tells anything; one that is turned, by `roll` degrees clockwise, is shrunk and mirrors the rest.
    """
    square = _turned(pixels, box, scale, roll) if roll else _part(pixels, box, scale)
    square = halved(square, size, size)
    return np.asarray(cv2.resize(square, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def _part(pixels: Pixels, box: Box, scale: float) -> Pixels:
    """The same as it is in the picture."""
    height, width = pixels.shape[:2]
    side = _side(pixels, box, scale)
    x, y = box.centre
    left = round(min(max(x - side / 2, 0.0), width - side))
    top = round(min(max(y - side / 2, 0.0), height - side))
    whole = max(1, round(side))
    return pixels[top : top + whole, left : left + whole]


def _turned(pixels: Pixels, box: Box, scale: float, roll: float) -> Pixels:
    """The same, turned about the face's middle until that stands upright."""
    side, (x, y) = _side(pixels, box, scale), box.centre
    turn = cv2.getRotationMatrix2D((x - 0.5, y - 0.5), roll, 1.0)
    turn[:, 2] -= x - side / 2, y - side / 2
    whole = max(1, round(side))
    upright = cv2.warpAffine(pixels, turn, (whole, whole), borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(upright, np.uint8)


def _side(pixels: Pixels, box: Box, scale: float) -> float:
    return min(scale * max(box.width, box.height), *pixels.shape[:2])
