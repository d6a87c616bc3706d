"""How this edge-door was installed, so that what messages tell people to run is true here."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

from edge import plain


@dataclass(frozen=True, slots=True)
class _Folder:
    editable: bool = False


@dataclass(frozen=True, slots=True)
class _Origin:
    """What pip noted of a folder or file that was installed (PEP 610)."""

    url: str
    dir_info: _Folder = _Folder()


def with_extra(extra: str) -> str:
    """The command that adds an extra's packages to this installation."""
    origin = _origin()
    pip = f"{sys.executable} -m pip install"
    if origin is None:
        return f"{pip} 'edge-door[{extra}]'"
    path = Path(unquote(urlsplit(origin.url).path))
    if not path.exists():
        return f"{pip} 'WHERE[{extra}]', WHERE being the checkout or wheel that it came from"
    editable = "-e " if origin.dir_info.editable else ""
    return f"{pip} {editable}'{path}[{extra}]'"


def with_pins(backend: str) -> str:
    """The command that adds the library of a pin backend."""
    return with_extra(backend) + (" (on a Pi 5: rpi5)" if backend == "rpi" else "")


def _origin() -> _Origin | None:
    """None: it came from an index."""
    try:
        noted = distribution("edge-door").read_text("direct_url.json")
    except PackageNotFoundError:  # run from its folder
        return _Origin(Path(__file__).parents[1].as_uri(), _Folder(editable=True))
    return plain.read(_Origin, json.loads(noted)) if noted else None
