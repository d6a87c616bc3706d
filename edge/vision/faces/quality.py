"""May this face be judged at all, may it become a template, and what should the person change?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import Hint, Quality
from edge.vision.faces import limits
from edge.vision.faces.aligner import grey_of

if TYPE_CHECKING:
    from edge.config.seeing import QualitySection
    from edge.records import AlignedFace, Face, Floats, Landmarks, Pixels

# On ArcFace's 112x112 template: rows and columns of each eye, of the cheek below it, of the face.
_EYES = (np.s_[46:58, 29:47], np.s_[46:58, 64:82])
_CHEEKS = (np.s_[68:80, 27:41], np.s_[68:80, 71:85])
_FACE = np.s_[20:100, 20:92]
_OPEN_QUARTER = 75
"""Percentile of an eye's brightness: skin and white of the eye, not lashes and brow."""
_LEAST_VARIANCE = 25.0


def assess(
    section: QualitySection, face: Face, landmarks: Landmarks, grey: Pixels, frame_px: int
) -> Quality:
    """Judge one face.

    Args:
        section: The limits.
        face: In frame pixels.
        landmarks: Its mesh.
        grey: Its aligned crop by `grey_of`; sharpness and light are measured there.
        frame_px: Width of the frame.
    """
    brightness = cv2.mean(grey)[0]
    edges = cv2.Laplacian(grey, cv2.CV_16S)
    # Its variance, since its mean is nothing: cv2.meanStdDev takes ten times as long.
    sharpness = cv2.norm(edges, cv2.NORM_L2SQR) / edges.size
    width = face.box.width
    # The first that applies is what the person is told.
    findings = (
        (landmarks.presence < limits.MIN_PRESENCE, Hint.UNCOVER_FACE),
        (width < section.min_face_px, Hint.COME_CLOSER),
        (width > limits.TOO_NEAR * frame_px, Hint.STEP_BACK),
        (brightness < section.min_brightness, Hint.MORE_LIGHT),
        (brightness > section.max_brightness, Hint.LESS_LIGHT),
        (abs(landmarks.yaw) > section.max_yaw_deg, Hint.FACE_CAMERA),
        (abs(landmarks.pitch) > section.max_pitch_deg, Hint.FACE_CAMERA),
        (sharpness < section.min_sharpness, Hint.HOLD_STILL),
    )
    hint = next((hint for applies, hint in findings if applies), Hint.NONE)
    return Quality(hint is Hint.NONE, hint, width, sharpness, brightness)


def assess_for_enrolment(quality: Quality, landmarks: Landmarks, aligned: AlignedFace) -> Quality:
    """What a template needs beyond what a probe needs.

    Strangers whose faces are covered, blurred or upside down in the same way resemble each other:
    against good templates that lets nobody in, and so no such face may become one.

    Args:
        quality: By `assess`.
        landmarks: The mesh.
        aligned: On ArcFace's template, 112 pixels wide.
    """
    if not quality.ok:
        return quality
    grey = grey_of(aligned).astype(np.float32)
    findings = (
        (quality.face_px < limits.ENROL_FACE_PX, Hint.COME_CLOSER),
        (quality.sharpness < limits.ENROL_SHARPNESS, Hint.HOLD_STILL),
        (_steadiness(grey) < limits.ENROL_STEADINESS, Hint.HOLD_STILL),
        (landmarks.presence < limits.ENROL_PRESENCE, Hint.UNCOVER_FACE),
        (_brightness_of_eyes(grey) < limits.ENROL_EYES, Hint.UNCOVER_FACE),
    )
    hint = next((hint for applies, hint in findings if applies), Hint.NONE)
    return Quality(hint is Hint.NONE, hint, quality.face_px, quality.sharpness, quality.brightness)


def _brightness_of_eyes(grey: Floats) -> float:
    """Of the brighter eye, in brightnesses of the cheeks: near 0 behind black glasses."""
    eyes = max(float(np.percentile(grey[eye], _OPEN_QUARTER)) for eye in _EYES)
    cheeks = sum(float(grey[cheek].mean()) for cheek in _CHEEKS) / len(_CHEEKS)
    return eyes / (cheeks + 1)


def _steadiness(grey: Floats) -> float:
    """Curvature across or along the face, whichever is less: motion wipes out one of them."""
    face = np.ascontiguousarray(grey[_FACE])
    across, along = (cv2.Sobel(face, cv2.CV_32F, *order) for order in ((2, 0), (0, 2)))
    least = min(float((across**2).mean()), float((along**2).mean()))
    return least / (float(face.var()) + _LEAST_VARIANCE)
