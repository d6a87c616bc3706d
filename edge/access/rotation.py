"""Cancellable templates: every device keeps its vectors turned by a secret rotation of its own.

Of ISO/IEC 24745's demands it gives unlinkability (two devices' templates of one face are noise to
each other) and renewability (another secret, and the stolen ones are worth nothing), without
changing a distance: an orthogonal map keeps every inner product, so thresholds, calibration and
cohort hold as they are. Irreversible it is to whoever lacks the secret, which is derived from the
device key. The idea is that of BioHashing (Teoh, Goh, Ngo 2006), here with all dimensions and no
rounding away; a uniformly random rotation is the Q of a Gaussian matrix's QR decomposition with R's
diagonal positive (Mezzadri, "How to generate random matrices from the classical compact groups",
2007).
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.access.calibration import Calibration
    from edge.records import Embedding, Floats

_BITS = 53
"""Of a uniform number: what a float64 holds."""


class Rotation:
    """One device's. `secret` is 32 bytes that serve nothing else."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._matrices: dict[int, NDArray[np.float64]] = {}

    def __call__(self, vectors: Floats) -> Floats:
        """Turn `(d,)` or `(n, d)`, float32."""
        return (vectors @ self._matrix(vectors.shape[-1]).T).astype(np.float32)

    def back(self, vectors: Floats) -> Floats:
        """What `vectors` were before they were turned."""
        return (vectors @ self._matrix(vectors.shape[-1])).astype(np.float32)

    def probe(self, embedding: Embedding) -> Embedding:
        """An embedding as it is compared with this device's templates."""
        return replace(embedding, vector=self(embedding.vector))

    def calibration(self, calibration: Calibration) -> Calibration:
        """A calibration whose cohort is turned as the templates are; nothing else changes."""
        rule = calibration.measured_rule
        if rule is None or not rule.cohort.vectors.size:
            return calibration
        cohort = replace(rule.cohort, vectors=self(rule.cohort.vectors))
        return replace(calibration, measured_rule=replace(rule, cohort=cohort))

    def _matrix(self, size: int) -> NDArray[np.float64]:
        if size not in self._matrices:
            q, r = np.linalg.qr(_gaussian(self._secret, size))
            self._matrices[size] = q * np.sign(np.diag(r))
        return self._matrices[size]


def _gaussian(secret: bytes, size: int) -> NDArray[np.float64]:
    """`(size, size)` normal numbers from SHAKE-256 of the secret by Box and Muller's method.

    numpy's own generator may give others in another version, and these must never change.
    """
    count = size * size
    stream = hashlib.shake_256(b"edge-door rotation " + secret).digest(2 * count * 8)
    words = np.frombuffer(stream, "<u8") >> np.uint64(64 - _BITS)
    radius, angle = (words.astype(np.float64) + 0.5).reshape(2, count) / 2**_BITS
    normal = np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * angle)
    return normal.reshape(size, size)
