"""Which files decide who is let in, and whether they are what the owner sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import SealError
from edge.sealing import digests
from edge.vision.models.adapted import FOLDER as ADAPTED
from edge.vision.models.known import ADDED_KNOWN, KNOWN
from edge.vision.models.manifest import ADDED, read_manifest, shipped_models

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config
    from edge.sight.seals import Vouched


def believed_files(config: Config, config_path: Path) -> list[Path]:
    """Everything that decides who is let in."""
    folder = config.models_folder or shipped_models()
    files = [config_path, *(folder / name for name in ("manifest.toml", ADDED, KNOWN, ADDED_KNOWN))]
    files += sorted((folder / "calibration").glob("*.json"))
    files += sorted((folder / ADAPTED).glob("*.npz"))
    files += [entry.path for entry in read_manifest(folder).models.values()]
    files += [config.match.calibration] if config.match.calibration else []
    return [path for path in files if path.exists()]


def require_sealed(config: Config, config_path: Path, found: Vouched) -> int:
    """See that every file is what was sealed; how many there are.

    Raises:
        SealError: one is not; names it.
    """
    files = digests(believed_files(config, config_path))
    for name, said in files.items():
        if found.files.get(name) != said:
            raise SealError(f"{name} is not what was sealed: it was changed or added.")
    return len(files)
