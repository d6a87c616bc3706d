"""The two portraits in the public domain that come inside Python packages."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.installed import with_extra
from edge.vision.pictures import read_image

if TYPE_CHECKING:
    from edge.records import Pixels

_PORTRAITS = (  # Eileen Collins, Grace Hopper
    ("skimage", "data/astronaut.png"),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
)


def portraits() -> list[Pixels]:
    """The pictures of `named_portraits`."""
    return [*named_portraits().values()]


def named_portraits() -> dict[str, Pixels]:
    """Two portraits in the public domain, RGB, from whichever of their packages is installed.

    Raises:
        UsageError: neither package is.
    """
    found = [path for package, name in _PORTRAITS if (path := _inside(package, name))]
    if not found:
        raise UsageError(
            f"a portrait is needed to measure on. Run: {with_extra('demo')}, which brings two; "
            "or give a folder of your own with --images"
        )
    return {str(path): read_image(path) for path in found}


def _inside(package: str, name: str) -> Path | None:
    """A package's file, without importing the package: that would count as our memory."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / name
    return path if path.is_file() else None
