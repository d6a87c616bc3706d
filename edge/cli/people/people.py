"""People: list, remove, rename, claim."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, app, config_path, own_config, show
from edge.errors import UsageError
from edge.names import folded, proper_name
from edge.ops.note import recorded_in
from edge.records import Reason
from edge.roster.envelope import fingerprint
from edge.sight import changes
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import Vault, open_vault, require_begun
from edge.wire.channel import Channel
from edge.wire.messages import Claim

if TYPE_CHECKING:
    from edge.config import Config

people_app = typer.Typer(help="Who is enrolled here.", no_args_is_help=True)
app.add_typer(people_app, name="people")


@people_app.command("list")
def list_people(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Everybody enrolled."""
    with open_vault(own_config(config), begin=False, read_only=True) as vault:
        people = vault.people()
    table = Table("name", "enrolled", "captures", "model")
    for person in people:
        day = datetime.fromtimestamp(person.enrolled).astimezone()
        table.add_row(person.name, f"{day:%Y-%m-%d %H:%M}", str(person.captures), person.model[:12])
    listed = [
        {"name": p.name, "enrolled": p.enrolled, "captures": p.captures, "model": p.model}
        for p in people
    ]
    show({"people": listed}, as_json=json, text=table if people else "Nobody is enrolled.")


@people_app.command()
def key(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show the fingerprint of this door's key, for the people office to compare."""
    with open_vault(own_config(config), begin=False, read_only=True) as vault:
        public = vault.door_key.public
    shown = fingerprint(public)
    show({"key": public, "fingerprint": shown}, as_json=json, text=shown)


@people_app.command()
def remove(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget a person; their key is destroyed."""
    settings = own_config(config)
    _refuse_if_named(settings, name, "Take them out there", config)
    with open_vault(settings, begin=False) as vault:
        name = vault.spelt(name)
        central = vault.members.has(name)
        with recorded_in(settings, vault, Reason.REMOVED, name):
            vault.remove(name)
    text = f"{name} is forgotten."
    if central:
        text += " The people office's list brings them back: `edge-door office remove` there."
    show({"removed": name, "comes_back": central}, as_json=json, text=text)


@people_app.command()
def rename(old: str, new: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Change a person's name."""
    settings = own_config(config)
    if folded(old) != folded(new):
        _refuse_if_named(settings, old, f"Write {new!r} there", config)
    with open_vault(settings, begin=False) as vault:
        old, new = vault.spelt(old), proper_name(new)
        vault.members.refuse(old)
        with recorded_in(settings, vault, Reason.RENAMED, new, before=old):
            vault.rename(old, new)
    show({"old": old, "new": new}, as_json=json, text=f"{old} is now {new}.")


@people_app.command("accept-backup")
def accept_backup(
    *,
    without_office: Annotated[
        bool,
        typer.Option(
            "--without-office",
            help="Let people from the centre in as the backup has them: you vouch for each.",
        ),
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say that this door was restored from a backup, and take its people as they are.

    Nobody from the people office may pass until its next list has come.
    """
    settings = own_config(config)
    require_begun(settings)
    paths = settings.people_db, settings.key_file
    with Vault.open(*paths, settings.device.id, accept_older=True) as vault:
        names = [person.name for person in vault.people()]
        with open_ledger(settings) as ledger:
            asks = changes.accept_backup(ledger, vault, settings, ask=not without_office)
    text = f"Accepted. Enrolled here: {', '.join(names) or 'nobody'}."
    result = {"people": names, "asks": asks}
    show(result, as_json=json, text=f"{text} {changes.ASKS}" if asks else text)


@app.command()
def claim(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Tell the running door who stands there: their template alone is compared."""
    settings = own_config(config)
    with Channel.connect(settings.sight_socket) as channel:
        channel.ask(Claim(name))
    seconds = settings.match.claim_timeout_s
    show(
        {"person": name, "seconds": seconds},
        as_json=json,
        text=f"{name} is expected at the door for {seconds:g} s.",
    )


def _refuse_if_named(settings: Config, name: str, what: str, config: Path | None) -> None:
    """A rule that names somebody must not lapse unsaid when their name goes."""
    if folded(name) in map(folded, settings.access.named):
        raise UsageError(
            f"{name} stands in [access] schedule or pin_alone of {config_path(config)}. {what}, "
            "run this again, and restart edge-door, so that the running door knows it too."
        )
