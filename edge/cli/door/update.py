"""Signed updates of configuration, models and program."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.bundle import CONFIG, MODELS, PROGRAM, config_name, make_bundle, read_bundle
from edge.cli.base import ConfigOption, JsonOption, app, config_path, read_config, show
from edge.cli.fleet.keys import KeyOption, read_key
from edge.cli.places import read, to_look_in, to_read, to_write, write
from edge.config import DEFAULT_PATH, load
from edge.errors import UsageError

if TYPE_CHECKING:
    from edge.bundle import Bundle

update_app = typer.Typer(help="Signed updates.", no_args_is_help=True)
app.add_typer(update_app, name="update")

_MODEL_FILES = ("*.tflite", "*.toml", "*.json", "calibration/*.json", "adapted/*.npz")

BundleArgument = Annotated[
    Path, typer.Argument(help="A file of `edge-door update make`.", callback=to_read)
]
TrustOption = Annotated[
    str | None,
    typer.Option(help="Base64 public key to believe from now on, if this door knows none yet."),
]


@update_app.command()
def make(
    out: Annotated[Path, typer.Argument(help="The bundle to write.", callback=to_write)],
    key: KeyOption,
    *,
    door: Annotated[
        list[Path] | None, typer.Option(help="A door's configuration; once for each door.")
    ] = None,
    models: Annotated[
        Path | None, typer.Option(help="A folder of models.", callback=to_look_in)
    ] = None,
    program: Annotated[
        Path | None, typer.Option(help="A wheel of edge-door.", callback=to_read)
    ] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Newer is larger. Default: the time in seconds.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Sign configurations, models and a program as one bundle."""
    contents = _configs(door or [])
    if models is not None:
        contents |= _models(models)
    if program is not None:
        contents |= _program(program)
    if not contents:
        raise UsageError("a bundle needs --door, --models or --program.")
    content = make_bundle(read_key(key), contents, version or int(time.time()))
    write(out, content)
    bundle = read_bundle(content, None)
    show(_told(bundle) | {"file": str(out)}, as_json=json, text=f"{out}: {_sentence(bundle)}")


@update_app.command()
def check(
    bundle: Annotated[
        Path | None, typer.Argument(help="A bundle. None: the release in force.", callback=to_read)
    ] = None,
    *,
    trust: TrustOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """May this door take a bundle; or, is everything in force what was signed?"""
    from edge.ops.update import Updates, verify_release

    settings = read_config(config)
    if bundle is not None:
        found = Updates(settings, config_path(config)).examine(read(bundle), trust)
        show(_told(found), as_json=json, text=f"This door may take it: {_sentence(found)}")
        return
    if trust is not None:
        raise UsageError("--trust says who may have signed a bundle: name the bundle as well.")
    version, files = verify_release(settings)
    text = f"release {version}: {files} files are what was signed" if version else "no release"
    show({"version": version, "files": files}, as_json=json, text=text)


@update_app.command()
def apply(
    bundle: BundleArgument,
    *,
    trust: TrustOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Put a bundle in force, after it was tried; if it fails, all stays as it was.

    As root, where systemd runs the door, it starts anew with that.
    """
    from edge.ops.update import Updates

    done = Updates(read_config(config), config_path(config)).apply(read(bundle), trust)
    restarted, then = _start_anew(config)
    text = f"In force: {_sentence(done)}\n{then}"
    show(_told(done) | {"restarted": restarted}, as_json=json, text=text)


@update_app.command()
def undo(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Go back to what was in force before the last update; once. Starts anew as `apply` does."""
    from edge.ops.update import Updates

    version = Updates(read_config(config), config_path(config)).undo()
    what = f"release {version}" if version else "what was installed"
    restarted, then = _start_anew(config)
    told = {"version": version, "restarted": restarted}
    show(told, as_json=json, text=f"In force: {what}.\n{then}")


@update_app.command("test")
def try_release(
    folder: Annotated[
        Path, typer.Argument(help="A release's folder, in force or not.", callback=to_look_in)
    ],
    key: Annotated[str, typer.Option(help="Base64 public key of who must have signed it.")],
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """A release's self-test: signature, configuration, calibration, known answers."""
    from edge.ops.selftest import selftest

    models = selftest(config_path(config).absolute(), folder.absolute(), key)
    text = f"{folder} is as signed, and its {models} networks answer as they should."
    show({"models": models}, as_json=json, text=text)


def _start_anew(config: Path | None) -> tuple[bool, str]:
    """Whether the programs run what is in force, and a sentence on it."""
    from edge.ops.anew import advice, start_anew

    restarted = config_path(config) == DEFAULT_PATH and start_anew()  # systemd's door has this one
    return restarted, "The programs were restarted and run it." if restarted else advice()


def _configs(paths: list[Path]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for path in paths:
        name = config_name(load(path).device.id)
        if name in found:
            raise UsageError(f"two of these configurations are of one door: {name}.")
        found[name] = read(path)
    return found


def _models(folder: Path) -> dict[str, bytes]:
    files = [path for kind in _MODEL_FILES for path in folder.glob(kind)]
    return {f"{MODELS}/{path.relative_to(folder).as_posix()}": read(path) for path in files}


def _program(wheel: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(read(wheel))) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            found = {f"{PROGRAM}/{name}": archive.read(name) for name in names}
    except zipfile.BadZipFile as error:
        raise UsageError(f"{wheel} is no wheel: {error}.") from error
    if f"{PROGRAM}/edge/cli/door/update.py" not in found:
        raise UsageError(f"{wheel} is no wheel of edge-door that knows updates.")
    return found


def _told(bundle: Bundle) -> dict[str, object]:
    seal = bundle.seal
    parts = {part: part in bundle.parts for part in (CONFIG, MODELS, PROGRAM)}
    told = {"version": seal.version, "key": seal.key, "files": len(seal.files)}
    return {**told, "doors": bundle.doors, **parts}


def _sentence(bundle: Bundle) -> str:
    seal, parts = bundle.seal, ", ".join(bundle.parts)
    return f"version {seal.version}, {len(seal.files)} files ({parts}), by the key {seal.key}."
