"""Which runtimes there are, best first, and the choice among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import ModelError
from edge.vision.models.tflite import TfLite

if TYPE_CHECKING:
    from edge.vision.models.runtime import Runtime

AUTO = "auto"
RUNTIMES: tuple[Runtime, ...] = (
    TfLite("litert", "ai-edge-litert", "ai_edge_litert.interpreter"),
    # 2.14.0, the last one, in dlib's network: seen in qemu as Cortex-A72, and never on a board.
    TfLite("tflite-runtime", "tflite-runtime", "tflite_runtime.interpreter", dies_on="aarch64"),
)


def available() -> list[Runtime]:
    """Those that import here, best first."""
    return [runtime for runtime in RUNTIMES if runtime.missing() is None]


def candidates(name: str = AUTO) -> list[Runtime]:
    """The runtimes that a configuration allows and that import here, best first; at least one.

    Raises:
        ModelError: none does.
    """
    first = choose(name)
    return [first, *(each for each in available() if name == AUTO and each is not first)]


def choose(name: str = AUTO) -> Runtime:
    """The runtime of that name; `auto`: the best one that imports.

    Raises:
        ModelError: it does not import here, or none does.
    """
    reasons = []
    for runtime in RUNTIMES:
        if name in {AUTO, runtime.name}:
            reason = runtime.missing()
            if reason is None:
                return runtime
            reasons.append(f"{runtime.name}: {reason}")
    raise ModelError(
        f"no inference runtime can be used here ({'; '.join(reasons)}). "
        "Install ai-edge-litert, or tflite-runtime on Python 3.11 and older."
    )
