"""Setting up: the configuration file and what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.base import (
    ConfigOption,
    JsonOption,
    app,
    config_path,
    own_config,
    read_config,
    show,
)
from edge.cli.record.ledger import refuse_while_sight_runs
from edge.config.example import differing, example
from edge.ops.renamed import id_before, set_unused_aside
from edge.ops.roll import require_known
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault


@app.command()
def init(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Make the key and the databases of this device; what is there already stays.

    Where `device.id` was changed before anybody was enrolled, it begins anew under the new one.
    """
    settings = own_config(config)
    other = id_before(settings)
    if other:
        refuse_while_sight_runs(settings)
        set_unused_aside(settings, other)
    paths = (settings.key_file, settings.people_db, settings.ledger_db)
    made = [str(path) for path in paths if not path.exists()]
    open_vault(settings).close()
    open_ledger(settings).close()
    text = f"made {', '.join(made)}" if made else "everything is there already"
    if other:
        text += f"; what there was of {other!r} is kept beside them"
    show({"made": made}, as_json=json, text=text)


@app.command("config")
def configuration(
    *,
    print_example: Annotated[
        bool, typer.Option("--example", help="Print a file with every key and its default.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Check the configuration file and show what is in force.

    As text what differs from the defaults, which --example prints; with --json every key.
    """
    if print_example:
        typer.echo(example(), nl=False)
        return
    settings = read_config(config, required=True)
    require_known(settings)
    path = str(config_path(config))
    in_force = settings.model_copy(update={"camera": settings.camera.public})
    result = {"file": path, "config": in_force.model_dump(mode="json")}
    changed = "\n".join(f"  {line}" for line in differing(in_force))
    beside = f"In force beside the defaults:\n{changed}" if changed else "All is as by default."
    show(result, as_json=json, text=f"{path} is valid. {beside}")
