"""The record of what happened: check, copy and restore the file; verify and export the events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, app, own_config, read_config, show
from edge.cli.places import to_make, to_read
from edge.errors import UsageError, WireError
from edge.held import by_name, hold
from edge.ops.owner import acting_as_owner, give_up_reading
from edge.sight import changes
from edge.sight.sealed_ledger import accept_ledger, open_ledger, restore_ledger
from edge.vault.vault import open_vault
from edge.wire.channel import Channel
from edge.words import counted

if TYPE_CHECKING:
    from edge.config import Config

ledger_app = typer.Typer(help="The file that events are kept in.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")


@ledger_app.command()
def check(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Is the file sound, the chain whole, all of it this device's, and none of it missing?"""
    settings = own_config(config)
    with open_ledger(settings, read_only=True) as ledger:
        problems, written = ledger.verify() or ledger.older(), ledger.written()
    result = {"ok": not problems, "events": written, "problems": problems}
    verdict = f"{settings.ledger_db} is whole: {counted(written, 'event')}, signed by this device."
    show(result, as_json=json, text="\n".join(problems) or verdict)
    if problems:
        raise typer.Exit(1)


@ledger_app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="A new file.", callback=to_make)],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Copy the ledger into a new file, whole, while the door works."""
    settings = read_config(config)
    with acting_as_owner(settings.paths.state):
        ledger = open_ledger(settings, read_only=True)
    with ledger:  # the copy goes where this user may write
        ledger.backup(file)
        written = ledger.written()
    result = {"file": str(file), "events": written}
    show(result, as_json=json, text=f"{file} holds {counted(written, 'event')}.")


@ledger_app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A copy that `backup` made.", callback=to_read)],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Put a backup in the ledger's place; what lay there is kept beside it."""
    settings = own_config(config, reading=True)
    hold([file])
    give_up_reading()
    refuse_while_sight_runs(settings)
    with by_name(file) as place:
        kept = restore_ledger(settings, place)
    _tell_accepted(settings, f"{file} is in place. What lay there is now {kept}.", as_json=json)


@ledger_app.command()
def accept(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Take the ledger as it is: an older one, or one that was changed, damaged or begun anew.

    Lockouts and a commanded mode in it are forgotten unless this device sealed them.
    """
    settings = own_config(config)
    refuse_while_sight_runs(settings)
    accept_ledger(settings)
    _tell_accepted(settings, "The ledger is accepted as it is.", as_json=json)


def _tell_accepted(settings: Config, text: str, *, as_json: bool) -> None:
    with open_ledger(settings) as ledger, open_vault(settings) as vault:
        asks = changes.accept_backup(ledger, vault, settings)
        problems = ledger.verify()
        result = {"events": ledger.written(), "problems": problems, "asks": asks}
    show(result, as_json=as_json, text=f"{text} {changes.ASKS}" if asks else text)


def refuse_while_sight_runs(settings: Config) -> None:
    """See that nobody else holds the databases open.

    Raises:
        UsageError: sight does.
    """
    try:
        Channel.connect(settings.sight_socket).close()
    except WireError:
        return
    raise UsageError(
        "sight is running and holds the ledger open. Stop it first: "
        "sudo systemctl stop edge-door.target"
    )
