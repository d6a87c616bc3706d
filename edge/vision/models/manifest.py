"""models/manifest.toml: which files there are, what they take and what they give."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from edge import plain
from edge.believed import read_believed
from edge.errors import ModelError, UnknownModelError, UsageError, reason_of
from edge.names import did_you_mean
from edge.vision.models.adapted import adapted, require_proper
from edge.vision.models.ensemble import Ensemble
from edge.vision.models.entries import EmbedderEntry, Entry, ModelEntry, role_of
from edge.vision.models.shipped import believe_installed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ADDED = "added.toml"
"""Beside the manifest: models that this installation's owner added."""

_TOGETHER = (
    "Models and program belong together: take both of one version, in an update by "
    "`edge-door update make` with --models and --program."
)

E = TypeVar("E", bound=Entry)
_ENTRY: TypeAdapter[ModelEntry] = TypeAdapter(ModelEntry)


class Manifest(BaseModel):
    """All models, by name, and which one serves each role by default."""

    model_config = ConfigDict(frozen=True)

    models: dict[str, ModelEntry]
    ensembles: dict[str, Ensemble]
    defaults: dict[str, str]

    def embedder(self, name: str | None = None) -> Ensemble:
        """The embedder called `name`, or the default one.

        Raises:
            ModelError: there is no such model, or it plays another role.
        """
        wanted = name or self.defaults.get("embedder") or ""
        for ensemble in self.ensembles.values():
            if _plain(wanted) == _plain(ensemble.name):
                return ensemble
        return _alone(self.entry(EmbedderEntry, wanted))

    def named(self, name: str) -> ModelEntry:
        """One file's model, whatever its role.

        Raises:
            UnknownModelError: there is none of that name.
        """
        if name not in self.models:
            meant = did_you_mean(name, self.models)
            raise UnknownModelError(f"there is no model called {name!r}.{meant}")
        return self.models[name]

    def require_free(self, name: str) -> None:
        """See that a new model may have this name.

        Raises:
            UsageError: it is improper, or one that is there answers to it.
        """
        require_proper(name)
        known = {_plain(each): each for each in (*self.models, *self.ensembles)}
        if meant := known.get(_plain(name)):
            raise UsageError(
                f"there is a model called {meant!r} already. Choose another with --name."
            )

    @property
    def embedders(self) -> list[Ensemble]:
        """All of them: each network alone, then those side by side."""
        return [*map(_alone, self.of(EmbedderEntry)), *self.ensembles.values()]

    def serving(self, kind: type[Entry], name: str | None = None) -> Entry | Ensemble:
        """What plays a role, whatever the role.

        Raises:
            ModelError: there is no such model, or it plays another role.
        """
        return self.embedder(name) if kind is EmbedderEntry else self.entry(kind, name)

    def of(self, kind: type[E]) -> list[E]:
        """The models that play a role."""
        return [model for model in self.models.values() if isinstance(model, kind)]

    def entry(self, kind: type[E], name: str | None = None) -> E:
        """The model called `name`, or the role's default.

        The names people know are understood too: "VGG-Face" finds the model that was added with
        the preset `vgg-face`.

        Raises:
            ModelError: there is no such model, or it plays another role.
        """
        role, own = role_of(kind), self.of(kind)
        wanted = name or self.defaults.get(role) or ""
        if not wanted:
            raise UnknownModelError(f"among these models is none for {role}. {_TOGETHER}")
        entry = _named(wanted, own)
        if entry is None:
            several = self.ensembles if kind is EmbedderEntry else ()
            names = sorted([*(model.name for model in own), *several])
            known, meant = ", ".join(names), did_you_mean(wanted, names)
            raise UnknownModelError(
                f"there is no {role} model called {wanted!r}.{meant} There are: {known}. "
                "More come with: edge-door models add FILE.tflite --preset NAME"
            )
        return entry


def _named(wanted: str, models: list[E]) -> E | None:
    """The model of that very name, else the first that people know by it."""
    exact = (model for model in models if model.name == wanted)
    plain = _plain(wanted)
    known = (m for m in models if plain and plain in {_plain(m.name), _plain(m.preset or "")})
    return next(exact, None) or next(known, None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def shipped_models() -> Path:
    """The folder of the models that came with edge-door: in the wheel, or beside the checkout."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "_models"
    return inside if inside.is_dir() else package.parent / "models"


def read_manifest(folder: Path | None = None) -> Manifest:
    """Read `manifest.toml` in `folder` (default: the shipped models), and what was added to it.

    Raises:
        ModelError: it is missing, unreadable, or says something that cannot be.
        SealError: it is not what was sealed, or shipped.
    """
    folder = folder or shipped_models()
    believe_installed(folder)
    shipped = read_toml(folder / "manifest.toml")
    added = read_toml(folder / ADDED) if (folder / ADDED).exists() else {}
    try:
        models = {
            name: described(name, folder / table.pop("file"), table)
            for name, table in (added.get("models", {}) | shipped.get("models", {})).items()
        }
        ensembles = {
            name: _ensemble(name, table, models)
            for name, table in shipped.get("ensembles", {}).items()
        }
        alone = {n: _alone(e) for n, e in models.items() if isinstance(e, EmbedderEntry)}
        ensembles |= adapted(folder, alone | ensembles)
        return Manifest(models=models, ensembles=ensembles, defaults=shipped.get("defaults", {}))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        mistakes = _mistakes(error)
        raise ModelError(
            f"the model manifest in {folder} is not valid: {mistakes}. {_TOGETHER}"
        ) from error


def _mistakes(error: Exception) -> str:
    """What is wrong, in one line."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = (
        f"{'.'.join(map(str, each['loc']))}: {each['msg'][:1].lower()}{each['msg'][1:]}"
        for each in error.errors()
    )
    return "; ".join(found)


def described(name: str, path: Path, table: dict[str, object]) -> ModelEntry:
    """One model from its table in the manifest.

    Raises:
        ValidationError: it does not describe a model of its role.
    """
    return _ENTRY.validate_python({"name": name, "path": path, **table})


def _alone(entry: EmbedderEntry) -> Ensemble:
    return Ensemble(name=entry.name, networks=(entry,), weights=(1.0,))


def _ensemble(name: str, table: dict[str, object], models: dict[str, ModelEntry]) -> Ensemble:
    weights = plain.read(dict[str, float], table.pop("weights"), "weights")
    networks = tuple(models[part] for part in weights)
    return Ensemble.model_validate(
        {"name": name, "networks": networks, "weights": tuple(weights.values()), **table}
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Read one of the files beside the models.

    Raises:
        ModelError: it is missing, unreadable or not TOML.
    """
    try:
        return tomllib.loads(read_believed(path).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"the model manifest {path} cannot be read: {reason_of(error)}") from error
