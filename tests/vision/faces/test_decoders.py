"""Detections written down as each family of networks does it, and read back."""

import numpy as np
import pytest

from edge.vision.faces.decoders import RetinaFace, Ssd, YuNet, decoder_of
from edge.vision.models.entries import Priors, RetinaFaceOutput, SsdOutput, YuNetOutput

SIZE = 320
SSD = SsdOutput(decoder="ssd", min_score=0.5, min_overlap=0.4)
BOX = np.array([96.0, 80.0, 176.0, 192.0], np.float32)  # left, top, right, bottom
FIVE = np.array([(120, 110), (150, 112), (136, 130), (122, 160), (150, 158)], np.float32)
FOUR = np.vstack([FIVE[:3], FIVE[3:].mean(axis=0)])
CENTRE, SIDES = (BOX[:2] + BOX[2:]) / 2, BOX[2:] - BOX[:2]


def check(rows: list[list[float]], scores: list[float], score: float) -> None:
    (row,) = np.array(rows) * SIZE
    np.testing.assert_allclose(row[:4], BOX, atol=1e-3)
    np.testing.assert_allclose(row[4:].reshape(4, 2), FOUR, atol=1e-3)
    assert scores == pytest.approx([score])


def test_yunet() -> None:
    strides = (8, 16, 32)
    spec = YuNetOutput(decoder="yunet", strides=strides, min_score=0.6, min_overlap=0.3)
    out = {}
    for stride in strides:
        cells = (SIZE // stride) ** 2
        for name, numbers in (("class", 1), ("object", 1), ("boxes", 4), ("points", 10)):
            out[f"{name}_{stride}"] = np.zeros((cells, numbers), np.float32)
    stride = 16
    column, row = (CENTRE // stride).astype(int)
    cell, corner = row * (SIZE // stride) + column, np.array([column, row]) * stride
    out["class_16"][cell], out["object_16"][cell] = 0.9, 0.64
    out["boxes_16"][cell, :2] = (CENTRE - corner) / stride
    out["boxes_16"][cell, 2:] = np.log(SIDES / stride)
    out["points_16"][cell] = ((FIVE - corner) / stride).ravel()
    check(*YuNet(spec, SIZE)(out), float(np.sqrt(0.9 * 0.64)))


def test_retinaface() -> None:
    small = Priors(stride=8, sides=(16, 32)), Priors(stride=16, sides=(64, 128))
    spec = RetinaFaceOutput(
        decoder="retinaface",
        variances=(0.1, 0.2),
        min_score=0.6,
        min_overlap=0.4,
        anchors=(*small, Priors(stride=32, sides=(256, 512))),
    )
    count = sum((SIZE // grid.stride) ** 2 * 2 for grid in spec.anchors)
    out = {
        "boxes": np.zeros((count, 4), np.float32),
        "scores": np.tile(np.array([1, 0], np.float32), (count, 1)),
        "points": np.zeros((count, 10), np.float32),
    }
    column, row = (CENTRE // 16).astype(int)
    prior = (SIZE // 8) ** 2 * 2 + (row * (SIZE // 16) + column) * 2 + 1  # the side of 128
    middle = (np.array([column, row]) + 0.5) * 16
    out["scores"][prior] = 0.2, 0.8
    out["boxes"][prior, :2] = (CENTRE - middle) / 128 / 0.1
    out["boxes"][prior, 2:] = np.log(SIDES / 128) / 0.2
    out["points"][prior] = ((FIVE - middle) / 128 / 0.1).ravel()
    check(*RetinaFace(spec, SIZE)(out), 0.8)


def test_ssd_faces_are_taken_to_be_upright() -> None:
    found = np.zeros((1, 5, 7), np.float32)
    found[0, 2] = [0, 1, 0.7, *(BOX / SIZE)]
    rows, scores = Ssd(SSD)({"found": found})
    assert scores == pytest.approx([0.7])
    (row,) = np.array(rows)
    np.testing.assert_allclose(row[:4] * SIZE, BOX, atol=1e-3)
    right_eye, left_eye = row[4:].reshape(4, 2)[:2]
    assert right_eye[1] == left_eye[1]
    assert row[0] < right_eye[0] < left_eye[0] < row[2]


def test_nothing_found_is_no_row() -> None:
    rows, scores = decoder_of(SSD, SIZE)({"found": np.zeros((1, 4, 7), np.float32)})
    assert not rows
    assert not scores
