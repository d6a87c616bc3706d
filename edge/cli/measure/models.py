"""Models: list, show, add, remove, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from edge.believed import sealed
from edge.cli.base import ConfigOption, JsonOption, app, believed_config, read_config, show
from edge.cli.places import to_fill, to_look_in, to_read
from edge.errors import ModelError, SealError, UsageError
from edge.evaluate.added import remove
from edge.evaluate.adopt import adopt
from edge.evaluate.presets import preset_of
from edge.evaluate.presets import presets as known_presets
from edge.names import did_you_mean
from edge.vision.calibrated import shipped_calibration
from edge.vision.models.ensemble import Ensemble
from edge.vision.models.entries import Entry, ModelEntry
from edge.vision.models.loader import Loader
from edge.vision.models.manifest import Manifest, read_manifest, shipped_models
from edge.vision.models.runtimes import choose
from edge.vision.models.shipped import SEAL, require_shipped
from edge.vision.pictures import images_in, read_image
from edge.vision.portraits import named_portraits

if TYPE_CHECKING:
    from edge.records import Pixels

models_app = typer.Typer(help="The networks this installation has.", no_args_is_help=True)
app.add_typer(models_app, name="models")


@models_app.command("list")
def list_models(config: ConfigOption = None, json: JsonOption = False) -> None:
    """All models, and the presets with which more can be added."""
    folder = _folder(config)
    manifest = read_manifest(folder)
    defaults = set(manifest.defaults.values())
    name, role = Column("name", no_wrap=True), Column("role", no_wrap=True)
    table = Table(name, role, "size", "licence", "", title=str(folder))
    for entry in manifest.models.values():
        chosen = "default" if entry.name in defaults else ""
        size = f"{_bytes(entry) / 1e6:.2f} MB"
        table.add_row(entry.name, entry.role, size, entry.licence, chosen)
    for several in manifest.ensembles.values():
        chosen = "default" if several.name in defaults else ""
        size = f"{sum(map(_bytes, several.networks)) / 1e6:.2f} MB"
        licences = " and ".join(dict.fromkeys(entry.licence for entry in several.networks))
        table.add_row(several.name, "embedder", size, licences, chosen)
    presets = sorted(known_presets(folder))
    table.caption = f"presets: {', '.join(presets)}"
    listed = [_as_dict(one) | {"default": one.name in defaults} for one in _all(manifest).values()]
    show({"models": listed, "presets": presets}, as_json=json, text=table)


@models_app.command("show")
def show_model(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Everything that is known of one model."""
    folder = _folder(config)
    entry = _known(folder, name)
    known = _as_dict(entry) | {"calibrated": shipped_calibration(folder, entry.name).is_file()}
    table = Table("", entry.name, show_header=True)
    for key, value in known.items():
        table.add_row(key, str(value))
    show(known, as_json=json, text=table)


@models_app.command("add")
def add_model(
    file: Annotated[Path, typer.Argument(help="A TFLite file.", callback=to_read)],
    preset: Annotated[str, typer.Option(help="Which network it is: `models list` names them.")],
    *,
    name: Annotated[str | None, typer.Option(help="Default: the preset's name.")] = None,
    licence: Annotated[str | None, typer.Option(help="Of these weights.")] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Portraits of different people to try it on; default: two of Python packages.",
            callback=to_look_in,
        ),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take in a model of your own: checked, tried on two portraits, recorded with its hash."""
    folder = _folder(config)
    to_fill(folder)
    preset_of(folder, preset)  # before any picture is read
    pictures = _pictures(images)
    adopted = adopt(file, preset, pictures, folder, name=name, licence=licence)
    entry = adopted.entry
    text = f"{entry.name} is there: {entry.role}, {entry.precision}, licence: {entry.licence}."
    for finding, value in adopted.findings.items():
        text += f"\n{finding.replace('_', ' ')}: {value}"
    if entry.role == "embedder":
        text += (
            f"\nBefore the door can use it: edge-door calibrate --model {entry.name} "
            f"--images DIR --pairs FILE --out {shipped_calibration(folder, entry.name)}"
        )
    show(_as_dict(entry) | adopted.findings, as_json=json, text=text)


@models_app.command("remove")
def remove_model(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Take away a model that was added; what came with edge-door stays."""
    settings, folder = read_config(config), _folder(config)
    remove(name, folder, settings.models.model_dump().values())
    calibration = shipped_calibration(folder, name)
    text = f"{name} is removed."
    if calibration.is_file():
        text += f" Its calibration stays: {calibration}"
    show({"removed": name}, as_json=json, text=text)


@models_app.command("verify")
def verify_models(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Are all files the ones that the manifest names, and does the runtime compute them rightly?"""
    wrong: dict[str, str] = {}
    settings, folder = believed_config(config), _folder(config)
    table = Table("name", "")
    if folder == shipped_models() and not sealed():
        try:
            require_shipped(folder)
        except SealError as error:
            wrong[SEAL] = str(error)
        table.add_row(SEAL, wrong.get(SEAL, "good"))
    manifest = read_manifest(folder)
    load = Loader(folder, choose(settings.models.runtime))
    for entry in manifest.models.values():
        try:
            load(entry)
        except (ModelError, SealError) as error:
            wrong[entry.name] = str(error)
        table.add_row(entry.name, wrong.get(entry.name, "good"))
    good = [name for name in manifest.models if name not in wrong]
    show({"ok": not wrong, "good": good, "wrong": wrong}, as_json=json, text=table)
    if wrong:
        raise typer.Exit(1)


def _pictures(folder: Path | None) -> dict[str, Pixels]:
    if folder is None:
        return named_portraits()
    return {str(path): read_image(path) for path in images_in(folder)}


def _folder(config: Path | None) -> Path:
    return read_config(config).models_folder or shipped_models()


def _known(folder: Path, name: str) -> ModelEntry | Ensemble:
    models = _all(read_manifest(folder))
    if name not in models:
        meant = did_you_mean(name, models)
        raise UsageError(
            f"there is no model called {name!r}.{meant} There are: {', '.join(models)}."
        )
    return models[name]


def _all(manifest: Manifest) -> dict[str, ModelEntry | Ensemble]:
    return {**manifest.models, **manifest.ensembles}


def _bytes(entry: ModelEntry) -> int:
    return entry.path.stat().st_size if entry.path.is_file() else 0


def _as_dict(entry: ModelEntry | Ensemble) -> dict[str, object]:
    if isinstance(entry, Entry):
        return entry.model_dump(mode="json") | {"bytes": _bytes(entry)}
    weights = {e.name: w for e, w in zip(entry.networks, entry.weights, strict=True)}
    return {
        "name": entry.name,
        "role": "embedder",
        "description": entry.description,
        "weights": weights,
        "precision": entry.precision,
        "sha256": entry.sha256,
        "bytes": sum(map(_bytes, entry.networks)),
    }
