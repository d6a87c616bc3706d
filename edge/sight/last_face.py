"""The face of the last attempt, for `[mqtt] last_face`: in memory alone, until the next one."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import UsageError
from edge.wire.messages import LastFace

if TYPE_CHECKING:
    from edge.records import Evidence, Pixels

_JPEG_QUALITY = 85


class FaceKeeper:
    """Keeps one cut-out face, or none at all where that was not asked for."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._pixels: Pixels | None = None
        self.number = 0
        """Of the face that is kept; 0: there is none."""

    def keep(self, evidence: Evidence) -> None:
        """Take the face on which an attempt was decided."""
        if self._wanted and evidence.aligned is not None:
            self._pixels = evidence.aligned.pixels
            self.number += 1

    def show(self) -> LastFace:
        """The face that is kept.

        Raises:
            UsageError: there is none.
        """
        if self._pixels is None:
            why = "nobody has come yet" if self._wanted else "[mqtt] last_face is off"
            raise UsageError(f"there is no face to show: {why}")
        bgr = np.ascontiguousarray(self._pixels[:, :, ::-1])
        _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        return LastFace(base64.b64encode(jpeg.tobytes()).decode())
