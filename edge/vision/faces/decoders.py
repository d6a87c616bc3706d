"""Detector outputs to boxes and keypoints: one class for each way in which networks state them.

A decoder gives rows of 4 + 2k numbers: left, top, right, bottom, then k keypoints (right eye, left
eye, nose tip, mouth centre, and where the network knows them right and left ear), in the input
square, 0-1; and their scores, 0-1. Only what reaches `min_score` is returned: a handful, so lists.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.vision.models.entries import BlazeFaceOutput, RetinaFaceOutput, SsdOutput, YuNetOutput

if TYPE_CHECKING:
    from edge.records import Floats
    from edge.vision.models.entries import DetectorOutput

    Outputs = dict[str, Floats]
    Candidates = tuple[list[list[float]], list[float]]

_UNIFORM_FACE = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.5, 0.8)], np.float32)
"""Keypoints in an upright face's box, for networks that give none."""
_BLAZEFACE_POINTS = 6


class Decoder(Protocol):
    """Reads the outputs of one family of detectors."""

    def __call__(self, out: Outputs) -> Candidates:
        """Rows and scores of the candidates."""


class BlazeFace:
    """Offsets from anchor centres (Bazarevsky et al. 2019, arXiv:1907.05047)."""

    def __init__(self, spec: BlazeFaceOutput, size: int) -> None:
        self._clip = spec.score_clip
        self._min_logit = math.log(spec.min_score) - math.log1p(-spec.min_score)
        grids = [_grid(size, cells.stride, cells.per_cell) for cells in spec.anchors]
        centres = np.concatenate(grids)
        self._anchors = np.tile(centres, 2 + _BLAZEFACE_POINTS)
        self._anchors[:, 2:4] = 0  # a size is from nowhere
        self._scale = np.float32(spec.scale)

    def __call__(self, out: Outputs) -> Candidates:
        """Sigmoid scores; boxes by centre and size."""
        logits = out["scores"][:, 0]
        (keep,) = (logits >= self._min_logit).nonzero()
        found = (max(-self._clip, min(logit, self._clip)) for logit in logits[keep].tolist())
        scores = [1.0 / (1.0 + math.exp(-logit)) for logit in found]
        said = out["boxes"].take(keep, axis=0) / self._scale + self._anchors.take(keep, axis=0)
        rows = [
            [x - width / 2, y - height / 2, x + width / 2, y + height / 2, *points]
            for x, y, width, height, *points in said.tolist()
        ]
        return rows, scores


class YuNet:
    """One cell, one face, on three grids (Wu et al. 2023, Machine Intelligence Research 20)."""

    def __init__(self, spec: YuNetOutput, size: int) -> None:
        self._min_score = spec.min_score
        self._size = size
        self._corners = {
            stride: _grid(size, stride, 1) * size - stride / 2 for stride in spec.strides
        }

    def __call__(self, out: Outputs) -> Candidates:
        """The score is the geometric mean of two; the boxes' sizes are logarithms of cells."""
        rows, scores = [], []
        for stride, corners in self._corners.items():
            both = np.clip(out[f"class_{stride}"], 0, 1) * np.clip(out[f"object_{stride}"], 0, 1)
            score = np.sqrt(both[:, 0])
            keep = np.flatnonzero(score >= self._min_score)
            corner, box = corners[keep], out[f"boxes_{stride}"][keep]
            points = out[f"points_{stride}"][keep].reshape(-1, 5, 2) * stride + corner[:, None]
            centre = box[:, :2] * stride + corner
            size = np.exp(box[:, 2:]) * stride
            rows.append(_rows(centre, size, _with_mouth(points)) / self._size)
            scores.append(score[keep])
        return np.concatenate(rows).tolist(), np.concatenate(scores).tolist()


class RetinaFace:
    """Offsets from two square priors a cell (Deng et al. 2020, CVPR), one-stage exports."""

    def __init__(self, spec: RetinaFaceOutput, size: int) -> None:
        self._min_score = spec.min_score
        centres, sides = [], []
        for priors in spec.anchors:
            grid = _grid(size, priors.stride, len(priors.sides))
            centres.append(grid)
            sides.append(np.tile(priors.sides, len(grid) // len(priors.sides)) / size)
        self._centres = np.concatenate(centres)
        self._sides = np.concatenate(sides)[:, None].astype(np.float32)
        self._near, self._far = spec.variances

    def __call__(self, out: Outputs) -> Candidates:
        """Scores are probabilities of background and face."""
        scores = out["scores"][:, 1]
        keep = np.flatnonzero(scores >= self._min_score)
        centres, sides, boxes = self._centres[keep], self._sides[keep], out["boxes"][keep]
        reach = self._near * sides
        points = centres[:, None] + out["points"][keep].reshape(-1, 5, 2) * reach[:, None]
        size = sides * np.exp(self._far * boxes[:, 2:])
        rows = _rows(centres + boxes[:, :2] * reach, size, _with_mouth(points))
        return rows.tolist(), scores[keep].tolist()


class Ssd:
    """Finished detections (Liu et al. 2016): image, label, score, left, top, right, bottom."""

    def __init__(self, spec: SsdOutput) -> None:
        self._min_score = spec.min_score

    def __call__(self, out: Outputs) -> Candidates:
        """The network gives no keypoints: the face is taken to be upright."""
        found = out["found"].reshape(-1, 7)
        found = found[found[:, 2] >= self._min_score]
        low, high = found[:, 3:5], found[:, 5:7]
        points = low[:, None] + _UNIFORM_FACE * (high - low)[:, None]
        return _rows((low + high) / 2, high - low, points).tolist(), found[:, 2].tolist()


def decoder_of(spec: DetectorOutput, size: int) -> Decoder:
    """Reader of a detector's outputs; `size` is the side of its input square, pixels."""
    if isinstance(spec, BlazeFaceOutput):
        return BlazeFace(spec, size)
    if isinstance(spec, YuNetOutput):
        return YuNet(spec, size)
    if isinstance(spec, RetinaFaceOutput):
        return RetinaFace(spec, size)
    return Ssd(spec)


def _grid(size: int, stride: int, per_cell: int) -> Floats:
    """`(n, 2)` centres (x, y) of a grid's cells, 0-1, row by row, each `per_cell` times."""
    cells = size // stride
    middles = (np.arange(cells, dtype=np.float32) + 0.5) / cells
    y, x = np.meshgrid(middles, middles, indexing="ij")
    return np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0)


def _with_mouth(points: Floats) -> Floats:
    """Eyes, nose and both mouth corners `(n, 5, 2)` to eyes, nose and the mouth's centre."""
    mouth = points[:, 3:5].mean(axis=1, keepdims=True)
    return np.concatenate([points[:, :3], mouth], axis=1)


def _rows(centre: Floats, size: Floats, points: Floats) -> Floats:
    half = size / 2
    corners = np.concatenate([centre - half, centre + half], axis=1)
    return np.concatenate([corners, points.reshape(-1, 2 * points.shape[1])], axis=1)
