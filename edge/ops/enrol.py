"""Enrolment from files or from the door's camera, up to the vault and the ledger."""

from __future__ import annotations

import time
from itertools import takewhile
from typing import TYPE_CHECKING

from edge.errors import EnrolmentError
from edge.ops.note import recorded_in
from edge.records import Frame, Hint, LivenessState, Reason
from edge.vault.vault import open_vault, proper_name
from edge.vision.calibrated import threshold
from edge.vision.camera import IMAGE_SUFFIXES, Camera, read_image, replay
from edge.vision.enrolment import FEWEST, WANTED, Collector, capture, find_duplicate
from edge.vision.pipeline import Pipeline, Stages
from edge.vision.still import still

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edge.config import Config
    from edge.records import Template

    Progress = Callable[[str, int, str], None]
    """Called with what is read, how many captures there are, and the hint."""

CAMERA_TIMEOUT_S = 60.0


def collect_from_files(
    config: Config,
    stages: Stages,
    sources: Sequence[Path],
    first_s: float | None,
    progress: Progress,
) -> tuple[Collector, int]:
    """Captures from images, folders and films, and how many are the fewest that will do.

    Single pictures may be few, since a person chose them; a film must give several.

    Raises:
        CameraError: a source is missing, damaged or empty.
    """
    pipeline, collector = Pipeline(stages, config), Collector(threshold(config))
    for path in sources:
        for frame in _frames(config, path, first_s):
            taken = capture(frame, pipeline, stages)
            collector.add(taken)
            progress(path.name, len(collector.embeddings), taken.hint.value)
            if collector.full:
                break
    stills = sum(path.suffix.lower() in IMAGE_SUFFIXES for path in sources)
    return collector, min(FEWEST, stills) if stills == len(sources) else FEWEST


def collect_from_camera(config: Config, stages: Stages, progress: Progress) -> Collector:
    """Captures of whoever stands there; they count only once the person has shown life.

    Raises:
        CameraError: there is no camera, or it ends.
        EnrolmentError: nobody blinked in a minute.
    """
    pipeline, collector = Pipeline(stages, config), Collector(threshold(config))
    alive, after = False, 0
    deadline = time.monotonic() + CAMERA_TIMEOUT_S
    with Camera(config.camera) as camera:
        while len(collector.embeddings) < WANTED and time.monotonic() < deadline:
            frame = camera.newest(after, timeout_s=1.0)
            if frame is None:
                continue
            after = frame.sequence
            alive = alive or pipeline.step(frame).liveness.state is LivenessState.LIVE
            if not alive:
                progress("look at the camera", 0, Hint.BLINK.value)
                continue
            taken = capture(frame, pipeline, stages)
            collector.add(taken)
            hint = taken.hint.value or "turn your head a little"
            progress("captures", len(collector.embeddings), hint)
    if not alive:
        raise EnrolmentError("no blink was seen in a minute, so nobody was enrolled. Try again.")
    return collector


def save(config: Config, template: Template, *, replace: bool = False) -> None:
    """Put a template into the vault and the fact into the ledger.

    Raises:
        EnrolmentError: this face or this name is enrolled already.
        VaultError: the vault cannot be opened or written.
        LedgerError: the ledger cannot be written; nothing was changed unless the text says so.
    """
    name = proper_name(template.person)
    with open_vault(config) as vault:
        twin = find_duplicate(template, vault.templates(template.model), threshold(config))
        if twin is not None:
            raise EnrolmentError(
                f"this face is already enrolled as {twin}. Remove {twin} first, or rename: "
                f"edge-door people rename {twin!r} {name!r}"
            )
        known = any(person.name.casefold() == name.casefold() for person in vault.people())
        with recorded_in(config, vault, Reason.ENROLLED, name, captures=len(template.vectors)):
            (vault.replace if replace and known else vault.add)(template)


def _frames(config: Config, path: Path, first_s: float | None) -> Iterator[Frame]:
    if path.suffix.lower() in IMAGE_SUFFIXES or not path.exists():
        return iter([still(read_image(path))])
    frames = replay(config.camera.model_copy(update={"source": str(path)}))
    if first_s is None:
        return frames
    return takewhile(lambda frame: frame.captured_at < first_s, frames)
