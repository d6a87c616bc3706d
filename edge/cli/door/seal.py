"""Sealing what decides who is let in."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, app, config_path, own_config, read_config, show
from edge.cli.fleet.keys import read_key
from edge.errors import UsageError
from edge.files import replace_file
from edge.sealing import digests, make_seal, read_seal
from edge.sight.journal import Journal, open_ledger


@app.command()
def seal(
    key: Annotated[
        Path | None,
        typer.Option(help="Your private key, kept elsewhere. None: only check the seal."),
    ] = None,
    *,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Sign configuration, models and calibration: sight believes no other then."""
    # Only here is a manifest read, which brings numpy.
    from edge.sight.sealed_files import KEY, believed_files, note_seal, seal_path

    path = config_path(config).absolute()
    signer = None if key is None else read_key(key)
    place, version = seal_path(path), int(time.time())
    if signer is not None:
        files = believed_files(read_config(config, required=True), path)
        try:
            replace_file(place, make_seal(signer, digests(files), version).encode(), 0o644)
        except OSError as error:
            raise UsageError(f"{place} cannot be written: {error.strerror or error}.") from error
    settings = own_config(config)
    with open_ledger(settings) as ledger:
        known = ledger.sealed().get(KEY)
        found = read_seal(place, known)
        if signer is not None:
            note_seal(
                Journal(ledger, settings.device.id), found.key, found.version, len(found.files)
            )
    result = {"ok": True, "seal": str(place), "version": found.version, "files": len(found.files)}
    text = f"{place} vouches for {len(found.files)} files, by the key {found.key}."
    show(result, as_json=json, text=text)
