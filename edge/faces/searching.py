"""Who is in a picture: among the people enrolled here, or the pictures of a folder."""

from __future__ import annotations

import functools
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import track

from edge.access.matcher import ranked
from edge.errors import CameraError, VaultError
from edge.faces.calls import one_at_a_time
from edge.faces.family import refuse_what_does_nothing
from edge.faces.reader import PICTURES_FMR, looks_in, reader_for
from edge.faces.remembered import Remembered
from edge.faces.results import Found, Metric, distance, similarity_of
from edge.records import Template
from edge.vault.vault import open_vault
from edge.vision.calibrated import read_calibration
from edge.vision.pictures import images_in, read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.config import Config
    from edge.faces.reader import FaceReader, Image
    from edge.records import Embedding, Floats

log = logging.getLogger(__name__)


@one_at_a_time
def find(
    img_path: Image,
    db_path: str | Path | None = None,
    model_name: str | None = None,
    detector_backend: str | None = None,
    distance_metric: Metric = "cosine",
    *,
    enforce_detection: bool = True,
    threshold: float | None = None,
    silent: bool = False,
    config: Config | None = None,
    **others: object,
) -> list[list[Found]]:
    """Who is in a picture? For every face those it looks like, the nearest first.

    It goes by the door's own rule (`edge.access.matcher`): comparing with many gives a stranger
    many chances, so all of them share one false-match rate and the threshold rises with their
    number; and it is higher for a face that resembles many others.

    What was found in the folder's pictures is kept in a file beside them, and read anew for a
    picture that has changed. A picture that cannot be read is told in the log and left out.

    Args:
        img_path: A picture, as in `extract_faces`.
        db_path: A folder of pictures, searched with its subfolders. Default: the people enrolled
            on this device; as the command line does, it asks $EDGE_DOOR_CONFIG which that is.
        model_name: An embedder of the manifest; default: the manifest's own choice.
        detector_backend: A detector of the manifest.
        distance_metric: `cosine`, `euclidean` or `euclidean_l2`.
        enforce_detection: False: a picture without a face gives an empty list, and no error.
        threshold: Largest distance of those who are found, instead of the calibrated one.
        silent: No progress on a terminal.
        config: Other models, limits and places.
        others: deepface's further arguments, where they change nothing.

    Raises:
        CameraError: the picture cannot be read, or the folder holds none.
        NoFaceError: the picture shows no face.
        ModelError: there is no such model.
        CalibrationError: the model was not calibrated, or not for so many comparisons.
        VaultError: nobody was ever enrolled here, or they cannot be read.
        UsageError: there is no such metric, or an argument has no meaning here.
    """
    refuse_what_does_nothing("find", others)
    reader = reader_for(config, model_name, detector_backend)
    known = known_people(reader, db_path, silent=silent)
    alike = searcher(reader, known, distance_metric, threshold)
    looks = looks_in(reader, img_path, needed=enforce_detection)
    return [alike(reader.embed(look)) for look in looks]


def searcher(
    reader: FaceReader, known: Sequence[Template], metric: Metric, threshold: float | None
) -> Callable[[Embedding], list[Found]]:
    """Who looks like a probe, the nearest first."""
    distance(0.0, metric)  # refuses an unknown metric
    calibration = read_calibration(reader.config)
    limit = None if threshold is None else similarity_of(threshold, metric)

    def alike(probe: Embedding) -> list[Found]:
        found = []
        for match in ranked(probe, known, calibration, PICTURES_FMR):
            required = match.threshold if limit is None else limit
            if match.person is not None and match.similarity >= required:
                similarity = min(match.similarity, 1.0)  # which rounding passes
                lies, may_lie = distance(similarity, metric), distance(required, metric)
                found.append(Found(match.person, similarity, lies, may_lie))
        return sorted(found, key=lambda one: one.distance)

    return alike


def known_people(
    reader: FaceReader, db_path: str | Path | None, *, silent: bool
) -> Sequence[Template]:
    """Of a folder's pictures; without one, whoever is enrolled here."""
    if db_path is not None:
        return _pictured(reader, Path(db_path), silent=silent)
    config = reader.config
    if not config.people_db.exists():
        raise VaultError(
            f"nobody was ever enrolled here: there is no {config.people_db}. Name a folder of "
            "pictures as db_path, or the door's configuration in $EDGE_DOOR_CONFIG."
        )
    with open_vault(config, begin=False, read_only=True) as vault:
        return vault.plain_templates(reader.model.sha256)


def _pictured(reader: FaceReader, folder: Path, *, silent: bool) -> list[Template]:
    models = f"{reader.model.sha256} {reader.detector.sha256} {reader.config.quality!r}"
    quiet = silent or not sys.stderr.isatty()
    paths = images_in(folder, "**/*")
    found = []
    with Remembered(folder, models) as remembered:
        console = Console(stderr=True)
        for path in track(paths, "pictures", console=console, transient=True, disable=quiet):
            try:
                vectors = remembered.vectors(path, functools.partial(_near_vectors, reader, path))
            except (CameraError, OSError) as error:
                log.warning("left out: %s", error)
                continue
            found += [Template(str(path), row[np.newaxis], reader.model.sha256) for row in vectors]
    return found


def _near_vectors(reader: FaceReader, path: Path) -> list[Floats]:
    return [reader.embed(look).vector for look in reader.looks(read_image(path), near=True)]
