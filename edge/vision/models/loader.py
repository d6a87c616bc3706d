"""Loads networks in one runtime, and believes none before it gave its known answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.vision.models.known import check, read_known
from edge.vision.models.manifest import shipped_models
from edge.vision.models.model import Model

if TYPE_CHECKING:
    from pathlib import Path

    from edge.vision.models.manifest import E
    from edge.vision.models.runtime import Runtime


class Loader:
    """One runtime, and what is known of the files in one folder."""

    def __init__(self, folder: Path | None, runtime: Runtime, threads: int = 1) -> None:
        """Read what is known; `folder` None: of the shipped models.

        Raises:
            ModelError: the file of known answers is damaged.
        """
        self._known = read_known(folder or shipped_models())
        self._runtime = runtime
        self._threads = threads

    def __call__(self, entry: E) -> Model[E]:
        """Load a file and ask it.

        Raises:
            ModelError: as `Model` and `edge.vision.models.known.check`.
        """
        model = Model(entry, self._runtime, self._threads)
        check(model, self._known.get(entry.sha256), self._runtime.name)
        return model
