"""Projections that a site learnt for its own faces: one file each, beside the models.

`adapted/NAME.npz` holds `base`, the embedder's name; `sha256`, its hash then; and `projection`,
`(d, d)` float32. It makes an embedder of its own, with its own hash and calibration.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from edge.arrays import packed, unpacked
from edge.errors import ModelError, UsageError, reason_of
from edge.files import replace_file
from edge.folders import make_folder
from edge.vision.models.ensemble import Projection, read_projection

if TYPE_CHECKING:
    from pathlib import Path

    from edge.records import Floats
    from edge.vision.models.ensemble import Ensemble

FOLDER = "adapted"


def require_proper(name: str) -> None:
    """See that a model may have this name.

    Raises:
        UsageError: it may not.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise UsageError(f"{name!r} is not a name for a model: use a-z 0-9 . _ -")


def remember(folder: Path, name: str, base: Ensemble, projection: Floats) -> Ensemble:
    """Write a projection of `base`'s vectors: the embedder that it makes.

    Raises:
        UsageError: the name is improper, or the models' folder cannot be written.
    """
    require_proper(name)
    path = folder / FOLDER / f"{name}.npz"
    content = packed({"base": base.name, "sha256": base.sha256, "projection": projection})
    try:
        make_folder(path.parent)
        replace_file(path, content, 0o644)
    except OSError as error:
        raise UsageError(
            f"the models' folder {folder} cannot be written: {error.strerror}. Copy it, adapt "
            "there, and name it with [paths] models."
        ) from error
    return _of(path, base, read_projection(path))


def forget(folder: Path, name: str) -> None:
    """Remove a projection.

    Raises:
        UsageError: there is none of that name.
    """
    path = folder / FOLDER / f"{name}.npz"
    if not path.is_file():
        raise UsageError(f"there is no adapted embedder {name!r} in {folder}")
    path.unlink()


def adapted(folder: Path, bases: dict[str, Ensemble]) -> dict[str, Ensemble]:
    """Every projection whose base is as it was, as an embedder, by name.

    Raises:
        ModelError: a file is damaged.
    """
    found = {}
    for path in sorted((folder / FOLDER).glob("*.npz")):
        try:
            content = read_projection(path)
            arrays = unpacked(content)
            base, sha256 = str(arrays["base"]), str(arrays["sha256"])
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(f"{path} is not a projection: {reason_of(error)}") from error
        if base in bases and bases[base].sha256 == sha256:
            found[path.stem] = _of(path, bases[base], content)
    return found


def _of(path: Path, base: Ensemble, content: bytes) -> Ensemble:
    description = f"{base.name} through a projection that was learnt at this site"
    projection = Projection(path=path, sha256=hashlib.sha256(content).hexdigest())
    update = {"name": path.stem, "projection": projection, "description": description}
    return base.model_copy(update=update)
