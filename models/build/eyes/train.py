"""Train the shut-eye network: `python -m models.build.eyes.train --data FOLDER`.

Closed Eyes in the Wild (Song et al. 2014) holds 24x24 grey patches of open and closed eyes. The
accuracy is measured on faces that were held out; the network that is kept has seen them all.
"""

import argparse
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.build import images
from models.build.eyes.network import LAYERS, SIZE, WEIGHTS, standardise

EPOCHS, BATCH, SEED = 40, 64, 1
HELD_OUT = 0.15

Floats = NDArray[np.float32]


def read(path: Path) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Patches (n, 24, 24, 1) 0-1, closed 0/1, and which ones are held out: both eyes of a face."""
    with np.load(path) as archive:
        patches = archive["images"].astype(np.float32)[..., None] / 255
        closed, side = archive["closed"], archive["side"]
    held = np.zeros(len(patches), bool)
    random = np.random.default_rng(SEED)
    for state in (False, True):
        sides = [np.flatnonzero((closed == state) & (side == s)) for s in ("left", "right")]
        for chosen in np.flatnonzero(random.random(len(sides[0])) < HELD_OUT):
            held[[indices[chosen] for indices in sides if chosen < len(indices)]] = True
    return patches, closed.astype(np.float32), held


def as_colours(grey: tf.Tensor) -> tf.Tensor:
    """Standardised, three times the same."""
    return tf.repeat(standardise(grey), 3, axis=-1)


def augment(x: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Other crops (mirrored, turned, shifted, scaled), blur, side light and noise."""
    count = tf.shape(x)[0]

    def draw(low: float, high: float) -> tf.Tensor:
        return tf.random.uniform([count], low, high)

    angle, scale, aspect = draw(-0.2, 0.2), draw(0.8, 1.25), draw(0.92, 1.08)
    flip = tf.where(draw(0, 1) < 0.5, 1.0, -1.0)
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    a, b, d, e = cos * flip * aspect, -sin * aspect, sin * flip, cos
    middle, zero = (SIZE - 1) / 2, tf.zeros_like(a)
    c = middle + draw(-2.5, 2.5) - (a + b) * middle
    f = middle + draw(-2.5, 2.5) - (d + e) * middle
    x = tf.raw_ops.ImageProjectiveTransformV3(
        images=x,
        transforms=tf.stack([a, b, c, d, e, f, zero, zero], axis=1),
        output_shape=[SIZE, SIZE],
        interpolation="BILINEAR",
        fill_mode="NEAREST",
        fill_value=0.0,
    )

    def each(low: float, high: float) -> tf.Tensor:
        return draw(low, high)[:, None, None, None]

    kernel = tf.constant(np.outer([1, 2, 1], [1, 2, 1]) / 16, tf.float32)[..., None, None]
    once = tf.nn.conv2d(x, kernel, 1, "SAME")
    twice = tf.nn.conv2d(once, kernel, 1, "SAME")
    chance = each(0, 1)
    x = tf.where(chance < 0.25, once, tf.where(chance < 0.4, twice, x))
    slope = tf.linspace(-1.0, 1.0, SIZE)[None, None, :, None]
    x += tf.where(each(0, 1) < 0.4, each(-0.3, 0.3) * slope, 0.0)
    x += tf.random.normal(tf.shape(x)) * each(0.0, 0.04)
    return as_colours(x), y


def build() -> tf.keras.Model:
    """The network with its BatchNorm."""
    layers = tf.keras.layers
    x = start = layers.Input((SIZE, SIZE, 3))
    for number, (channels, stride) in enumerate(LAYERS):
        name = str(number)
        x = layers.Conv2D(channels, 3, stride, "same", use_bias=False, name=f"conv{name}")(x)
        x = layers.BatchNormalization(name=f"norm{name}")(x)
        x = layers.ReLU(6.0)(x)
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    return tf.keras.Model(start, layers.Dense(1, name="out")(x))


def train(patches: Floats, closed: Floats) -> tf.keras.Model:
    """From scratch."""
    tf.keras.utils.set_random_seed(SEED)
    model = build()
    steps = len(patches) // BATCH * EPOCHS
    rate = tf.keras.optimizers.schedules.CosineDecay(3e-3, steps)
    loss = tf.keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.05)
    model.compile(tf.keras.optimizers.AdamW(rate, weight_decay=1e-3), loss)
    data = tf.data.Dataset.from_tensor_slices((patches, closed[:, None]))
    data = data.shuffle(len(patches), SEED).batch(BATCH, drop_remainder=True).map(augment)
    model.fit(data, epochs=EPOCHS, verbose=0)
    return model


def fold(model: tf.keras.Model) -> dict[str, NDArray[np.float16]]:
    """Kernels and biases with BatchNorm folded in."""
    kept = {}
    for number in range(len(LAYERS)):
        kernel = model.get_layer(f"conv{number}").get_weights()[0]
        norm = model.get_layer(f"norm{number}")
        gamma, beta, mean, variance = norm.get_weights()
        scale = gamma / np.sqrt(variance + norm.epsilon)
        kept[f"{number}.kernel"] = (kernel * scale).astype(np.float16)
        kept[f"{number}.bias"] = (beta - mean * scale).astype(np.float16)
    kernel, bias = model.get_layer("out").get_weights()
    return {**kept, "out.kernel": kernel.astype(np.float16), "out.bias": bias.astype(np.float16)}


def main() -> None:
    """Measure on held-out faces, then train on all and keep the weights."""
    parser = argparse.ArgumentParser(prog="python -m models.build.eyes.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=images.DATA, help="folder of eyes_24.npz")
    given = parser.parse_args()
    patches, closed, held = read(given.data / "eyes_24.npz")
    logits = train(patches[~held], closed[~held])(as_colours(patches[held])).numpy()[:, 0]
    right = float(np.mean((logits > 0) == (closed[held] > 0)))
    print(f"held-out faces: {right:.2%} of {int(held.sum())} eyes right")
    np.savez_compressed(WEIGHTS, **fold(train(patches, closed)))


if __name__ == "__main__":
    main()
