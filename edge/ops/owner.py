"""On an installed system the state belongs to sight's user, also when root runs a command."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def become_owner(folder: Path) -> None:
    """As root, become the owner of `folder` with that user's groups; else do nothing.

    What root would write there, sight could not read. The groups keep the camera within reach.
    """
    if os.geteuid() != 0 or not folder.is_dir():
        return
    owner = folder.stat().st_uid
    if owner == 0:
        return
    user = pwd.getpwuid(owner)
    os.initgroups(user.pw_name, user.pw_gid)
    os.setgid(user.pw_gid)
    os.setuid(owner)
