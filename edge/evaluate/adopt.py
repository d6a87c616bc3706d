"""Take in somebody else's model: check it, try it on two portraits, and write it down."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.believed import read_ordinary
from edge.config import Config
from edge.errors import ModelError, UsageError
from edge.evaluate import added
from edge.evaluate.presets import input_of, preset_of, tensors_of
from edge.faces import FaceReader
from edge.faces.attributes import Attribute
from edge.vision.calibrated import self_similarity
from edge.vision.faces.detector import Detector
from edge.vision.faces.embedder import Embedder
from edge.vision.models.entries import AttributeEntry, DetectorEntry, EmbedderEntry
from edge.vision.models.known import remember
from edge.vision.models.manifest import described, read_manifest
from edge.vision.models.model import Model, shapes_of
from edge.vision.models.runtimes import available
from edge.vision.still import still

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.evaluate.presets import Preset
    from edge.records import Floats, Pixels
    from edge.vision.models.entries import ModelEntry
    from edge.vision.models.runtime import Runtime
    from edge.vision.pipeline import Look

_AGREE = 0.99
_OVERLAP = 0.4
_TURN_DEG, _DIM = 4.0, 0.85


@dataclass(frozen=True, slots=True)
class Adopted:
    """A model that was taken in, and what was seen of it."""

    entry: ModelEntry
    findings: dict[str, float]


def adopt(
    file: Path,
    preset: str,
    portraits: Mapping[str, Pixels],
    folder: Path,
    *,
    name: str | None = None,
    licence: str | None = None,
) -> Adopted:
    """Check a model, try it, copy it into `folder` and note it there.

    Args:
        file: A TFLite file.
        preset: What it is, a name of `presets.toml`.
        portraits: Two or more RGB pictures, by name, each of another person.
        folder: The models' folder.
        name: What to call it; default: the preset's name.
        licence: Default: what is known of the usual weights.

    Raises:
        UsageError: there is no such preset, the name is taken or improper, the file is there
            under another name, or the portraits are too few or of one person.
        NoFaceError: a portrait does not show one face.
        ModelError: the file does not fit the preset, or does not do its work.
    """
    known = preset_of(folder, preset)
    name = name or preset
    manifest = read_manifest(folder)
    manifest.require_free(name)
    table = _describe(file, known, preset)
    for there in manifest.models.values():
        if there.sha256 == table["sha256"]:
            raise UsageError(f"{file} is there already: it is the model {there.name!r}.")
    if licence is not None:
        table["licence"] = licence
    entry = described(name, file, table)
    findings = _try(entry, portraits, folder)
    added.write(entry, table, folder)
    kept = entry.model_copy(update={"path": folder / f"{name}.tflite"})
    remember(kept, folder)
    return Adopted(kept, findings)


def _describe(file: Path, preset: Preset, name: str) -> dict[str, object]:
    """The manifest's table for a file: the preset, and what the file itself says."""
    shapes = shapes_of(file)
    table = preset.model_dump(mode="json", exclude={"dims"}, exclude_defaults=True)
    return table | {
        "sha256": hashlib.sha256(read_ordinary(file)).hexdigest(),
        "precision": shapes.precision,
        "source": f"added from {file.name}",
        "preset": name,
        "input": input_of(file, shapes, preset).model_dump(),
        "tensors": tensors_of(file, shapes, preset),
    }


def _try(entry: ModelEntry, portraits: Mapping[str, Pixels], folder: Path) -> dict[str, float]:
    if len(portraits) < 2:
        raise UsageError("two portraits of different people are needed to try a model on")
    config = Config.model_validate({"paths": {"models": folder}})
    reader = FaceReader(config)
    _require_different(reader, portraits)
    if isinstance(entry, DetectorEntry):
        return _try_detector(entry, reader, portraits)
    if isinstance(entry, EmbedderEntry):
        return _try_embedder(entry, reader, portraits)
    if isinstance(entry, AttributeEntry):
        return _try_attribute(entry, reader, portraits)
    raise ModelError(f"there is no trial for a model whose role is {entry.role}")


def _require_different(reader: FaceReader, portraits: Mapping[str, Pixels]) -> None:
    """See, with the embedder in use, that no two portraits show one person."""
    seen = {name: reader.embed(reader.only(p, name)).vector for name, p in portraits.items()}
    needed = self_similarity(reader.config)
    for one, other in combinations(seen, 2):
        alike = float(seen[one] @ seen[other])
        if alike >= needed:
            raise UsageError(
                f"{one} and {other} seem to show one person ({alike:.2f}, from {needed:.2f} on "
                "one): pictures of different people are needed to try a model on."
            )


def _try_detector(
    entry: DetectorEntry, reader: FaceReader, portraits: Mapping[str, Pixels]
) -> dict[str, float]:
    """It must find the same faces as the detector in use."""
    detector = Detector(Model(entry))
    overlaps = []
    for name, portrait in portraits.items():
        look = reader.only(portrait, name)
        found = detector.detect(still(portrait))
        overlaps.append(max((face.box.iou(look.face.box) for face in found), default=0.0))
    if min(overlaps) < _OVERLAP:
        raise ModelError(
            f"{entry.path} does not find the faces of the portraits: boxes overlap by "
            f"{min(overlaps):.2f} where {_OVERLAP} is needed. Is it this preset's network?"
        )
    return {"least_overlap": round(min(overlaps), 3)}


def _try_attribute(
    entry: AttributeEntry, reader: FaceReader, portraits: Mapping[str, Pixels]
) -> dict[str, float]:
    """Its numbers must be shares of one."""
    attribute = Attribute(Model(entry))
    shares = [attribute.shares(reader.only(each, name)) for name, each in portraits.items()]
    furthest = max(abs(float(each.sum()) - 1) for each in shares)
    if min(float(each.min()) for each in shares) < 0 or not furthest < 1 - _AGREE:
        raise ModelError(
            f"{entry.path} gives numbers that are no shares of one: is its last layer a softmax?"
        )
    return {"shares_add_up_within": round(furthest, 6)}


def _try_embedder(
    entry: EmbedderEntry, reader: FaceReader, portraits: Mapping[str, Pixels]
) -> dict[str, float]:
    """A picture must resemble its own tilted, darker copy more than another person's picture."""
    vectors = {
        runtime.name: [
            _embed(entry, runtime, reader.only(each, name))
            for name, each in _with_copies(portraits).items()
        ]
        for runtime in available()
    }
    first = next(iter(vectors.values()))
    if not np.isfinite(first).all() or min(np.linalg.norm(v) for v in first) < _AGREE:
        raise ModelError(f"{entry.path} gives no usable vector for the portraits")
    half = len(portraits)
    pictures, copies = np.stack(first[:half]), np.stack(first[half:])
    same = float((pictures * copies).sum(1).min())
    other = float((pictures @ pictures.T)[np.tril_indices(half, -1)].max())
    if same <= other:
        raise ModelError(
            f"{entry.path} finds two people ({other:.3f}) as alike as two pictures of one "
            f"({same:.3f}). Is it this preset's network?"
        )
    agreement = min(float((np.stack(first) * v).sum(1).min()) for v in vectors.values())
    if agreement < _AGREE:
        raise ModelError(f"{entry.path}: the runtimes here disagree (cosine {agreement:.3f})")
    return {
        "same_person": round(same, 4),
        "different_people": round(other, 4),
        "runtimes_agree": round(agreement, 6),
    }


def _with_copies(portraits: Mapping[str, Pixels]) -> dict[str, Pixels]:
    copies = {}
    for name, portrait in portraits.items():
        height, width = portrait.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), _TURN_DEG, 1.0)
        turned = cv2.warpAffine(portrait, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        copies[f"{name}, turned and dimmed,"] = np.round(turned * _DIM).astype(np.uint8)
    return {**portraits, **copies}


def _embed(entry: EmbedderEntry, runtime: Runtime, look: Look) -> Floats:
    embedder = Embedder([Model(entry, runtime)])
    return embedder.embed(look.frame, look.landmarks).vector
