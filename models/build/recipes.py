"""Which file is made how."""

import json
from collections.abc import Callable
from pathlib import Path

from models.build import blazeface, convert, dlib, eyes, mobilefacenet, sources, texture
from models.build.graph import Graph

HERE = Path(__file__).parent

SHORT = (
    "face_detection/face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
)
FULL = (
    "face_detection/face_detection_full_range_sparse.tflite",
    "2c3728e6da56f21e21a320433396fb06d40d9088f2247c05e5635a688d45dfe1",
)
MESH = (
    "face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)
IRIS = (
    "iris_landmark/iris_landmark.tflite",
    "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
)


def _ranges(folder: str) -> dict[str, convert.Range]:
    return {
        name: (low, high)
        for name, (low, high) in json.loads((HERE / folder / "ranges.json").read_text()).items()
    }


# Model -> the bytes of its file.
RECIPES: dict[str, Callable[[], bytes]] = {
    "blazeface-short-float16": lambda: sources.mediapipe(*SHORT),
    "blazeface-short-int8": lambda: convert.int8(
        blazeface.load(sources.mediapipe(*SHORT)), 128, 128, _ranges("blazeface_int8")
    ),
    # Rebuilt: the sparse weights of the original make it half as fast.
    "blazeface-full-float16": lambda: convert.float16(Graph(sources.mediapipe(*FULL)), 192, 192),
    "face-mesh-float16": lambda: sources.mediapipe(*MESH),
    # Rebuilt: the original keeps float32 weights, twice the size.
    "iris-float16": lambda: convert.float16(Graph(sources.mediapipe(*IRIS)), 64, 64),
    "shut-eye-float16": lambda: convert.float16(eyes.load(), eyes.SIZE, eyes.SIZE),
    "texture-float16": lambda: convert.float16(texture.load(), texture.SIZE, texture.SIZE),
    "mobilefacenet-float16": lambda: convert.float16(mobilefacenet.load(), 112, 112),
    "mobilefacenet-int8": lambda: convert.int8(mobilefacenet.load(), 112, 112, _ranges("student")),
    # For the gate only, not shipped: 11 MB, a third of the speed and no gain.
    "dlib-resnet-float16": lambda: convert.float16(dlib.load(), 150, 150),
    "dlib-resnet-int8": lambda: convert.int8(dlib.load(), 150, 150, _ranges("dlib_resnet")),
}
