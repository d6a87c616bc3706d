"""Detectors that always find the same faces, with the true outputs of three families."""

import math
from pathlib import Path

import numpy as np

from tests.support.tiny_models import answering

Centred = tuple[float, float, float, float]
"""A face: x and y of the centre, width and height, in input pixels."""


def yunet(path: Path, side: int, faces: list[Centred]) -> Path:
    """Twelve tensors: cls, obj, bbox and kps, each at strides 8, 16 and 32."""
    answers = []
    for stride in (8, 16, 32):
        cells = (side // stride) ** 2
        sure, box, points = (
            np.zeros((1, cells, 1)),
            np.zeros((1, cells, 4)),
            np.zeros((1, cells, 10)),
        )
        for x, y, width, height in faces if stride == 16 else []:
            cell = int(y // stride) * (side // stride) + int(x // stride)
            left, top = x // stride * stride, y // stride * stride
            sure[0, cell] = 0.99
            box[0, cell] = (
                (x - left) / stride,
                (y - top) / stride,
                math.log(width / stride),
                math.log(height / stride),
            )
        answers += [sure, sure, box, points]
    return answering(path, (1, side, side, 3), answers)


def retinaface(path: Path, side: int, faces: list[Centred]) -> Path:
    """Three tensors over two priors a cell at strides 8, 16 and 32."""
    priors = [
        ((column + 0.5) * stride, (row + 0.5) * stride, prior)
        for stride, sides in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
        for row in range(side // stride)
        for column in range(side // stride)
        for prior in sides
    ]
    boxes, scores = np.zeros((1, len(priors), 4)), np.zeros((1, len(priors), 2))
    scores[0, :, 0] = 1.0
    for x, y, width, height in faces:
        nearest = min(
            range(len(priors)),
            key=lambda n: abs(priors[n][0] - x) + abs(priors[n][1] - y) + abs(priors[n][2] - width),
        )
        across, down, prior = priors[nearest]
        scores[0, nearest] = (0.01, 0.99)
        boxes[0, nearest] = (
            (x - across) / (0.1 * prior),
            (y - down) / (0.1 * prior),
            math.log(width / prior) / 0.2,
            math.log(height / prior) / 0.2,
        )
    points = np.zeros((1, len(priors), 10))
    return answering(path, (1, side, side, 3), [boxes, scores, points])


def ssd(path: Path, side: int, faces: list[Centred]) -> Path:
    """One tensor: 200 rows of image, label, score and the box's corners, 0-1."""
    found = np.zeros((1, 1, 200, 7))
    for row, (x, y, width, height) in enumerate(faces):
        corners = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2]) / side
        found[0, 0, row] = (0, 1, 0.99, *corners)
    return answering(path, (1, side, side, 3), [found])


DETECTORS = {"yunet": yunet, "retinaface": retinaface, "ssd": ssd}
