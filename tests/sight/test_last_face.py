"""The face of the last attempt: one, in memory, where it was asked for."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from edge.errors import UsageError
from edge.records import AlignedFace, Evidence
from edge.sight.last_face import FaceKeeper
from edge.wire.channel import MAX_PACKET
from edge.wire.codec import encode

RED = np.zeros((112, 112, 3), np.uint8)
RED[:, :, 0] = 200
NOISE = np.random.default_rng(1).integers(0, 256, (112, 112, 3), dtype=np.uint8)


def evidence(face: AlignedFace | None) -> Evidence:
    return Evidence(captured_at=1.0, sequence=1, faces=1, aligned=face)


def test_the_newest_face_alone_is_kept() -> None:
    keeper = FaceKeeper(wanted=True)
    for number, pixels in enumerate((NOISE, RED), start=1):
        keeper.keep(evidence(AlignedFace(pixels)))
        assert keeper.number == number
    keeper.keep(evidence(None))
    assert keeper.number == 2
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(keeper.show().jpeg), np.uint8), 1)
    assert shown.shape == (112, 112, 3)
    assert np.abs(shown[:, :, ::-1].astype(int) - RED).max() < 8


def test_the_worst_picture_fits_a_packet() -> None:
    keeper = FaceKeeper(wanted=True)
    keeper.keep(evidence(AlignedFace(NOISE)))
    assert len(encode(keeper.show())) < MAX_PACKET


def test_without_being_asked_for_nothing_is_kept() -> None:
    keeper = FaceKeeper(wanted=False)
    keeper.keep(evidence(AlignedFace(RED)))
    assert keeper.number == 0
    with pytest.raises(UsageError, match="last_face is off"):
        keeper.show()
