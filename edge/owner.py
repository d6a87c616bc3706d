"""Whom this machine's door believes: one public key in a file of root's, apart from what it seals.

Sight keeps the key in its sealed states as well. This file is for programs that may not read those,
and it does not lie where the configuration says: who could rewrite that would choose it.
"""

from __future__ import annotations

import os
from pathlib import Path

from edge.errors import SealError
from edge.files import replace_file

_VARIABLE = "EDGE_DOOR_OWNER"
_INSTALLED = Path("/opt/edge-door/owner.pub")
_MOST = 200


def known_owner() -> str | None:
    """The base64 public key; None on a machine that was told none.

    Raises:
        SealError: there is a file, and it cannot be read.
    """
    path = _place()
    try:
        with path.open(encoding="ascii") as file:
            return file.read(_MOST).strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SealError(f"the owner's key {path} cannot be read: {error}.") from error


def remember_owner(key: str) -> None:
    """Write the key, on an installed machine; elsewhere do nothing.

    Raises:
        OSError: it cannot be written.
    """
    path = _place()
    if path.parent.is_dir() and known_owner() != key:
        replace_file(path, f"{key}\n".encode("ascii"), 0o644)


def _place() -> Path:
    return Path(os.environ.get(_VARIABLE) or _INSTALLED)
