"""The embedder's calibration: which similarity means the same person at a stated rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.access.calibration import Calibration, from_json
from edge.believed import read_believed
from edge.errors import CalibrationError, reason_of
from edge.vision.models.manifest import read_manifest, shipped_models

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config

LEAST_THRESHOLD = 0.15
"""Whatever a file says: of the shipped embedders the loosest, at its largest rate, wants 0.17."""
_TRACK_FMR = 1e-5
"""Of strangers at random; of one sex and group up to 7 % reach it, at 3e-3 it was 55 %. Of one face
0.2 s apart 1.8 % do not, and 1.2 % did not at 3e-3: those who turn away or hide (35 films)."""
_PROOF_FMR = 1e-4
"""Of strangers at random, 2 of 5,512 comparisons reach it with templates of three and more; of a
person's pictures of other days 1.2 % do not (258, LFW View 1). In the 21 films that
gave a proof the eyes that blink and heads turned by up to 36 degrees stay 0.07 above it."""
_RENEWED_FMR = 1e-2
_UNCALIBRATED = 0.3


def shipped_calibration(folder: Path, embedder: str) -> Path:
    """Where the calibration lies that comes with an embedder."""
    return folder / "calibration" / f"{embedder}.json"


def read_calibration(config: Config) -> Calibration:
    """The configured calibration file, or the one that came with the embedder; checked against it.

    Raises:
        CalibrationError: it is missing, damaged, made for another model, or does not reach down
            to `match.false_match_rate`.
        ModelError: the manifest does not name such an embedder.
    """
    folder = config.models_folder or shipped_models()
    embedder = read_manifest(folder).embedder(config.models.embedder)
    path = config.match.calibration or shipped_calibration(folder, embedder.name)
    try:
        text = read_believed(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CalibrationError(
            f"the calibration {path} cannot be read: {reason_of(error)}. Make one with "
            "`edge-door calibrate`, or set [match] calibration."
        ) from error
    calibration = from_json(text, str(path))
    calibration.require(embedder.sha256)
    fmr, rule = config.match.false_match_rate, calibration.rule
    attempts = (rule.threshold_for(captures, fmr) for captures, _ in rule.curves)
    least = min(calibration.threshold_for(fmr), *attempts)
    if least < LEAST_THRESHOLD:
        raise CalibrationError(
            f"{path} would let people in from a similarity of {least:.3f} on, where strangers are "
            f"alike too; no door opens below {LEAST_THRESHOLD}. Calibrate again with "
            "`edge-door calibrate`."
        )
    return calibration


def threshold(config: Config) -> float:
    """The similarity from which on two faces match at this door. Raises as `read_calibration`."""
    return read_calibration(config).threshold_for(config.match.false_match_rate)


def renewed_similarity(config: Config) -> float:
    """Below this a new template hardly shows whoever the old one does. Raises as `threshold`."""
    rate = max(_RENEWED_FMR, config.match.false_match_rate)
    return read_calibration(config).threshold_for(rate)


def proof_similarity(calibration: Calibration, false_match_rate: float) -> float:
    """The least similarity to a person of whoever proves to be alive for them.

    A single picture, with eyes that close or a head that turns, needs less than what is matched;
    a door that lets in more than one stranger in ten thousand asks no more of it than of that.
    """
    return calibration.threshold_for(max(_PROOF_FMR, false_match_rate))


def self_similarity(config: Config) -> float:
    """The least similarity of one face to itself a moment later, on the embedder's own scale.

    Hardly a pair of strangers reaches it; a face that has stood there all the time lies well above.
    An embedder that is only being measured has no calibration yet, and no door opens
    by it: it gets what ArcFace's family needs.
    """
    try:
        return read_calibration(config).threshold_for(_TRACK_FMR)
    except CalibrationError:
        return _UNCALIBRATED
