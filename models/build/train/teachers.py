"""What two public teachers make of every face, once: EdgeFace-XS and w600k_mbf.

``python -m models.build.train.teachers --onnx DIR --faces faces.npy --crops crops.npz --out
vectors.npz`` writes ``edgeface`` and ``w600k``, ``(n, 512)`` unit vectors of the faces, and
``pairs_edgeface`` and ``pairs_w600k`` of the aligned pairs. DIR holds ``edgeface_xs.onnx`` and
``w600k_mbf.onnx``, input ``(n, 3, 112, 112)`` RGB, ``(x - 127.5) / 127.5``. A vector is the sum of
the two unit vectors of a face and its mirror image. With ``--known vectors.npz`` the vectors of the
first faces and of the pairs are taken from there.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
from rich.progress import track

from models.build.train import data

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEACHERS = {"edgeface": "edgeface_xs.onnx", "w600k": "w600k_mbf.onnx"}
BATCH = 16
SIZE = 512


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows at length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


class Teacher:
    """One network in onnxruntime."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the network for so many threads."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def _run(self, crops: data.Images) -> NDArray[np.float32]:
        x = (crops.astype(np.float32) - 127.5) / 127.5
        return unit(self._session.run(None, {self._input: x.transpose(0, 3, 1, 2)})[0])

    def vectors(self, crops: data.Images) -> NDArray[np.float16]:
        """Return unit vectors ``(n, 512)`` of 112x112 crops, the mirror image included."""
        rows = np.empty((len(crops), SIZE), np.float16)
        for i in track(range(0, len(crops), BATCH)):
            some = crops[i : i + BATCH]
            rows[i : i + BATCH] = unit(self._run(some) + self._run(some[:, :, ::-1]))
        return rows


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.teachers")
    parser.add_argument("--onnx", type=Path, required=True, help="folder of both networks")
    parser.add_argument("--faces", type=Path, required=True, help="decoded faces, .npy")
    parser.add_argument("--crops", type=Path, required=True, help="aligned LFW crops, .npz")
    parser.add_argument("--known", type=Path, help="vectors of the first of the faces, .npz")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    faces = np.load(options.faces, mmap_mode="r")
    found = {} if options.known is None else dict(np.load(options.known))
    for name, file in TEACHERS.items():
        teacher = Teacher(options.onnx / file, options.threads)
        before = found.get(name, np.empty((0, SIZE), np.float16))
        found[name] = np.concatenate([before, teacher.vectors(data.centre(faces[len(before) :]))])
        if f"pairs_{name}" not in found:
            with np.load(options.crops) as archive:
                found[f"pairs_{name}"] = teacher.vectors(archive["crops"])
    np.savez(options.out, **found)


if __name__ == "__main__":
    main()
