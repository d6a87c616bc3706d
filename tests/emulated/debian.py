"""Debian packages without installing them: downloaded and unpacked below a cache folder.

The mirror is the one this machine's apt already uses (or EDGE_DOOR_DEBIAN_MIRROR).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(
    os.environ.get("EDGE_DOOR_EMULATED_CACHE", Path.home() / ".cache/edge-door/emulated")
).resolve()
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def sh(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program; its output, or an error that carries what it said."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}")
    return done.stdout


def mirror() -> str:
    """The archive that this machine's apt takes Debian's main component from."""
    if named := os.environ.get("EDGE_DOOR_DEBIAN_MIRROR"):
        return named
    listed = sh(
        *("apt-get", "indextargets", "--format", "$(REPO_URI)"),
        *("Created-By: Packages", "Label: Debian", "Component: main"),
    )
    if not listed.split():
        raise RuntimeError(
            "apt knows no Debian mirror here: run `apt-get update`, "
            "or set EDGE_DOOR_DEBIAN_MIRROR=http://..."
        )
    return listed.split()[0]


def bootstrapped(suite: str, name: str, packages: str) -> Path:
    """The root of a fresh Debian with these packages (commas between them), made once."""
    root = CACHE / name
    if not (root / ".made").exists():
        shutil.rmtree(root, ignore_errors=True)
        sh(
            *("debootstrap", f"--keyring={KEYRING}", "--variant=minbase"),
            *(f"--include={packages}", suite, root, mirror()),
        )
        (root / ".made").touch()
    return root


@dataclass(frozen=True)
class Suite:
    """One Debian release for one architecture, in an apt configuration of its own."""

    name: str
    arch: str

    @property
    def folder(self) -> Path:
        """Where apt keeps its lists and archives for this suite."""
        return CACHE / f"apt-{self.name}-{self.arch}"

    def _env(self) -> dict[str, str]:
        config = self.folder / "apt.conf"
        if not config.exists():
            for part in ("state/lists/partial", "cache/archives/partial", "none"):
                (self.folder / part).mkdir(parents=True, exist_ok=True)
            (self.folder / "status").touch()
            (self.folder / "sources.list").write_text(
                f"deb [arch={self.arch} signed-by={KEYRING}] {mirror()} {self.name} main\n"
            )
            config.write_text(
                f'Dir::State "{self.folder}/state";\n'
                f'Dir::State::status "{self.folder}/status";\n'
                f'Dir::Cache "{self.folder}/cache";\n'
                f'Dir::Etc::sourcelist "{self.folder}/sources.list";\n'
                f'Dir::Etc::sourceparts "{self.folder}/none";\n'
                f'Dir::Etc::parts "{self.folder}/none";\n'
                f'Dir::Etc::preferencesparts "{self.folder}/none";\n'
                f'APT::Architecture "{self.arch}";\n'
                f'APT::Architectures {{ "{self.arch}"; }};\n'
                'APT::Install-Recommends "false";\n'
                'APT::Sandbox::User "root";\n'
                'Acquire::Languages "none";\n'
            )
            sh("apt-get", "update", env={"APT_CONFIG": str(config)})
        return {"APT_CONFIG": str(config)}

    def depends(self, package: str) -> str:
        """The first package that a meta package stands for, such as the newest kernel."""
        lines = sh("apt-cache", "depends", package, env=self._env()).splitlines()
        return next(line.split()[1] for line in lines if "Depends:" in line)

    def has(self, package: str) -> bool:
        """Whether this suite has a package of that name for this architecture."""
        return bool(sh("apt-cache", "madison", package, env=self._env()).strip())

    def plan(self, *packages: str) -> list[str]:
        """All that would be installed with these on a machine that has nothing yet."""
        planned = sh("apt-get", "install", "--simulate", "--yes", *packages, env=self._env())
        return [line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")]

    def unpack(self, into: Path, *packages: str, with_dependencies: bool = False) -> Path:
        """Download and unpack packages into `into`, once; returns `into`."""
        done = into / ".unpacked"
        if done.exists() and done.read_text() == " ".join(packages):
            return into
        shutil.rmtree(into, ignore_errors=True)
        debs = into / ".debs"
        debs.mkdir(parents=True)
        env = self._env()
        names = self.plan(*packages) if with_dependencies else list(packages)
        sh("apt-get", "download", *names, cwd=debs, env=env)
        for deb in sorted(debs.glob("*.deb")):
            sh("dpkg", "-x", deb, into)
        shutil.rmtree(debs)
        done.write_text(" ".join(packages))
        return into
