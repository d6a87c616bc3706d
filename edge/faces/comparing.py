"""Do two pictures show the same person?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import NoFaceError, UsageError
from edge.faces.calls import one_at_a_time
from edge.faces.family import refuse_what_does_nothing
from edge.faces.reader import PICTURES_FMR, not_one, reader_for
from edge.faces.results import Metric, Verification, distance, similarity_of
from edge.vision.calibrated import read_calibration
from edge.vision.inputs import name_of, pixels_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from edge.config import Config
    from edge.faces.reader import FaceReader, Image
    from edge.records import Floats


@one_at_a_time
def verify(
    img1_path: Image,
    img2_path: Image,
    model_name: str | None = None,
    detector_backend: str | None = None,
    distance_metric: Metric = "cosine",
    *,
    enforce_detection: bool = True,
    threshold: float | None = None,
    config: Config | None = None,
    **others: object,
) -> Verification:
    """Do two pictures show the same person? Each must show one person.

    Args:
        img1_path: A picture, as in `extract_faces`; or its vector, as `represent` gives it.
        img2_path: The other one.
        model_name: An embedder of the manifest; default: the manifest's own choice.
        detector_backend: A detector of the manifest.
        distance_metric: `cosine`, `euclidean` or `euclidean_l2`.
        enforce_detection: False: of several people the most central one is compared.
        threshold: Largest distance of one person. Default: from the embedder's calibration at
            `PICTURES_FMR`.
        config: Other models and limits than those of $EDGE_DOOR_CONFIG, or the defaults.
        others: deepface's further arguments, where they change nothing.

    Raises:
        CameraError: a picture cannot be read.
        NoFaceError: a picture shows no face, or several.
        ModelError: there is no such model.
        CalibrationError: the model was not calibrated, and no threshold was given.
        UsageError: there is no such metric, or an argument has no meaning here.
    """
    refuse_what_does_nothing("verify", others)
    reader = reader_for(config, model_name, detector_backend)
    one, other = (
        _vector(reader, image, strict=enforce_detection) for image in (img1_path, img2_path)
    )
    rate = PICTURES_FMR
    if threshold is None:
        required = read_calibration(reader.config).threshold_for(rate)
    else:
        required = similarity_of(threshold, distance_metric)
    distance(required, distance_metric)  # refuses an unknown metric
    if one.shape != other.shape:
        raise UsageError(
            f"vectors of {one.size} and {other.size} numbers are of different networks, and cannot "
            "be compared"
        )
    similarity = float(np.clip(one @ other, -1, 1))
    return Verification(
        verified=similarity >= required,
        similarity=similarity,
        required=required,
        metric=distance_metric,
        model=reader.model.name,
        detector=reader.detector.name,
        false_match_rate=rate if threshold is None else None,
    )


def _vector(reader: FaceReader, image: Image, *, strict: bool) -> Floats:
    """The vector of a picture's one face; a vector is taken as it is."""
    if isinstance(image, list | tuple) or (isinstance(image, np.ndarray) and image.ndim == 1):
        return _of_unit_length(image)
    pixels, name = pixels_of(image), name_of(image)
    look = reader.only(pixels, name) if strict else reader.subject(pixels)
    if look is None:
        raise NoFaceError(not_one(name, 0))
    return reader.embed(look).vector


def _of_unit_length(numbers: ArrayLike) -> Floats:
    try:
        vector = np.asarray(numbers, np.float32)
    except (TypeError, ValueError) as error:
        raise UsageError(f"this is no face's vector: {error}") from error
    length = float(np.linalg.norm(vector))
    if vector.ndim != 1 or not math.isfinite(length) or not length:
        raise UsageError(f"{vector.shape} numbers of length {length:g} are no face's vector")
    return np.asarray(vector / length, np.float32)
