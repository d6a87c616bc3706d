"""Faces in a frame."""

from __future__ import annotations

from operator import mul
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import Box, Face
from edge.vision.faces.decoders import decoder_of
from edge.vision.faces.geometry import halved

if TYPE_CHECKING:
    from edge.records import Frame, Pixels
    from edge.vision.models.entries import DetectorEntry
    from edge.vision.models.model import Model


class Detector:
    """A single-shot detector: letterbox, network, decoder, non-maximum suppression."""

    def __init__(self, model: Model[DetectorEntry]) -> None:
        self._model = model
        self.size = model.size[0]
        """Side of the square that the network is shown, pixels."""
        self._min_overlap = model.entry.output.min_overlap
        self._decode = decoder_of(model.entry.output, self.size)

    def detect(self, frame: Frame) -> list[Face]:
        """All faces, best first, in frame pixels."""
        height, width = frame.pixels.shape[:2]
        side = max(height, width)
        # A strip is at least one pixel thin.
        w, h = (max(1, round(length * self.size / side)) for length in (width, height))
        x, y = (self.size - w) // 2, (self.size - h) // 2

        def letterbox(square: Pixels) -> None:
            square[...] = 0
            within = square[y : y + h, x : x + w]
            cv2.resize(_shrunk(frame.pixels, w, h), (w, h), within, interpolation=cv2.INTER_LINEAR)

        self._model.draw(letterbox)
        rows, scores = self._decode(self._model.compute())
        faces = _merge(rows, scores, self._min_overlap)
        pixel = side / self.size
        return [_face(row, score, side, -x * pixel, -y * pixel) for row, score in faces]


def _shrunk(pixels: Pixels, width: int, height: int) -> Pixels:
    """Shrunk in whole steps, which is quick, until less than two pixels of a side make one."""
    if pixels.shape[1] >= 4 * width and pixels.shape[0] >= 4 * height:
        across, down = pixels.shape[1] // 4, pixels.shape[0] // 4
        # Of four rows two tell enough, and reading the frame is most of the work. On ARM OpenCV is
        # quick at the mean of 2x2 pixels and between two; that of 4x2 takes four times as long.
        pixels = cv2.resize(pixels[::2], (2 * across, down), interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(pixels, (across, down), interpolation=cv2.INTER_LINEAR)
    return halved(pixels, width, height)


def _merge(
    rows: list[list[float]], scores: list[float], min_overlap: float
) -> list[tuple[list[float], float]]:
    """Weighted non-maximum suppression: overlapping candidates average into one face."""
    boxes = [Box(x, y, right - x, bottom - y) for x, y, right, bottom, *_ in rows]
    left = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
    faces = []
    while left:
        best = left[0]
        # A candidate belongs to its own face even when its box is degenerate.
        face = [i for i in left if i == best or boxes[i].iou(boxes[best]) > min_overlap]
        mean = _mean([rows[i] for i in face], [scores[i] for i in face])
        faces.append((mean, scores[best]))
        left = [i for i in left if i not in face]
    return faces


def _mean(rows: list[list[float]], weights: list[float]) -> list[float]:
    total = sum(weights)
    return [sum(map(mul, weights, column)) / total for column in zip(*rows, strict=True)]


def _face(row: list[float], score: float, scale: float, left: float, top: float) -> Face:
    """`row` in frame pixels."""
    x = [left + value * scale for value in row[::2]]
    y = [top + value * scale for value in row[1::2]]
    keypoints = np.array([x[2:], y[2:]], np.float32).T
    return Face(Box(x[0], y[0], x[1] - x[0], y[1] - y[0]), keypoints, score)
