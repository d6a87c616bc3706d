"""The software bill of materials (CycloneDX): locked packages, and the models with their hashes.

Run by ``./deploy/sbom.sh``; prints JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from edge import __version__
from edge.vision.models.manifest import read_toml

ROOT = Path(__file__).resolve().parents[1]


def packages() -> dict[str, Any]:
    """What cyclonedx-bom makes of the lock file."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    lock = str(ROOT / "deploy" / "requirements.lock")
    made = subprocess.run([*command, lock], check=True, capture_output=True)
    bom: dict[str, Any] = json.loads(made.stdout)
    return bom


def models() -> list[dict[str, Any]]:
    """Every model file of the manifest as a component."""
    manifest = read_toml(ROOT / "models" / "manifest.toml")
    return [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model:{name}",
            "name": name,
            "hashes": [{"alg": "SHA-256", "content": entry["sha256"]}],
            "licenses": [{"license": {"name": entry["licence"]}}],
            "description": entry["source"],
        }
        for name, entry in manifest["models"].items()
    ]


def main() -> None:
    """Print the bill."""
    bom = packages()
    bom["metadata"]["component"] = {
        "type": "application",
        "bom-ref": "edge-door",
        "name": "edge-door",
        "version": __version__,
        "licenses": [{"license": {"id": "MIT"}}],
    }
    bom["components"] += models()
    json.dump(bom, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
