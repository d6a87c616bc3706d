"""Models of this installation's owner, beside those that are shipped: written down, taken away."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edge.believed import read_ordinary
from edge.errors import UsageError, reason_of
from edge.files import replace_file
from edge.vision.models.known import forget
from edge.vision.models.manifest import ADDED, read_manifest, read_toml

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from edge.vision.models.entries import ModelEntry

Tables = dict[str, dict[str, object]]
"""By the model's name: what `described` takes, and its file."""


def write(entry: ModelEntry, table: Mapping[str, object], folder: Path) -> None:
    """Copy the file, then name it; each step is done or not done.

    Raises:
        UsageError: the folder cannot be written.
    """
    target = folder / f"{entry.name}.tflite"
    try:
        replace_file(target, read_ordinary(entry.path), 0o644)
        _note(_tables(folder) | {entry.name: {"file": target.name, **table}}, folder)
    except OSError as error:
        raise _not_written(folder, error) from error


def remove(name: str, folder: Path, used: Collection[str | None]) -> None:
    """Take an added model out of the list, then delete its file.

    `used`: the models that the configuration names.

    Raises:
        UsageError: there is no such model, it came with edge-door, it is in use, or the folder
            cannot be written.
        ModelError: the file of its known answers is damaged or cannot be written.
    """
    manifest, tables = read_manifest(folder), _tables(folder)
    entry = manifest.named(name)
    if entry.name not in tables:
        raise UsageError(f"{entry.name} came with edge-door: only added models are removed.")
    users = [e.name for e in manifest.ensembles.values() if entry in e.networks]
    if entry.name in used or users:
        where = f"by {', '.join(users)}" if users else "by the configuration's [models]"
        raise UsageError(f"{entry.name} is used {where}: choose another there first.")
    del tables[entry.name]
    try:
        _note(tables, folder)
        entry.path.unlink(missing_ok=True)
        forget(entry, folder)
    except OSError as error:
        raise _not_written(folder, error) from error


def _tables(folder: Path) -> Tables:
    notes = folder / ADDED
    found: Tables = read_toml(notes).get("models", {}) if notes.exists() else {}
    return found


def _note(tables: Tables, folder: Path) -> None:
    lines: list[str] = []
    for name, table in tables.items():
        lines.append(f"[models.{json.dumps(name)}]")
        lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
        lines.append("")
    replace_file(folder / ADDED, "\n".join(lines).encode(), 0o644)


def _not_written(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"the models' folder {folder} cannot be written: {reason_of(error)}. Copy it, change the "
        "copy, and name it with [paths] models."
    )


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        text = value.encode(errors="replace").decode()  # a file's name may be no text
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)
