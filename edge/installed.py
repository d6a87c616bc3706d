"""How this edge-door was installed, so that what messages tell people to run is true here."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit


def with_extra(extra: str) -> str:
    """The command that adds an extra's packages to this installation."""
    origin = _origin()
    path = Path(unquote(urlsplit(str(origin.get("url", ""))).path))
    pip = f"{sys.executable} -m pip install"
    if not origin:
        return f"{pip} 'edge-door[{extra}]'"
    if not path.exists():
        return f"{pip} 'WHERE[{extra}]', WHERE being the checkout or wheel that it came from"
    editable = "-e " if origin.get("dir_info", {}).get("editable") else ""
    return f"{pip} {editable}'{path}[{extra}]'"


def _origin() -> dict[str, Any]:
    """What pip noted of a folder or file that was installed (PEP 610); empty for an index."""
    try:
        noted = distribution("edge-door").read_text("direct_url.json")
    except PackageNotFoundError:  # run from its folder
        return {"url": Path(__file__).parents[1].as_uri(), "dir_info": {"editable": True}}
    return dict(json.loads(noted)) if noted else {}
