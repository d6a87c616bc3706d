"""The manifest's hashes."""

import hashlib
from pathlib import Path

import tomlkit

MODELS = Path(__file__).parent.parent


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write(folder: Path = MODELS) -> None:
    """Put the hash of every model file into the manifest beside them; its other text stays."""
    path = folder / "manifest.toml"
    manifest = tomlkit.parse(path.read_text())
    for model in manifest["models"].values():
        model["sha256"] = sha256(folder / model["file"])
    path.write_text(tomlkit.dumps(manifest))
