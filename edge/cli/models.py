"""Models: list, show, add, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, app, read_config, show
from edge.errors import ModelError, UsageError
from edge.evaluate.adopt import adopt
from edge.evaluate.adopt import presets as known_presets
from edge.sight.camera import images_in, read_image
from edge.sight.manifest import read_manifest, shipped_models
from edge.sight.portraits import portraits
from edge.sight.reference import shipped_calibration
from edge.sight.tflite import Model

if TYPE_CHECKING:
    from edge.sight.manifest import ModelEntry

models_app = typer.Typer(help="The networks this installation has.", no_args_is_help=True)
app.add_typer(models_app, name="models")


@models_app.command("list")
def list_models(config: ConfigOption = None, json: JsonOption = False) -> None:
    """All models, and the presets with which more can be added."""
    folder = _folder(config)
    manifest = read_manifest(folder)
    defaults = set(manifest.defaults.values())
    table = Table("name", "role", "precision", "size", "licence", "", title=str(folder))
    for entry in manifest.models.values():
        chosen = "default" if entry.name in defaults else ""
        size = f"{_bytes(entry) / 1e6:.2f} MB"
        table.add_row(entry.name, entry.role, entry.precision, size, entry.licence, chosen)
    names = sorted(known_presets(folder))
    table.caption = f"presets: {', '.join(names)}"
    listed = [
        _as_dict(entry) | {"default": entry.name in defaults} for entry in manifest.models.values()
    ]
    show({"models": listed, "presets": names}, as_json=json, text=table)


@models_app.command("show")
def show_model(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Everything that is known of one model."""
    folder = _folder(config)
    entry = _entry(folder, name)
    known = _as_dict(entry) | {"calibrated": shipped_calibration(folder, entry).is_file()}
    table = Table("", entry.name, show_header=True)
    for key, value in known.items():
        table.add_row(key, str(value))
    show(known, as_json=json, text=table)


@models_app.command("add")
def add_model(  # noqa: PLR0913 - one option each
    file: Annotated[Path, typer.Argument(help="A TFLite file.")],
    preset: Annotated[str, typer.Option(help="Which network it is: `models list` names them.")],
    *,
    name: Annotated[str | None, typer.Option(help="Default: the preset's name.")] = None,
    licence: Annotated[str | None, typer.Option(help="Of these weights.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="Portraits to try it on; default: two of Python packages.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take in a model of your own: checked, tried on two portraits, recorded with its hash."""
    folder = _folder(config)
    pictures = [read_image(p) for p in images_in(images)] if images else portraits()
    adopted = adopt(file, preset, pictures, folder, name=name, licence=licence)
    entry = adopted.entry
    text = f"{entry.name} is there: {entry.role}, {entry.precision}, licence: {entry.licence}."
    for finding, value in adopted.findings.items():
        text += f"\n{finding.replace('_', ' ')}: {value}"
    if entry.role == "embedder":
        text += (
            f"\nBefore the door can use it: edge-door calibrate --model {entry.name} "
            f"--images DIR --pairs FILE --out {shipped_calibration(folder, entry)}"
        )
    show({"ok": True} | _as_dict(entry) | adopted.findings, as_json=json, text=text)


@models_app.command("verify")
def verify_models(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Are all files the ones that the manifest names, and do they load?"""
    wrong: dict[str, str] = {}
    manifest = read_manifest(_folder(config))
    table = Table("name", "")
    for entry in manifest.models.values():
        try:
            Model(entry)
        except ModelError as error:
            wrong[entry.name] = str(error)
        table.add_row(entry.name, wrong.get(entry.name, "good"))
    good = [name for name in manifest.models if name not in wrong]
    show({"ok": not wrong, "good": good, "wrong": wrong}, as_json=json, text=table)
    if wrong:
        raise typer.Exit(1)


def _folder(config: Path | None) -> Path:
    return read_config(config).paths.models or shipped_models()


def _entry(folder: Path, name: str) -> ModelEntry:
    models = read_manifest(folder).models
    if name not in models:
        raise UsageError(f"there is no model called {name!r}. There are: {', '.join(models)}.")
    return models[name]


def _bytes(entry: ModelEntry) -> int:
    return entry.path.stat().st_size if entry.path.is_file() else 0


def _as_dict(entry: ModelEntry) -> dict[str, object]:
    return entry.model_dump(mode="json") | {"bytes": _bytes(entry)}
