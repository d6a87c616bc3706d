"""Public networks that the student is held to: what they make of a crop, layer by layer.

Silent-Face-Anti-Spoofing's two (Minivision 2020, Apache-2.0) look at 2.7 and 4 face boxes,
face-antispoof-onnx (Apache-2.0) at 1.5. Their weights are no part of this project.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

FILES = ("face_antispoof_98.20", "minifasnet_v2_2.7_80x80", "minifasnet_v1se_4.0_80x80")
"""In the order of the student's crops."""
MAPS = (
    "/conv_23/project/conv/Conv_output_0",
    "/conv_3/model/model.3/Add_output_0",
    "/conv_34/project/conv/Conv_output_0",
    "/conv_4/model/model.5/Add_output_0",
    "/conv_45/project/conv/Conv_output_0",
    "/conv_5/model/model.1/Add_output_0",
)
"""One for each of the student's stages; all three are built alike."""
LAST = "/bn/BatchNormalization_output_0"


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one of them makes of `n` crops."""

    seen: list[Floats]
    """Its maps `(n, channels, h, w)` and its last layer `(n, 128)`."""
    odds: Floats
    """Log-odds of an attack `(n,)`."""


class Teacher:
    """One of them."""

    def __init__(self, folder: Path, number: int, maps: Sequence[str] = MAPS) -> None:
        """Load it, with more outputs than it has: these maps and its last layer."""
        file = onnx.load(folder / f"{FILES[number]}.onnx")
        for name in (*maps, LAST):
            more = onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
            file.graph.output.append(more)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(file.SerializeToString(), options)
        self._input = self._session.get_inputs()[0].name
        self._close = number == 0

    def __call__(self, crops: Floats) -> Answer:
        """Its answer to `(n, 3, side, side)` RGB 0-1."""
        given = crops if self._close else np.ascontiguousarray(crops[:, ::-1]) * 255
        logits, *seen = self._session.run(None, {self._input: given})
        if self._close:  # 1 is an attack
            return Answer(seen, logits[:, 1] - logits[:, 0])
        return Answer(seen, np.logaddexp(logits[:, 0], logits[:, 2]) - logits[:, 1])
