"""The stages of the way from a frame to evidence: which models the configuration names, loaded."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.vision.calibrated import self_similarity
from edge.vision.faces.detector import Detector
from edge.vision.faces.embedder import Embedder
from edge.vision.faces.landmarks import Mesh
from edge.vision.liveness.checks import CHECKS
from edge.vision.liveness.eyelids import Eyelids
from edge.vision.models.entries import (
    DetectorEntry,
    EyelidsEntry,
    LandmarksEntry,
)
from edge.vision.models.known import WrongAnswerError
from edge.vision.models.loader import Loader
from edge.vision.models.manifest import read_manifest
from edge.vision.models.runtimes import candidates
from edge.vision.models.threads import tuned
from edge.vision.opencv import settle

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.liveness.check import Check
    from edge.vision.models.manifest import E, Manifest
    from edge.vision.models.model import Model
    from edge.vision.models.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Stages:
    """The models, loaded and checked."""

    detector: Detector
    mesh: Mesh
    eyelids: Eyelids
    embedder: Embedder
    self_similarity: float
    """The least similarity of one face to itself across a track, on the embedder's scale."""
    checks: tuple[Check, ...] = ()
    """What may speak against a picture; none where `[liveness] level` does not ask."""

    @classmethod
    def load(cls, config: Config, runtime: Runtime | None = None) -> Stages:
        """Load what `[models]` names, in the runtime that it names or in the one given.

        Every network is asked what is known already (`edge.vision.models.known`). Where the
        configuration leaves the runtime open, one that answers wrongly makes room for the next.

        Raises:
            ModelError: a file or the manifest is missing, altered or of the wrong shape, or no
                runtime here computes it as it was made.
        """
        settle()
        manifest = read_manifest(config.models_folder)
        runtimes = [runtime] if runtime else candidates(config.models.runtime)
        for each in runtimes[:-1]:
            try:
                return cls._in(each, config, manifest)
            except WrongAnswerError as error:
                log.error("%s", error)
        return cls._in(runtimes[-1], config, manifest)

    @classmethod
    def _in(cls, runtime: Runtime, config: Config, manifest: Manifest) -> Stages:
        section, load = config.models, _loader(config, runtime)

        def model(kind: type[E], name: str | None) -> Model[E]:
            return load(manifest.entry(kind, name))

        return cls(
            Detector(model(DetectorEntry, section.detector)),
            Mesh(model(LandmarksEntry, section.landmarks)),
            Eyelids(model(EyelidsEntry, section.eyelids)),
            cls.embedder_of(config, manifest, runtime),
            self_similarity(config),
            cls.checks_of(config, manifest, runtime),
        )

    @staticmethod
    def checks_of(config: Config, manifest: Manifest, runtime: Runtime) -> tuple[Check, ...]:
        """Load the passive checks alone."""
        load = _loader(config, runtime)

        def model(kind: type[E]) -> Model[E]:
            return load(manifest.entry(kind))

        return tuple(check(model) for check in CHECKS if check.wanted(config))

    @staticmethod
    def embedder_of(config: Config, manifest: Manifest, runtime: Runtime) -> Embedder:
        """Load the embedder alone."""
        ensemble, load = manifest.embedder(config.models.embedder), _loader(config, runtime)
        networks = [load(entry) for entry in ensemble.networks]
        return Embedder(networks, ensemble.weights, ensemble.projection)


def _loader(config: Config, runtime: Runtime) -> Loader:
    return Loader(config.models_folder, runtime, config.models.threads, tuned(config))
