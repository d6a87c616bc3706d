"""Does a second camera see the face as well? A seam for infrared and depth.

A screen gives no near infrared and a flat picture has no depth, so a camera for either sees no face
where a film shows one. The rule is all there is: no such camera was at hand, and nothing was
measured with one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from typing_extensions import override

from edge.records import Frame
from edge.vision.faces.detector import Detector
from edge.vision.liveness.check import Check
from edge.vision.liveness.limits import BESIDE, UNSEEN
from edge.vision.models.entries import DetectorEntry

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.liveness.check import Answer, Load
    from edge.vision.liveness.views import View


class SecondCamera(Check):
    """Speaks against a face that the second camera does not see, or while that camera is away."""

    name = "second_camera"

    @override
    def __init__(self, load: Load) -> None:
        """Load the detector.

        Raises:
            ModelError: its file is missing, altered or of the wrong shape.
        """
        self._detector = Detector(load(DetectorEntry))

    @classmethod
    @override
    def wanted(cls, config: Config) -> bool:
        """See `Check`."""
        return super().wanted(config) and config.camera.second is not None

    @override
    def look(self, view: View) -> Answer:
        """See `Check`."""
        return partial(self._misses, view)

    def _misses(self, view: View) -> float:
        frame = view.frame
        if frame.beside is None:
            return UNSEEN
        least = BESIDE * view.face.box.width / frame.pixels.shape[1] * frame.beside.shape[1]
        faces = self._detector.detect(Frame(frame.beside, frame.captured_at, frame.sequence))
        return 0.0 if any(face.box.width >= least for face in faces) else UNSEEN
