"""On an installed system the state belongs to sight's user, also when root runs a command.

What root would write there, sight could not read.
"""

from __future__ import annotations

import ctypes
import os
import pwd
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ConfigError
from edge.held import let_go_of_readable

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBC = ctypes.CDLL(None, use_errno=True)
_PR_SET_KEEPCAPS = 8  # linux/prctl.h
_READS_ALL = 1 << 2  # CAP_DAC_READ_SEARCH of linux/capability.h
_VERSION_3 = 0x20080522

SIGHT, GUARD, LINK = "edge-door-sight", "edge-door-door", "edge-door-link"
"""Users that install.sh makes; each one's unit is called as it is."""
INSTALLED = Path("/var/lib/edge-door")
"""Where install.sh makes the state, for sight's user."""


def become_owner(folder: Path, *, reading: bool = False) -> None:
    """As root, become the owner of `folder` for good, with that user's groups; else do nothing.

    `reading`: what root could read stays readable, such as pictures in the closed home of whoever
    typed `sudo`, until `give_up_reading`; what is written is the owner's all the same.

    Raises:
        ConfigError: it is the folder of an installed door, and is missing: root must not begin
            another state there, which no program of the door could read.
    """
    if folder == INSTALLED and os.geteuid() == 0 and not folder.exists() and _is_user(SIGHT):
        raise ConfigError(
            f"{folder} is missing. Is its disk mounted? Else put its backup back, or begin anew "
            "with `sudo ./deploy/install.sh`"
        )
    user = _other_owner(folder)
    if user:
        _become(user, reading=reading)


def become_guard(state: Path) -> None:
    """As root at an installed door, become the guard's user for good; else do nothing.

    What root makes among the sockets no guard can use afterwards. And what the guard made there
    not even root may open to write (proc(5), `protected_regular`).
    """
    user = _other_owner(state)
    if user and user.pw_name == SIGHT and _is_user(GUARD):
        _become(pwd.getpwnam(GUARD))


def give_up_reading() -> None:
    """Read from now on as any user, and what was held open before (`edge.held`).

    Before anything is decoded that others made. Root that owns the state itself stays root.
    """
    if os.geteuid() != 0:
        _keep_alone(0)
    let_go_of_readable()


def _become(user: pwd.struct_passwd, *, reading: bool = False) -> None:
    os.initgroups(user.pw_name, user.pw_gid)  # camera and pins stay within reach
    os.setgid(user.pw_gid)
    _LIBC.prctl(_PR_SET_KEEPCAPS, int(reading), 0, 0, 0)
    os.setuid(user.pw_uid)
    if reading:
        _keep_alone(_READS_ALL)  # a container may have none to keep


def _keep_alone(capabilities: int) -> None:
    """Give up every capability but these."""
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)  # 0: this thread
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: low words, then high ones
    _LIBC.capget(header, held)
    kept = held[1] & capabilities
    if _LIBC.capset(header, (ctypes.c_uint32 * 6)(kept, kept, 0, 0, 0, 0)):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


@contextmanager
def acting_as_owner(folder: Path) -> Iterator[None]:
    """As root, act as the owner of `folder` for a while; else do nothing."""
    with _acting(_other_owner(folder)):
        yield


@contextmanager
def acting_as(name: str) -> Iterator[None]:
    """As root, act as this user for a while; do nothing where there is none."""
    with _acting(pwd.getpwnam(name) if os.geteuid() == 0 and _is_user(name) else None):
        yield


@contextmanager
def _acting(user: pwd.struct_passwd | None) -> Iterator[None]:
    if user is None:
        yield
        return
    groups = os.getgroups()
    os.initgroups(user.pw_name, user.pw_gid)
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _is_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _other_owner(folder: Path) -> pwd.struct_passwd | None:
    if os.geteuid() != 0 or not folder.is_dir():
        return None
    # Who put a link there does not get another's rights by it.
    owner = folder.lstat().st_uid or folder.stat().st_uid
    return pwd.getpwuid(owner) if owner else None
