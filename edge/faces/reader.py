"""The daemon's stages, for pictures, and which of them a call asks for."""

from __future__ import annotations

import math
import os
from functools import lru_cache
from typing import TYPE_CHECKING

from edge.config import DEFAULT_PATH, Config, config_path, load
from edge.errors import ModelError, NoFaceError
from edge.faces.family import with_preset
from edge.vision.faces.limits import MIN_PRESENCE
from edge.vision.faces.quality import assess_for_enrolment
from edge.vision.inputs import name_of, pixels_of
from edge.vision.models.entries import DetectorEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.pipeline import Look, Pipeline, people_in
from edge.vision.stages import Stages
from edge.vision.still import faces_in, still

if TYPE_CHECKING:
    from edge.config.seeing import Level
    from edge.records import Embedding, Floats, Pixels

    Image = object
    """See `edge.vision.inputs.pixels_of`."""


PICTURES_FMR = 1e-3
"""The false-match rate at which pictures are compared: a person looks at the answer, so it turns
fewer people away than a door does (`match.false_match_rate`)."""


class FaceReader:
    """The daemon's stages, for pictures."""

    def __init__(self, config: Config) -> None:
        """Load the models.

        Raises:
            ModelError: see `Stages.load`.
        """
        manifest = read_manifest(config.models_folder)
        self.config = config
        self.model = manifest.embedder(config.models.embedder)
        self.detector = manifest.entry(DetectorEntry, config.models.detector)
        self.stages = Stages.load(config)
        self._pipeline = Pipeline(self.stages, config)

    def looks(self, pixels: Pixels, *, near: bool = False) -> list[Look]:
        """Every face in an RGB picture, best first; `near`: but for those far behind the nearest.

        What the mesh takes for no face is left out.
        """
        frame = still(pixels)
        looks = [self._pipeline.look(frame, f) for f in faces_in(frame, self.stages, near=near)]
        looks = [look for look in looks if look.landmarks.presence >= MIN_PRESENCE]
        return _nearest(looks) if near else looks

    def only(self, pixels: Pixels, name: str) -> Look:
        """The one face near enough to be meant; `name` is the picture's, for the message.

        Raises:
            NoFaceError: there is none, or there are several.
        """
        near = self.looks(pixels, near=True)
        if len(near) != 1:
            raise NoFaceError(not_one(name, len(near)))
        return near[0]

    def subject(self, pixels: Pixels) -> Look | None:
        """Whom a portrait is about: of the near faces the most central one. None: no face."""
        height, width = pixels.shape[:2]
        middle = (width / 2, height / 2)
        near = self.looks(pixels, near=True)
        return min(near, key=lambda look: math.dist(look.face.box.centre, middle), default=None)

    def taken(self, look: Look | None) -> tuple[Floats | None, bool, bool]:
        """A face's vector, whether the door judges it and whether enrolment takes it."""
        if look is None:
            return None, False, False
        template = assess_for_enrolment(look.quality, look.landmarks, look.aligned)
        return self.embed(look).vector, look.quality.ok, template.ok

    def embed(self, look: Look) -> Embedding:
        """The vector of a face."""
        return self.stages.embedder.embed(look.frame, look.landmarks, look.aligned)


def looks_in(reader: FaceReader, image: Image, *, needed: bool) -> list[Look]:
    """Every face in a picture, best first.

    Raises:
        NoFaceError: there is none, and one is needed.
    """
    looks = reader.looks(pixels_of(image))
    if needed and not looks:
        raise NoFaceError(not_one(name_of(image), 0))
    return looks


def _nearest(looks: list[Look]) -> list[Look]:
    close = people_in([look.face for look in looks])
    return [look for look in looks if look.face in close]


def not_one(name: str, count: int) -> str:
    """Why so many faces are not the one that is needed."""
    if count:
        return f"{name} shows {count} faces, and one is needed. Cut the picture to one person."
    return f"no face was found in {name}. Is it upright, sharp and not too small?"


def reader_for(
    config: Config | None,
    model: str | None,
    detector: str | None,
    tables: dict[str, dict[str, Level]] | None = None,
) -> FaceReader:
    """Of this configuration, or the machine's, with other models and tables where they are named.

    Raises:
        ModelError: there is no such model; says how the family's own are added.
    """
    config = config or _configured()
    chosen = {"embedder": model, "detector": detector}
    updates = {"models": {k: v for k, v in chosen.items() if v is not None}, **(tables or {})}
    changed = {
        name: getattr(config, name).model_copy(update=table) for name, table in updates.items()
    }
    try:
        return _loaded(config.model_copy(update=changed).model_dump_json())
    except ModelError as error:
        raise type(error)(with_preset(str(error), chosen)) from error


def _configured() -> Config:
    """What the command line would read; the defaults where there is nothing to read."""
    path = config_path(None)
    return Config() if path == DEFAULT_PATH and not os.access(path, os.R_OK) else load(path)


@lru_cache(maxsize=4)
def _loaded(config: str) -> FaceReader:
    """Models load slowly; a script calls many times. Keyed by the text: a Config has no hash."""
    return FaceReader(Config.model_validate_json(config))
