"""Whom this machine's door believes: one public key in a file of root's, apart from what it seals.

Sight keeps the key in its sealed states as well. This file is for programs that may not read those,
and it does not lie where the configuration says: who could rewrite that would choose it.

Beside it lies a copy of the configuration that was sealed last, for the guard: where somebody has
changed the configuration, nobody is let in, but the exit button and the fire input must work.
"""

from __future__ import annotations

import os
from pathlib import Path

from edge.believed import read_ordinary
from edge.errors import SealError, reason_of
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
        return read_ordinary(path, _MOST).decode("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SealError(f"the owner's key {path} cannot be read: {reason_of(error)}.") from error


def remember_owner(key: str, config_path: Path) -> None:
    """Keep the key and the configuration that it has sealed, on an installed machine.

    Raises:
        OSError: they cannot be written.
    """
    path = _place()
    if not path.parent.is_dir():
        return
    given = config_path.stat()
    copy = _copy()
    replace_file(copy, config_path.read_bytes(), given.st_mode & 0o777)
    os.chown(copy, -1, given.st_gid)
    if known_owner() != key:
        replace_file(path, f"{key}\n".encode("ascii"), 0o644)


def forget_owner() -> None:
    """Believe nobody again, where the first to be believed came to nothing.

    Raises:
        OSError: the files cannot be removed.
    """
    for path in (_place(), _copy()):
        path.unlink(missing_ok=True)


def sealed_copy() -> Path | None:
    """The configuration that was sealed last; None where none was.

    Without the key beside it, it is what was left of a sealing that was cut short.
    """
    copy = _copy()
    return copy if _place().is_file() and copy.is_file() else None


def _copy() -> Path:
    return _place().with_name("sealed.toml")


def _place() -> Path:
    return Path(os.environ.get(_VARIABLE) or _INSTALLED)
