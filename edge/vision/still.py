"""Faces in a single picture. A film shows a face again in its next frame; a picture does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import Frame
from edge.vision.faces.geometry import Square
from edge.vision.faces.limits import MIN_PRESENCE
from edge.vision.parts import PRESENCE, distinct, faces_in_parts, moved, sides_of_parts, sure_width
from edge.vision.pipeline import BYSTANDER

if TYPE_CHECKING:
    from edge.records import Face, Pixels
    from edge.vision.faces.detector import Detector
    from edge.vision.stages import Stages

SECOND_LOOKS = (1.6, 0.6)
"""Sides of the views tried when there seems to be no face, in picture sides: from further away for
a face that fills the picture, and from nearer for a small one in its middle."""
VIEW_PX = 7000
"""No view is made larger, 147 MB: of a panorama it would take gigabytes."""


def still(pixels: Pixels) -> Frame:
    """A picture as a frame; it was taken at no particular time."""
    return Frame(pixels, captured_at=0.0, sequence=0)


def faces_in(frame: Frame, stages: Stages, *, near: bool = False) -> list[Face]:
    """All faces, best first, in the picture's pixels; looks again where there seems to be none.

    `near`: nobody is sought who would count as a passer-by (`edge.vision.pipeline.people_in`), so
    that a portrait is looked at in few parts or none.
    """
    found = whole = stages.detector.detect(frame)
    seen = float(max(frame.pixels.shape[:2]))
    sides = sides_of_parts(frame, stages.detector)
    if sides:
        found = _believed(frame, whole, stages, MIN_PRESENCE)
    for side in sides:
        nearest = max((face.box.width for face in found), default=0.0)
        if near and sure_width(seen, stages.detector) <= BYSTANDER * nearest:
            break
        shown = distinct(faces_in_parts(frame, stages.detector, side))
        found = distinct([*found, *_believed(frame, shown, stages, PRESENCE)])
        seen = side
    found = found or whole  # what the mesh doubts is told as covered or upside down
    for scale in SECOND_LOOKS:
        found = found or _look_again(frame, stages.detector, scale)
    return found


def _believed(frame: Frame, faces: list[Face], stages: Stages, least: float) -> list[Face]:
    """Those in which the mesh believes so far."""
    return [face for face in faces if stages.mesh.locate(frame, face).presence >= least]


def _look_again(frame: Frame, detector: Detector, scale: float) -> list[Face]:
    height, width = frame.pixels.shape[:2]
    side = round(scale * max(height, width))
    view = Square((width - 1) / 2, (height - 1) / 2, side)
    size = min(side, VIEW_PX)
    (pixel, _, left), (_, _, top) = view.to_frame(size).tolist()
    crop = Frame(view.crop(frame.pixels, size), frame.captured_at, frame.sequence)
    return [moved(face, left, top, pixel) for face in detector.detect(crop)]
