"""The manifest's hashes."""

import hashlib
from pathlib import Path

import tomlkit

from models.build import known

MODELS = Path(__file__).parent.parent


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder: Path = MODELS) -> None:
    """Put every file's hash into the manifest, whose other text stays, and record its answers."""
    path = folder / "manifest.toml"
    manifest = tomlkit.parse(path.read_text())
    for model in manifest["models"].values():
        model["sha256"] = sha256(folder / model["file"])
    path.write_text(tomlkit.dumps(manifest))
    known.write(folder)
