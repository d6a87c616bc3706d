"""What a camera shows, picture by picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import CameraError
from edge.faces.calls import TURN, checked
from edge.faces.family import refuse_what_does_nothing
from edge.faces.reader import reader_for
from edge.faces.results import Sighting
from edge.faces.searching import known_people, searcher
from edge.records import LivenessState
from edge.vision.camera import Camera
from edge.vision.opencv import settled
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from edge.config import Config
    from edge.faces.results import Found
    from edge.records import Embedding, Frame

_FRAME_WAIT_S = 5.0


@checked
def stream(
    source: str | Path | int = 0,
    db_path: str | Path | None = None,
    *,
    config: Config | None = None,
    **others: object,
) -> Iterator[Sighting]:
    """What a camera shows, picture by picture, until it ends or you leave the loop.

    Args:
        source: What `[camera] source` takes, or the number of a V4L2 device.
        db_path: A folder of pictures to compare with, as in `find`; without, nobody is looked for.
        config: Other models, limits and camera settings.
        others: deepface's further arguments, where they change nothing.

    Raises:
        CameraError: it cannot be opened, or ended.
        ModelError: a model is missing.
    """
    refuse_what_does_nothing("stream", others)
    return _sightings(source, db_path, config)


def _sightings(
    source: str | Path | int, db_path: str | Path | None, config: Config | None
) -> Iterator[Sighting]:
    named = f"/dev/video{source}" if isinstance(source, int) else str(source)
    with TURN, settled():
        reader = reader_for(config, None, None)
        alike = None
        if db_path is not None:
            alike = searcher(reader, known_people(reader, db_path, silent=False), "cosine", None)
        pipeline = Pipeline(reader.stages, reader.config)
    section = reader.config.camera.model_copy(update={"source": named})
    with Camera(section) as camera:
        after = 0
        while True:
            try:
                frame = camera.newest(after, _FRAME_WAIT_S)
            except CameraError:
                if after and camera.is_file:  # a film that ended
                    return
                raise
            if frame is None:
                raise CameraError(f"the camera {section.shown} delivers no picture")
            after = frame.sequence
            with TURN, settled():
                sighting = _sighting(pipeline, frame, alike)
            yield sighting


def _sighting(
    pipeline: Pipeline, frame: Frame, alike: Callable[[Embedding], list[Found]] | None
) -> Sighting:
    evidence = pipeline.step(frame)
    found = alike(evidence.embedding) if alike and evidence.embedding is not None else []
    return Sighting(
        picture=np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2BGR), np.uint8),
        captured_at=frame.captured_at,
        faces=evidence.faces,
        box=evidence.face.box if evidence.face else None,
        live=evidence.liveness.state is LivenessState.LIVE,
        hint=evidence.quality.hint.value if evidence.quality else "",
        found=tuple(found),
    )
