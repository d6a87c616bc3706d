"""The faces of a folder's pictures, remembered beside them, so that `find` reads each once.

The file holds vectors by the SHA-256 of a picture's bytes, and is good for one choice of models.
It holds no name and no picture; whoever may read it may read the pictures too.
"""

from __future__ import annotations

import contextlib
import hashlib
from typing import TYPE_CHECKING

import numpy as np

from edge.arrays import packed, unpacked
from edge.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

    from edge.records import Floats


class Remembered:
    """Vectors by picture. Use it as a context manager: at its end what is new is kept."""

    def __init__(self, folder: Path, models: str) -> None:
        """`models` names the choice of models; pictures of another choice are not mixed in."""
        self._path = folder / f".edge-door-faces-{hashlib.sha256(models.encode()).hexdigest()[:16]}"
        self._known = _read(self._path)
        self._used: dict[str, Floats] = {}

    def vectors(self, path: Path, look: Callable[[], list[Floats]]) -> Floats:
        """The vectors `(n, d)` of the faces in a picture, from memory or from `look`.

        Raises:
            OSError: the picture cannot be read.
        """
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found = self._known.get(digest)
        if found is None:
            found = np.array(look(), np.float32)
        self._used[digest] = found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, ended: object, *_: object) -> None:
        # Whoever broke off has not come to the rest.
        kept = self._used if ended is None else {**self._known, **self._used}
        if kept.keys() == self._known.keys():
            return
        with contextlib.suppress(OSError):  # a folder that may not be written is only slower
            replace_file(self._path, packed(kept))


def _read(path: Path) -> dict[str, Floats]:
    try:
        stored = unpacked(path.read_bytes())
        return {name: np.asarray(rows, np.float32) for name, rows in stored.items()}
    except (OSError, ValueError):  # none yet, or damaged: made anew
        return {}
