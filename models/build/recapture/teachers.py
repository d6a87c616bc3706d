"""What public networks make of a face: the answers that the student is held to.

Silent-Face-Anti-Spoofing's two networks (Minivision 2020, Apache-2.0) look at 2.7 and 4 face boxes,
face-antispoof-onnx (Apache-2.0) at 1.5. Their weights are no part of this project.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import onnx
import onnxruntime

from models.build.recapture.pool import crops_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.records import Box
    from models.build.images import Pixels
    from models.build.recapture.data import Face

    Floats = NDArray[np.float32]

FILES = ("face_antispoof_98.20", "minifasnet_v2_2.7_80x80", "minifasnet_v1se_4.0_80x80")
"""In the order of the student's crops."""
_LAST = "/bn/BatchNormalization_output_0"
_CLOSE, _CLOSE_PX = 1.5, 128
BATCH = 64


class Teacher:
    """One of them: what its last layer sees, and its logits."""

    def __init__(self, path: Path) -> None:
        """Load it, with one more output."""
        file = onnx.load(path)
        seen = onnx.helper.make_tensor_value_info(_LAST, onnx.TensorProto.FLOAT, None)
        file.graph.output.append(seen)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(file.SerializeToString(), options)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, pictures: Floats) -> tuple[Floats, Floats]:
        """Logits and the last layer of `(n, h, w, 3)` pictures."""
        logits, seen = self._session.run(None, {self._input: pictures.transpose(0, 3, 1, 2).copy()})
        return logits, seen


def answers(folder: Path, faces: Sequence[Face]) -> tuple[Floats, Floats, Floats]:
    """Of every face: log-odds of an attack, and what the last layers see.

    Returns:
        The sum of the two that see whole frames `(n,)`; the one that sees the face alone `(n,)`;
        and `(n, 3, 128)` in the order of the student's crops, each number of mean 0 and
        deviation 1.
    """
    close, near, far = (Teacher(folder / f"{name}.onnx") for name in FILES)
    odds, alone, seen = [], [], []
    for first in range(0, len(faces), BATCH):
        some = [(face.pixels, face.box) for face in faces[first : first + BATCH]]
        crops = np.stack([crops_of(*one) for one in some])[..., ::-1].astype(np.float32)
        tight = np.stack([_close(*one) for one in some]).astype(np.float32) / 255
        by = [close(tight), near(crops[:, 1]), far(crops[:, 2])]
        odds.append(sum(_attack(logits) for logits, _ in by[1:]))
        alone.append(by[0][0][:, 1] - by[0][0][:, 0])
        seen.append(np.stack([last for _, last in by], 1))
    layers = np.concatenate(seen)
    spread = layers.std(axis=0) + 1e-3
    standard = ((layers - layers.mean(axis=0)) / spread).astype(np.float32)
    return np.concatenate(odds), np.concatenate(alone), standard


def _attack(logits: Floats) -> Floats:
    """Log-odds of Minivision's three: 1 is a real face."""
    attack = np.logaddexp(logits[:, 0], logits[:, 2])
    return np.asarray(attack - logits[:, 1], np.float32)


def _close(pixels: Pixels, box: Box) -> Pixels:
    """A square of 1.5 boxes, reflected beyond the picture."""
    (x, y), side = box.centre, round(_CLOSE * box.width)
    left, top = round(x - side / 2), round(y - side / 2)
    height, width = pixels.shape[:2]
    beyond = max(0, -left, -top, left + side - width, top + side - height)
    edge = min(beyond, height - 1, width - 1)
    sides = (edge, edge, edge, edge)
    wide = cv2.copyMakeBorder(pixels, *sides, cv2.BORDER_REFLECT_101)
    crop = wide[max(0, top + edge) :, max(0, left + edge) :][:side, :side]
    way = cv2.INTER_AREA if side > _CLOSE_PX else cv2.INTER_LANCZOS4
    return np.asarray(cv2.resize(crop, (_CLOSE_PX, _CLOSE_PX), interpolation=way), np.uint8)
