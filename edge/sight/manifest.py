"""models/manifest.toml: which files there are, what they eat and what they give."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.errors import ModelError
from edge.sight.aligner import Alignment  # noqa: TC001 - pydantic reads it

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ADDED = "added.toml"
"""Beside the manifest: models that this installation's owner added."""

Role = Literal["detector", "landmarks", "eyelids", "shut_eyes", "embedder"]


class InputSpec(BaseModel):
    """What a model eats: x = (pixel - mean) / std, one image of three channels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int
    height: int
    color: Literal["rgb", "bgr"] = "rgb"
    mean: float | tuple[float, float, float] = 0.0
    """For all channels, or for each in the order of `color`."""
    std: float | tuple[float, float, float] = 1.0
    whiten: bool = False
    """Each image by its own mean and deviation instead."""
    layout: Literal["nhwc", "nchw"] = "nhwc"


class ModelEntry(BaseModel):
    """One model file as the manifest describes it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    role: Role
    path: Path
    sha256: str
    precision: Literal["float32", "float16", "int8"]
    licence: str
    source: str
    description: str = ""
    preset: str | None = None
    """The preset that it was added with: another name under which people know it."""
    alignment: Alignment = "arcface-112"
    input: InputSpec
    output: dict[str, Any]


class Manifest(BaseModel):
    """All models, by name, and which one serves each role by default."""

    model_config = ConfigDict(frozen=True)

    models: dict[str, ModelEntry]
    defaults: dict[Role, str]

    def entry(self, role: Role, name: str | None = None) -> ModelEntry:
        """The model called `name`, or the role's default.

        The names people know are understood too: "VGG-Face" finds the model that was added with
        the preset `vgg-face`.

        Raises:
            ModelError: there is no such model, or it plays another role.
        """
        wanted = name or self.defaults.get(role) or ""
        own = [model for model in self.models.values() if model.role == role]
        exact = next((model for model in own if model.name == wanted), None)
        known_as = (m for m in own if _plain(wanted) in {_plain(m.name), _plain(m.preset or "")})
        entry = exact or (next(known_as, None) if wanted else None)
        if entry is None:
            known = ", ".join(sorted(model.name for model in own))
            raise ModelError(
                f"there is no {role} model called {wanted!r}. There are: {known}. "
                "More come with: edge-door models add FILE.tflite --preset NAME"
            )
        return entry


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def shipped_models() -> Path:
    """The folder of the models that came with edge-door: in the wheel, or beside the checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "_models"
    return inside if inside.is_dir() else package.parent / "models"


def read_manifest(folder: Path | None = None) -> Manifest:
    """Read `manifest.toml` in `folder` (default: the shipped models), and what was added to it.

    Raises:
        ModelError: it is missing, unreadable, or says something that cannot be.
    """
    folder = folder or shipped_models()
    shipped = read_toml(folder / "manifest.toml")
    added = read_toml(folder / ADDED) if (folder / ADDED).exists() else {}
    try:
        models = {
            name: ModelEntry(name=name, path=folder / table.pop("file"), **table)
            for name, table in (added.get("models", {}) | shipped.get("models", {})).items()
        }
        return Manifest(models=models, defaults=shipped.get("defaults", {}))
    except (ValidationError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"the model manifest in {folder} is not valid: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read one of the files beside the models.

    Raises:
        ModelError: it is missing, unreadable or not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the model manifest {path} cannot be read: {error}") from error
