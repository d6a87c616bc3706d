"""How many frames a second can this machine judge? From what its networks take, before it must."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.vision.faces.follower import SEEN_WITHIN_S
from edge.vision.faces.shortlist import EMBED_EVERY_S
from edge.vision.liveness.limits import LOOK_EVERY_S
from edge.vision.models.chosen import chosen
from edge.vision.models.entries import (
    DetectorEntry,
    EmbedderEntry,
    EyelidsEntry,
    LandmarksEntry,
)
from edge.vision.models.known import pictures
from edge.vision.models.loader import Loader
from edge.vision.models.runtimes import choose
from edge.vision.models.threads import tuned

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.models.entries import Entry
    from edge.vision.models.model import Model

RUNS = 5
BESIDE = 1.6
"""Of a frame's networks: cutting out, aligning, quality and liveness come to it. 3.0 ms a frame
where the networks took 1.9 (x86-64)."""
_EVERY_FRAME = (LandmarksEntry, EyelidsEntry)
_EVERY_S: dict[type[Entry], float] = {
    DetectorEntry: SEEN_WITHIN_S,
    EmbedderEntry: EMBED_EVERY_S,
}
"""Networks that are not run on every frame; those of passive checks neither (`LOOK_EVERY_S`)."""


def frames_a_second(config: Config) -> float:
    """An estimate, while nothing else runs; half a second on a PC.

    Raises:
        ModelError: a network cannot be loaded.
    """
    load = Loader(
        config.models_folder, choose(config.models.runtime), config.models.threads, tuned(config)
    )
    frame_s = busy = 0.0
    for entry in chosen(config):
        took_s = BESIDE * _quickest(load(entry))
        if isinstance(entry, _EVERY_FRAME):
            frame_s += took_s
        else:
            busy += took_s / _EVERY_S.get(type(entry), LOOK_EVERY_S)
    return max(0.0, 1.0 - busy) / frame_s


def _quickest(model: Model[Entry]) -> float:
    """Seconds of a run that nothing disturbed."""
    spec = model.entry.input
    shown = [pictures(spec.width, spec.height)[0]] * spec.pictures

    def run() -> float:
        begin = time.perf_counter()
        model.run(*shown)
        return time.perf_counter() - begin

    return min(run() for _ in range(RUNS))
