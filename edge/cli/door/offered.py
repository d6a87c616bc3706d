"""The update that link has fetched: put in force by whoever may, and told to the roll-out."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from edge.believed import read_ordinary
from edge.cli.base import ConfigOption, JsonOption, complaints, config_path, read_config, show
from edge.cli.door.update import update_app
from edge.errors import EdgeDoorError, UsageError, reason_of
from edge.files import clear_away, replace_file
from edge.link.payloads import UpdateTaken, to_json
from edge.ops.owner import acting_as_owner
from edge.sealing import digest

if TYPE_CHECKING:
    from edge.config import Config


@update_app.command()
def take(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Put in force what link has fetched; if it fails its self-test, all stays as it was."""
    from edge.ops.update import Updates

    settings = read_config(config)
    path = settings.offered_bundle
    try:
        with acting_as_owner(path.parent):  # root's own eyes see more than link may show
            content = read_ordinary(path)
    except OSError as error:
        clear_away(path)  # else it is found and tried again for ever
        raise UsageError(f"no update was fetched: {path}: {reason_of(error)}") from error
    try:
        version = Updates(settings, config_path(config)).apply(content).seal.version
    except (EdgeDoorError, OSError) as error:
        _tell(settings, UpdateTaken(digest(content), 0, ok=False, why=str(error)[:400]))
        raise
    finally:
        clear_away(path)
    taken = UpdateTaken(digest(content), version, ok=True, why="")
    _tell(settings, taken)
    text = f"In force: version {version}\nNow: sudo systemctl restart edge-door.target"
    show(asdict(taken), as_json=json, text=text)


def _tell(settings: Config, taken: UpdateTaken) -> None:
    """Link reads it and may not write there; nor may who owns the folder lead root astray.

    That it cannot be told changes nothing of what is in force.
    """
    path = settings.taken_bundle
    try:
        with acting_as_owner(path.parent):
            if path.is_dir():
                clear_away(path)
            replace_file(path, to_json(taken), 0o644)
    except OSError as error:
        complaints.print(f"The office is not told: {path}: {reason_of(error)}")
