"""Faces in a frame: BlazeFace (Bazarevsky et al. 2019, arXiv:1907.05047)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.records import Box, Face

if TYPE_CHECKING:
    from edge.records import Floats, Frame, Pixels
    from edge.sight.tflite import Model


class Detector:
    """An anchor-based single-shot detector with six keypoints a face."""

    def __init__(self, model: Model) -> None:
        self._model = model
        spec = model.entry.output
        self._scale = float(spec["scale"])
        self._clip = float(spec["score_clip"])
        self._min_score = float(spec["min_score"])
        self._min_overlap = float(spec["min_overlap"])
        self._anchors = _anchor_centres(model.size[0], spec["anchors"])

    def detect(self, frame: Frame) -> list[Face]:
        """All faces, best first, in frame pixels."""
        square, scale, left, top = _letterbox(frame.pixels, self._model.size[0])
        out = self._model.run(square)
        logits = np.clip(out["scores"][:, 0], -self._clip, self._clip)
        scores = 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))
        keep = np.flatnonzero(scores >= self._min_score)
        if not keep.size:
            return []
        rows = self._decode(out["boxes"][keep], self._anchors[keep])
        origin = np.array([left, top], dtype=np.float32)
        faces = _merge(rows, scores[keep], self._min_overlap)
        return [_face(row, score, scale, origin) for row, score in faces]

    def _decode(self, raw: Floats, anchors: Floats) -> Floats:
        """`(n, 16)`: left, top, right, bottom, then six keypoints, in the square, 0-1."""
        points = raw.reshape(-1, 8, 2) / self._scale
        half = points[:, 1] / 2
        centre = points[:, 0] + anchors
        keypoints = points[:, 2:] + anchors[:, None]
        corners = np.stack([centre - half, centre + half], axis=1)
        return np.concatenate([corners, keypoints], axis=1).reshape(-1, 16)


def _anchor_centres(size: int, layers: list[dict[str, Any]]) -> Floats:
    """`(n, 2)` centres (x, y) of the anchors, 0-1, row by row and layer by layer."""
    centres = []
    for layer in layers:
        cells = size // int(layer["stride"])
        grid = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(grid, grid, indexing="ij")
        layer_centres = np.stack([x.ravel(), y.ravel()], axis=1)
        centres.append(np.repeat(layer_centres, int(layer["per_cell"]), axis=0))
    return np.concatenate(centres)


def _letterbox(pixels: Pixels, size: int) -> tuple[Pixels, float, float, float]:
    """Fit the frame into a black square; also the square's side and corner in frame pixels."""
    height, width = pixels.shape[:2]
    side = max(height, width)
    w, h = round(width * size / side), round(height * size / side)
    square = np.zeros((size, size, 3), dtype=np.uint8)
    x, y = (size - w) // 2, (size - h) // 2
    square[y : y + h, x : x + w] = cv2.resize(pixels, (w, h), interpolation=cv2.INTER_AREA)
    pixel = side / size
    return square, float(side), -x * pixel, -y * pixel


def _merge(rows: Floats, scores: Floats, min_overlap: float) -> list[tuple[Floats, float]]:
    """Weighted non-maximum suppression: overlapping candidates average into one face."""
    order = np.argsort(-scores)
    faces = []
    while order.size:
        overlap = _ious(rows[order[0]], rows[order])
        overlap[0] = 1.0  # a candidate belongs to its own face even when its box is degenerate
        cluster = order[overlap > min_overlap]
        weights = scores[cluster] / scores[cluster].sum()
        faces.append((weights @ rows[cluster], float(scores[order[0]])))
        order = order[overlap <= min_overlap]
    return faces


def _ious(box: Floats, others: Floats) -> Floats:
    low = np.maximum(box[:2], others[:, :2])
    high = np.minimum(box[2:4], others[:, 2:4])
    inter = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(others[:, 2:4] - others[:, :2], axis=1)
    union = np.prod(box[2:4] - box[:2]) + area - inter
    return np.asarray(inter / np.maximum(union, 1e-9), dtype=np.float32)


def _face(row: Floats, score: float, scale: float, origin: Floats) -> Face:
    points = row.reshape(8, 2) * scale + origin
    (left, top), (right, bottom) = points[0], points[1]
    box = Box(float(left), float(top), float(right - left), float(bottom - top))
    return Face(box, points[2:].astype(np.float32), score)
