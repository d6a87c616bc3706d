"""Releases on the disk: one folder each, and one link that says which is in force."""

from __future__ import annotations

import compileall
import fcntl
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge.bundle import PROGRAM, SEAL, config_name
from edge.errors import UpdateError
from edge.files import naming, sync_folder
from edge.folders import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.bundle import Bundle


class Releases:
    """The folder `releases` beside the link `[paths] release`. One rename puts another in force.

    Release 0 is what was installed: an empty folder, or the configuration of before the first.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self.folder = link.with_name("releases")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep every other update out meanwhile; what is made, the programs' users may read.

        Raises:
            UpdateError: one runs already.
            OSError: the folder cannot be made.
        """
        before = os.umask(0o022)
        make_folder(self.folder)
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise UpdateError(f"another update of {self.folder} runs.") from error
        finally:
            os.umask(before)
            os.close(handle)

    def place(self, version: int) -> Path:
        """The folder of one release."""
        return self.folder / str(version)

    def current(self) -> int:
        """The version in force."""
        return int(self.link.readlink().name) if self.link.is_symlink() else 0

    def leads_here(self, config_path: Path) -> bool:
        """Whether the configuration is one that came with a release."""
        inside = config_path.resolve().is_relative_to(self.folder.resolve())
        return config_path.is_symlink() and inside

    def unpack(self, bundle: Bundle, device: str, config_path: Path) -> Path:
        """Write a bundle's files for this door, durably, in force or not: its folder.

        The configuration gets the rights that the present one has.

        Raises:
            OSError: they cannot be written; nothing is left then.
        """
        fresh = self.place(bundle.seal.version)
        shutil.rmtree(fresh, ignore_errors=True)  # of an update that was cut short
        mine = config_name(device)
        skipped = set(map(config_name, bundle.doors)) - {mine}
        try:
            for name, content in {**bundle.contents, SEAL: bundle.seal_text}.items():
                if name not in skipped:
                    _write(fresh / name, content, config_path if name == mine else None)
            if PROGRAM in bundle.parts:  # the services may not write there
                compileall.compile_dir(fresh / PROGRAM, quiet=2)
            for folder, _, _ in os.walk(fresh):
                sync_folder(Path(folder))
            sync_folder(self.folder)
        except OSError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
        return fresh

    def begin(self) -> None:
        """Put release 0 in force where there is none yet: nothing changes by that.

        Raises:
            OSError: that cannot be written.
        """
        if not self.link.is_symlink():
            make_folder(self.place(0))
            self.switch(0)

    def adopt(self, config_path: Path, device: str) -> None:
        """Let the configuration's name lead into the release in force, which keeps what it says.

        Raises:
            OSError: that cannot be written; the configuration says what it said.
        """
        if self.leads_here(config_path):
            return
        kept = self.place(self.current()) / config_name(device)
        _write(kept, config_path.read_bytes(), config_path)
        sync_folder(kept.parent)
        sync_folder(kept.parent.parent)
        inside = self.link.absolute() / config_name(device)
        _relink(config_path, os.path.relpath(inside, config_path.parent.resolve()))

    def switch(self, version: int) -> None:
        """Put a release in force.

        Raises:
            OSError: it cannot be; the other one stands.
        """
        _relink(self.link, f"{self.folder.name}/{version}")

    def tidy(self, *kept: int) -> None:
        """Remove all releases but these, as far as they can be removed."""
        names = {str(version) for version in kept}
        for path in self.folder.iterdir():
            if path.name not in names:
                shutil.rmtree(path, ignore_errors=True)


def _write(path: Path, content: bytes, like: Path | None) -> None:
    """A file and its folders; with the owner's group and mode of another where one is named."""
    make_folder(path.parent)
    handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with naming(path), os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        if like is not None:
            given = like.stat()
            os.fchown(handle, -1, given.st_gid)
            os.fchmod(handle, given.st_mode & 0o777)
        else:
            os.fchmod(handle, 0o644)
        os.fsync(handle)


def _relink(link: Path, target: str) -> None:
    fresh = link.with_name(f"{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    try:
        fresh.replace(link)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(link.parent)
