"""Sealing what decides who is let in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from edge.access.command import public_text
from edge.cli.base import ConfigOption, JsonOption, app, config_path, read_config, show
from edge.cli.fleet.keys import read_key
from edge.cli.places import to_read
from edge.errors import UsageError, reason_of
from edge.files import replace_file
from edge.ops.owner import acting_as_owner
from edge.owner import remember_owner
from edge.sealing import digests, make_seal, read_seal
from edge.sight.journal import Journal
from edge.sight.sealed_ledger import open_ledger
from edge.sight.seals import KEY, RELEASE, VERSION, note_seal, seal_path, vouched


@app.command()
def seal(
    key: Annotated[
        Path | None,
        typer.Option(
            help="Your private key, kept elsewhere. None: only check the seal.", callback=to_read
        ),
    ] = None,
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Sign configuration, models and calibration: sight believes no other then."""
    # Only here is a manifest read, which brings numpy.
    from edge.sight.sealed_files import believed_files, require_sealed

    path, settings = config_path(config).absolute(), read_config(config, required=True)
    signer = None if key is None else read_key(key)
    place = seal_path(path)
    if signer is not None:
        with acting_as_owner(settings.paths.state), open_ledger(settings) as ledger:
            states = ledger.sealed()
        known = states.get(KEY)
        if known not in (None, public_text(signer)):
            raise UsageError(f"this door believes another key already: {known}.")
        # The clock may have been ahead at the last one: it must be newer all the same.
        seen = max(int(states.get(name, 0)) for name in (VERSION, RELEASE))
        version, files = max(int(time.time()), seen + 1), believed_files(settings, path)
        try:
            replace_file(place, make_seal(signer, digests(files), version).encode(), 0o644)
            remember_owner(public_text(signer), path)
        except OSError as error:
            named = error.filename or place
            raise UsageError(f"{named} cannot be written: {reason_of(error)}.") from error
    with acting_as_owner(settings.paths.state), open_ledger(settings) as ledger:
        found = read_seal(place, ledger.sealed().get(KEY))
        if signer is not None:
            journal = Journal(ledger, settings.device.id)
            note_seal(journal, found.key, found.version, len(found.files))
    count = require_sealed(settings, path, vouched(settings, path, found.key))
    result = {"seal": str(place), "version": found.version, "files": count}
    text = f"{count} files are what was sealed, by the key {found.key}."
    show(result, as_json=json, text=text)
