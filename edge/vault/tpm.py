"""A TPM 2.0, by Debian's tpm2-tools: it seals what no other machine can open, and it counts.

The parent is the owner hierarchy's primary key, which the TPM makes the same each time. No PCR is
bound: a Raspberry Pi measures nothing at boot, and an update of the kernel must not lock the door.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from edge.errors import VaultError

_LIMIT_S = 30.0
_COUNTER, _KIND = "0x1800ed0", "ownerread|ownerwrite|nt=counter"
"""An index of the owner's own range. One that is made anew begins above all that ever were."""


def seal(secret: bytes) -> tuple[bytes, bytes]:
    """What is kept of it: the public and the encrypted part.

    Raises:
        VaultError: there is no TPM, or its tools are missing.
    """
    with tempfile.TemporaryDirectory(prefix="edge-door-tpm-") as place:
        parent, public, private = (Path(place) / name for name in ("parent", "public", "private"))
        _primary(parent)
        parts = ["-u", str(public), "-r", str(private)]
        _run(["tpm2_create", "-Q", "-C", str(parent), "-i", "-", *parts], secret)
        _forget()
        return public.read_bytes(), private.read_bytes()


def unseal(public: bytes, private: bytes) -> bytes:
    """What was sealed.

    Raises:
        VaultError: this is another TPM, there is none, or its tools are missing.
    """
    with tempfile.TemporaryDirectory(prefix="edge-door-tpm-") as place:
        parent, loaded = Path(place) / "parent", Path(place) / "loaded"
        parts = []
        for option, name, content in (("-u", "public", public), ("-r", "private", private)):
            (Path(place) / name).write_bytes(content)
            parts += [option, str(Path(place) / name)]
        _primary(parent)
        _run(["tpm2_load", "-Q", "-C", str(parent), *parts, "-c", str(loaded)])
        secret = _run(["tpm2_unseal", "-Q", "-c", str(loaded)])
        _forget()
        return secret


def count() -> int:
    """The number of this TPM's counter for edge-door, which nobody can set back.

    Raises:
        VaultError: as `seal`.
    """
    if _COUNTER not in _run(["tpm2_getcap", "handles-nv-index"]).decode().lower():
        _run(["tpm2_nvdefine", "-Q", _COUNTER, "-C", "o", "-a", _KIND])
        count_up(1)  # before that it has none
    return int.from_bytes(_run(["tpm2_nvread", _COUNTER, "-C", "o", "-s", "8"]), "big")


def count_up(times: int) -> None:
    """Raise it.

    Raises:
        VaultError: as `seal`.
    """
    for _ in range(times):
        _run(["tpm2_nvincrement", "-Q", _COUNTER, "-C", "o"])


def _primary(path: Path) -> None:
    _run(["tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", str(path)])
    _forget()


def _forget() -> None:
    """A TPM without the kernel's resource manager has room for three objects."""
    _run(["tpm2_flushcontext", "-t"])


def _run(command: list[str], given: bytes = b"") -> bytes:
    try:
        ended = subprocess.run(
            command, input=given, capture_output=True, timeout=_LIMIT_S, check=False
        )
    except FileNotFoundError as error:
        raise VaultError(f"{command[0]} is missing: apt-get install tpm2-tools.") from error
    except subprocess.TimeoutExpired as error:
        raise VaultError(f"The TPM does not answer {command[0]}.") from error
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines() or ["no reason"]
        raise VaultError(f"The TPM refuses {command[0]}: {said[0]}. The user needs the group tss.")
    return ended.stdout
