"""Loads networks in one runtime, and believes none before it gave its known answers."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from edge.vision.models.known import check, read_known
from edge.vision.models.manifest import shipped_models
from edge.vision.models.model import Model
from edge.vision.models.threads import cores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.vision.models.manifest import E
    from edge.vision.models.runtime import Runtime


class Loader:
    """One runtime, and what is known of the files in one folder."""

    def __init__(
        self,
        folder: Path | None,
        runtime: Runtime,
        threads: int = 1,
        tuned: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Read what is known.

        Args:
            folder: Of the models; None: of the shipped ones.
            runtime: What computes them.
            threads: Of one inference; never more than there are cores.
            tuned: Other numbers of threads, by the SHA-256 of the network's file.

        Raises:
            ModelError: the file of known answers is damaged.
        """
        self._known = read_known(folder or shipped_models())
        self._runtime = runtime
        self._threads = threads
        self._tuned = tuned

    def __call__(self, entry: E) -> Model[E]:
        """Load a file and ask it.

        Raises:
            ModelError: as `Model` and `edge.vision.models.known.check`.
        """
        threads = min(self._tuned.get(entry.sha256, self._threads), cores())
        model = Model(entry, self._runtime, threads)
        check(model, self._known.get(entry.sha256), self._runtime.name)
        return model
