"""BlazeFace for int8: spread its channels, then fine-tune against itself.

Quantized as it is, BlazeFace loses its boxes: within one activation some channels reach a hundred
times further than others, and anchors without a face put out numbers in the ten thousands. So

1. channels are scaled against each other where that changes nothing (Nagel et al. 2019,
   arXiv:1906.04721, with measured activations in place of weights);
2. ranges leave out the outermost values, and the last layer stays float;
3. weights and ranges are trained, with quantization simulated (Jacob et al. 2018,
   arXiv:1712.05877), to give what the float network gives.

`python -m models.build.blazeface` does this on face crops and clips of the data folder in a few
minutes and keeps the result in blazeface/ for the build: constants.npz and ranges.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build import images
from models.build.convert import Range
from models.build.graph import CONVOLUTIONS, Graph, Step
from models.build.packed import packed

HERE = Path(__file__).parent / "blazeface_int8"

SIZE = 128
SEED = 0
MEASURED = 256  # views for scales and ranges
OUTERMOST = 1e-3  # share of the values left out of a range at either end
DEPTHWISE_POWER, TRUNK_POWER = 0.8, 0.7  # how far scales follow the channels' reach
BATCH, STEPS, RATE = 16, 1500, 2e-4
LOGITS = (-20.0, 10.0)  # beyond, a score is 0 or 1

Images = NDArray[np.float32]


def load(data: bytes, folder: Path = HERE) -> Graph:
    """The tuned network: the original's operators, the kept constants."""
    graph = Graph(data)
    with np.load(folder / "constants.npz") as kept:
        graph.constants |= {int(key): kept[key].astype(np.float32) for key in kept.files}
    return graph


def _views(pictures: list[images.Pixels], count: int, random: np.random.Generator) -> Images:
    chosen = random.integers(len(pictures), size=count)
    views = np.stack([images.view(pictures[i], SIZE, random) for i in chosen])
    return views.astype(np.float32) / 127.5 - 1.0


def _activations(graph: Graph, views: Images) -> dict[str, NDArray[np.float32]]:
    """Every ranged activation over the views, `(values, channels)`."""
    seen: dict[str, list[NDArray[np.float32]]] = {}

    @tf.function
    def run(x: tf.Tensor) -> dict[str, tf.Tensor]:
        values = {}

        def record(name: str, x: tf.Tensor) -> tf.Tensor:
            values[name] = x
            return x

        graph(x, record)
        return values

    for start in range(0, len(views), BATCH):
        for name, value in run(tf.constant(views[start : start + BATCH])).items():
            flat = value.numpy().reshape(-1, value.shape[-1])
            seen.setdefault(name, []).append(flat[:: max(1, len(flat) // 4096)])
    return {name: np.concatenate(parts) for name, parts in seen.items()}


def spread(graph: Graph, views: Images) -> None:
    """Scale channels towards equal reach, without changing what the network computes.

    A depthwise convolution's output channel may shrink if the pointwise convolution after it grows
    that input channel. The trunk (all that ADD and RELU join) shares one scale a channel: what
    writes to it divides, what reads from it multiplies.
    """
    reach = {
        name: np.quantile(np.abs(values), 1 - OUTERMOST / 2, axis=0) + 1e-3
        for name, values in _activations(graph, views).items()
    }
    constants = graph.constants
    trunk = _trunk([reach[f"tensor{step.output}"] for step in graph.steps if step.name == "RELU"])
    for step in graph.steps:
        if step.name not in CONVOLUTIONS:
            continue
        kernel, bias = step.inputs[1:3]
        after = next(reader for reader in graph.steps if step.output in reader.inputs)
        inputs, outputs = constants[kernel].shape[2:]
        if step.name == "DEPTHWISE_CONV_2D":
            scale = reach[f"tensor{step.output}"] ** DEPTHWISE_POWER
            scale = (scale / scale.mean()).astype(np.float32)
            constants[kernel] = constants[kernel] * (trunk[:inputs] / scale)[:, None]
            constants[bias] = constants[bias] / scale
            constants[after.inputs[1]] = constants[after.inputs[1]] * scale[:, None]
        if step.name == "CONV_2D" and after.name in {"ADD", "RELU"}:
            constants[kernel] = constants[kernel] / trunk[:outputs]
            constants[bias] = constants[bias] / trunk[:outputs]
        if after.name == "RESHAPE":  # a head reads the trunk
            constants[kernel] = constants[kernel] * trunk[:inputs, None]


def _trunk(reaches: list[NDArray[np.float64]]) -> NDArray[np.float32]:
    """One scale a channel for tensors of growing width: their relative reach, on average."""
    table = np.full((len(reaches), max(map(len, reaches))), np.nan)
    for row, reach in zip(table, reaches, strict=True):
        row[: len(reach)] = np.log(reach) - np.log(reach).mean()
    return np.exp(TRUNK_POWER * np.nanmean(table, axis=0)).astype(np.float32)


def _heads(graph: Graph) -> list[Step]:
    """The last convolutions: they put out boxes and scores."""
    joined = {step.inputs[0] for step in graph.steps if step.name == "RESHAPE"}
    return [step for step in graph.steps if step.output in joined]


def _ranges(graph: Graph, views: Images) -> dict[str, Range]:
    ranges = {
        name: (min(float(np.quantile(v, OUTERMOST)), 0.0), float(np.quantile(v, 1 - OUTERMOST)))
        for name, v in _activations(graph, views).items()
    }
    for head in _heads(graph):
        del ranges[f"tensor{head.output}"]
    return ranges | {"image": (-1.0, 1.0)}


def _per_channel(kernel: tf.Tensor) -> tf.Tensor:
    """int8 weights, simulated: symmetric, one scale an output channel."""
    depthwise = kernel.shape[3] == 1
    flat = kernel[..., 0] if depthwise else kernel
    limit = (
        tf.stop_gradient(tf.reduce_max(tf.abs(flat), axis=list(range(len(flat.shape) - 1)))) + 1e-9
    )
    flat = tf.quantization.fake_quant_with_min_max_vars_per_channel(
        flat, -limit, limit, num_bits=8, narrow_range=True
    )
    return flat[..., None] if depthwise else flat


def _loss(student: list[tf.Tensor], teacher: list[tf.Tensor]) -> tf.Tensor:
    """Box and keypoint error in face sizes where the teacher sees a face, and score error."""
    boxes, scores = student
    true_boxes, true_scores = teacher
    weight = tf.sigmoid(true_scores)
    size = tf.maximum(tf.reduce_mean(true_boxes[..., 2:4], axis=-1, keepdims=True), 8.0)
    error = tf.reduce_mean(tf.abs(boxes - true_boxes) / size, axis=-1, keepdims=True)
    position = tf.reduce_sum(weight * error) / (tf.reduce_sum(weight) + 1.0)
    true_scores = tf.clip_by_value(true_scores, *LOGITS)
    near = 0.01 + weight
    missed = tf.reduce_sum(near * tf.square(tf.clip_by_value(scores, *LOGITS) - true_scores))
    return 20.0 * position + 0.1 * missed / tf.reduce_sum(near)


def tune(
    data: bytes, student: Graph, start: dict[str, Range], pictures: list[images.Pixels]
) -> dict[str, Range]:
    """Train the student's constants in place, and its ranges."""
    random = np.random.default_rng(SEED)
    teacher = Graph(data)
    quantized = [s for s in student.steps if s.name in CONVOLUTIONS and s not in _heads(student)]
    kernels = {step.inputs[1] for step in quantized}
    fixed = dict(student.constants)
    weights = {t: tf.Variable(fixed[t], dtype=tf.float32) for t in _trainable(student)}
    limits = {n: tf.Variable(r, dtype=tf.float32) for n, r in start.items()}
    trained = [v for n, v in limits.items() if n != "image"]

    rate = tf.keras.optimizers.schedules.CosineDecay(RATE, STEPS)
    optimizer = tf.keras.optimizers.Adam(rate, clipnorm=1.0)
    slow = tf.keras.optimizers.Adam(tf.keras.optimizers.schedules.CosineDecay(0.02, STEPS))

    def quantize(name: str, x: tf.Tensor) -> tf.Tensor:
        if name not in limits:
            return x
        return tf.quantization.fake_quant_with_min_max_vars(x, limits[name][0], limits[name][1])

    @tf.function
    def step(x: tf.Tensor) -> tf.Tensor:
        wanted = teacher(x, lambda _, y: y)
        with tf.GradientTape() as tape:
            student.constants = fixed | {
                t: _per_channel(v) if t in kernels else v for t, v in weights.items()
            }
            loss = _loss(student(x, quantize), wanted)
        variables = [*weights.values(), *trained]
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients[: len(weights)], weights.values(), strict=True))
        slow.apply_gradients(zip(gradients[len(weights) :], trained, strict=True))
        return loss

    losses = []
    for number in range(STEPS):
        losses.append(float(step(tf.constant(_views(pictures, BATCH, random)))))
        if number % 100 == 99:
            print(f"step {number + 1}: loss {np.mean(losses[-100:]):.4f}", flush=True)
    student.constants = fixed | {t: v.numpy() for t, v in weights.items()}
    return {n: (min(float(v[0]), 0.0), float(v[1])) for n, v in limits.items()}


def _trainable(graph: Graph) -> list[int]:
    """Kernels and biases."""
    return sorted({t for s in graph.steps if s.name in CONVOLUTIONS for t in s.inputs[1:3]})


def keep(data: bytes, folder: Path, *, further: bool) -> None:
    """Tune on the data folder's crops and clips, and keep the result."""
    pictures = [*packed(folder / "pad_faces.npz")][::3]
    pictures += images.frames(folder / "clips", every=40)
    if further:
        student = load(data)
        ranges = json.loads((HERE / "ranges.json").read_text())
    else:
        student = Graph(data)
        views = _views(pictures, MEASURED, np.random.default_rng(SEED))
        spread(student, views)
        ranges = _ranges(student, views)
    ranges = tune(data, student, ranges, pictures)
    kept = {str(t): student.constants[t].astype(np.float16) for t in _trainable(student)}
    np.savez_compressed(HERE / "constants.npz", **kept)
    (HERE / "ranges.json").write_text(json.dumps(ranges, indent=1) + "\n")


if __name__ == "__main__":
    from models.build.recipes import SHORT
    from models.build.sources import mediapipe

    parser = argparse.ArgumentParser(description=keep.__doc__)
    parser.add_argument("--data", type=Path, default=images.DATA)
    parser.add_argument("--further", action="store_true", help="go on from what is kept")
    given = parser.parse_args()
    keep(mediapipe(*SHORT), given.data, further=given.further)
