"""May this face be judged at all, and what should the person change?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from edge.records import Hint, Quality

if TYPE_CHECKING:
    from edge.config.sections import QualitySection
    from edge.records import AlignedFace, Face, Landmarks

MIN_PRESENCE = 0.5
"""Below, the mesh itself does not believe in a face: covered, cut off, or none."""
_TOO_NEAR = 0.9  # of the frame's width


def assess(
    section: QualitySection, face: Face, landmarks: Landmarks, aligned: AlignedFace, frame_px: int
) -> Quality:
    """Judge one face.

    Args:
        section: The limits.
        face: In frame pixels.
        landmarks: Its mesh.
        aligned: Its aligned crop; sharpness and light are measured there.
        frame_px: Width of the frame.
    """
    grey = cv2.cvtColor(aligned.pixels, cv2.COLOR_RGB2GRAY)
    brightness = cv2.mean(grey)[0]
    edges = cv2.Laplacian(grey, cv2.CV_16S)
    # Its variance: cv2.meanStdDev takes seven times as long.
    sharpness = cv2.norm(edges, cv2.NORM_L2SQR) / edges.size - cv2.mean(edges)[0] ** 2
    width = face.box.width
    # The first that applies is what the person is told.
    findings = (
        (landmarks.presence < MIN_PRESENCE, Hint.UNCOVER_FACE),
        (width < section.min_face_px, Hint.COME_CLOSER),
        (width > _TOO_NEAR * frame_px, Hint.STEP_BACK),
        (brightness < section.min_brightness, Hint.MORE_LIGHT),
        (brightness > section.max_brightness, Hint.LESS_LIGHT),
        (abs(landmarks.yaw) > section.max_yaw_deg, Hint.FACE_CAMERA),
        (abs(landmarks.pitch) > section.max_pitch_deg, Hint.FACE_CAMERA),
        (sharpness < section.min_sharpness, Hint.HOLD_STILL),
    )
    hint = next((hint for applies, hint in findings if applies), Hint.NONE)
    return Quality(hint is Hint.NONE, hint, width, sharpness, brightness)
