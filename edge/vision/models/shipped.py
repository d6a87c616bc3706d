"""The project's seal over the models that it ships, made when they are built.

It stands in for the owner's, where no owner has sealed: `doctor` and `models verify` compare every
file, and an installed program reads no other. In a checkout, where models are made, it goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.believed import believe_shipped, read_ordinary
from edge.errors import SealError, reason_of
from edge.sealing import digests, parse_seal

if TYPE_CHECKING:
    from pathlib import Path

    from edge.sealing import FileSeal

SEAL = "shipped.seal"
PROJECT = "B7BdkNU6yQVFAvtqxYeqYG+XCaBHTj5phcvWrwVVsEw="
"""The public half of the project's key, base64."""
SIGN = "python -m models.build.sign"
"""What a maintainer types after a change of the models."""

_KINDS = ("*.tflite", "*.toml", "*.json", "calibration/*.json")
_INSTALLED = "_models"
_OWNERS = "added."
"""In the names of what `edge-door models add` writes beside the shipped files."""


def shipped_files(folder: Path) -> dict[str, str]:
    """SHA-256 of what is shipped, by name below `folder`, as it is now."""
    found = [path for kind in _KINDS for path in folder.glob(kind) if _OWNERS not in path.name]
    taken = digests(found)
    return {p.relative_to(folder).as_posix(): taken[str(p.absolute())] for p in sorted(found)}


def read_shipped(folder: Path) -> FileSeal:
    """The seal in a folder of models.

    Raises:
        SealError: there is none, or it is not the project's.
    """
    path = folder / SEAL
    try:
        return parse_seal(read_ordinary(path), str(path), PROJECT)
    except (OSError, SealError) as error:
        raise SealError(
            f"{path} is not the project's seal ({reason_of(error)}). Install edge-door again."
        ) from error


def require_shipped(folder: Path) -> int:
    """See that every shipped file is what the project has signed; how many there are.

    Raises:
        SealError: one is not; names it.
    """
    signed = read_shipped(folder).files
    found = shipped_files(folder)
    wrong = sorted(name for name in signed if found.get(name) != signed[name])
    if wrong:
        raise SealError(
            f"not what the project has signed in {folder}: {', '.join(wrong)}. Install edge-door "
            "again; models and calibrations of your own belong in a copy of that folder, which "
            f"[paths] models names. Who changes the project's models signs them anew: {SIGN}"
        )
    return len(signed)


def believe_installed(folder: Path) -> None:
    """Where this is an installed program's folder, read no shipped file but those signed.

    Raises:
        SealError: as `read_shipped`.
    """
    if folder.name == _INSTALLED:
        signed = read_shipped(folder).files
        believe_shipped({str((folder / name).absolute()): said for name, said in signed.items()})
