"""Update bundles: what a door should run from now on, in one file, signed as one.

A bundle is a ZIP file. It holds `release.seal`, the owner's seal (`edge.sealing`) over every other
file in it, and those: `config/DEVICE.toml` for each door that it configures, `models/`, and
`program/`, an unpacked wheel. Any of the three may be missing: a door then keeps what was
installed.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from edge.believed import MAX_BYTES
from edge.errors import SealError
from edge.sealing import FileSeal, digest, make_seal, parse_seal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SEAL = "release.seal"
CONFIG, MODELS, PROGRAM = "config", "models", "program"
"""The folders of its parts."""

_THE_TIME = (1980, 1, 1, 0, 0, 0)  # ZIP's first: the same content makes the same file
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ValueError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose signature and hashes were found right: these bytes, and no others."""

    seal: FileSeal
    seal_text: bytes
    contents: Mapping[str, bytes]
    """By name, relative to the bundle."""

    @property
    def doors(self) -> list[str]:
        """Ids of the doors that it configures."""
        return [PurePosixPath(name).stem for name in self.contents if _part(name) == CONFIG]

    @property
    def parts(self) -> list[str]:
        """Which of the three it brings."""
        found = {_part(name) for name in self.contents}
        return [part for part in (CONFIG, MODELS, PROGRAM) if part in found]


def config_name(device: str) -> str:
    """Where a door's configuration lies in a bundle."""
    return f"{CONFIG}/{device}.toml"


def make_bundle(key: Ed25519PrivateKey, contents: Mapping[str, bytes], version: int) -> bytes:
    """The bundle's bytes.

    Raises:
        SealError: it would be empty or too large, or a name belongs to none of its parts.
    """
    _require_proper(contents)
    if sum(map(len, contents.values())) > MAX_BYTES:
        raise SealError(f"a bundle holds at most {MAX_BYTES >> 20} MiB.")
    seal = make_seal(key, {name: digest(part) for name, part in contents.items()}, version)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in ((SEAL, seal.encode()), *sorted(contents.items())):
            archive.writestr(zipfile.ZipInfo(name, _THE_TIME), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()


def read_bundle(content: bytes, key: str | None) -> Bundle:
    """Check a bundle: signature, names, and the hash of every file in it.

    Args:
        content: The whole file.
        key: Base64 public key of who must have signed it; None: anybody.

    Raises:
        SealError: it is no bundle, damaged, changed, too large, or signed by somebody else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            bundle = _unpacked(archive, key)
    except KeyError as error:
        raise SealError(f"this is no bundle: it holds no {SEAL}.") from error
    except _DAMAGED as error:
        raise SealError(f"the bundle is damaged, or is none: {error}.") from error
    for name, part in bundle.contents.items():
        if digest(part) != bundle.seal.files[name]:
            raise SealError(f"{name} in the bundle is not what was signed.")
    return bundle


def _unpacked(archive: zipfile.ZipFile, key: str | None) -> Bundle:
    """What it holds: signed, and neither more nor less than the seal names."""
    if sum(entry.file_size for entry in archive.infolist()) > MAX_BYTES:
        raise SealError(f"the bundle is larger than {MAX_BYTES >> 20} MiB.")
    text = archive.read(SEAL)
    seal = parse_seal(text, "of the bundle", key)
    names = [name for name in archive.namelist() if name != SEAL]
    if sorted(names) != sorted(seal.files):
        raise SealError("the bundle does not hold the files that its seal vouches for.")
    _require_proper(seal.files)
    return Bundle(seal, text, {name: archive.read(name) for name in names})


def _part(name: str) -> str:
    return PurePosixPath(name).parts[0]


def _require_proper(names: Mapping[str, object]) -> None:
    """A signed name must not lead out of its folder either."""
    if not names:
        raise SealError("a bundle without files is none.")
    for name in names:
        path = PurePosixPath(name)
        plain = str(path) == name and ".." not in path.parts and "\0" not in name
        if not plain or len(path.parts) == 1 or _part(name) not in (CONFIG, MODELS, PROGRAM):
            raise SealError(f"{name!r} is no name of a file in a bundle.")
