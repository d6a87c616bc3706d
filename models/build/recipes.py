"""Which file is made how."""

import json
from collections.abc import Callable
from pathlib import Path

from models.build import blazeface, convert, dlib, eyes, mobilefacenet, pixels, sources
from models.build.convert import both_ways
from models.build.eyelids import network as eyelids
from models.build.graph import Graph
from models.build.recapture import network as recapture
from models.build.skin import network as skin
from models.build.surroundings import network as surroundings

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


def _float16(
    network: convert.Network, shape: convert.Shape, std: float, mean: float = 0.0
) -> bytes:
    return pixels.eaten(convert.float16(network, shape), std, mean)


def _mobilefacenet() -> convert.Network:
    return both_ways(mobilefacenet.load())


def _face_float16(network: convert.Network) -> bytes:
    return _float16(network, _FACE, mobilefacenet.STD, mobilefacenet.MEAN)


def _dlib() -> convert.Network:
    return both_ways(dlib.load())


_EYES = (2, eyelids.SIZE, eyelids.SIZE)
_FACE = (1, 112, 112)
_VIEWS = (len(recapture.SCALES), recapture.SIZE, recapture.SIZE)
_AROUND = (1, surroundings.SIZE, surroundings.SIZE)
_SKIN = (len(skin.TOWERS), skin.SIZE, skin.SIZE)

# Model -> the bytes of its file. All take pixels as they are; those for eyes take both eyes.
RECIPES: dict[str, Callable[[], bytes]] = {
    "blazeface-short-float16": lambda: pixels.eaten(sources.mediapipe(*SHORT), 127.5, 127.5),
    "blazeface-short-int8": lambda: convert.int8(
        blazeface.load(sources.mediapipe(*SHORT)), (1, 128, 128), _ranges("blazeface_int8")
    ),
    # Rebuilt: the sparse weights of the original make it half as fast.
    "blazeface-full-float16": lambda: _float16(
        Graph(sources.mediapipe(*FULL)), (1, 192, 192), 127.5, 127.5
    ),
    "face-mesh-float16": lambda: pixels.eaten(sources.mediapipe(*MESH), 255),
    "eyelids-int8": lambda: convert.int8(eyelids.load(), _EYES, _ranges("eyelids")),
    # For the gate only, not shipped: slower.
    "eyelids-float16": lambda: _float16(eyelids.load(), _EYES, 255),
    # The eyelid network's two teachers, not shipped.
    "iris-float16": lambda: _float16(Graph(sources.mediapipe(*IRIS)), (2, 64, 64), 255),
    "shut-eye-float16": lambda: _float16(eyes.load(), (2, eyes.SIZE, eyes.SIZE), 255),
    "recapture-int8": lambda: convert.int8(recapture.load(), _VIEWS, _ranges("recapture")),
    # For the gate only, not shipped: twice the size and slower.
    "recapture-float16": lambda: _float16(recapture.load(), _VIEWS, 255),
    "surroundings-int8": lambda: convert.int8(
        surroundings.load(), _AROUND, _ranges("surroundings")
    ),
    # Likewise for the gate only.
    "surroundings-float16": lambda: _float16(surroundings.load(), _AROUND, 255),
    "skin-int8": lambda: convert.int8(skin.load(), _SKIN, _ranges("skin")),
    # Likewise.
    "skin-float16": lambda: _float16(skin.load(), _SKIN, 255),
    "mobilefacenet-float16": lambda: _face_float16(_mobilefacenet()),
    "mobilefacenet-int8": lambda: convert.int8(_mobilefacenet(), _FACE, _ranges("student")),
    # For the gate only, not shipped.
    "mobilefacenet-256-float16": lambda: _face_float16(
        mobilefacenet.load(mobilefacenet.STUDENT_256)
    ),
    # One look: taught what both mirror images say, it gains nothing from the other one.
    "mobilefacenet-256-int8": lambda: convert.int8(
        mobilefacenet.load(mobilefacenet.STUDENT_256), _FACE, _ranges("student_256")
    ),
    # For the gate only, not shipped: 11 MB, a third of the speed and no gain.
    "dlib-resnet-float16": lambda: _float16(_dlib(), (1, 150, 150), float(dlib.STD)),
    "dlib-resnet-int8": lambda: convert.int8(_dlib(), (1, 150, 150), _ranges("dlib_resnet")),
}
