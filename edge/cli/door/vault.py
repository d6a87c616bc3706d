"""The device key: unlock, lock, change."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, app, ask_secret, own_config, show
from edge.cli.places import to_read
from edge.cli.record.ledger import refuse_while_sight_runs
from edge.errors import UsageError
from edge.held import hold
from edge.ops.owner import give_up_reading
from edge.ops.rekey import rekey as change_key
from edge.ops.rekey import unlock_key
from edge.vault.vault import require_begun

if TYPE_CHECKING:
    from edge.config import Config

vault_app = typer.Typer(help="The device key.", no_args_is_help=True)
app.add_typer(vault_app, name="vault")

StdinOption = Annotated[
    bool, typer.Option("--stdin", help="Read the passphrase from standard input, one line.")
]


@vault_app.command()
def unlock(
    *,
    stdin: StdinOption = False,
    accept_older: Annotated[
        bool, typer.Option("--accept-older", help="Take a state older than the TPM has counted.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Open a locked key into memory, until the next boot or `lock`."""
    settings = own_config(config)
    _require_locked(settings)
    unlock_key(settings, partial(_passphrase, stdin=stdin), accept_older=accept_older)
    show({}, as_json=json, text=f"The device key is in {settings.key_file}, in memory.")


@vault_app.command()
def lock(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget an unlocked key: no program that starts from now on reads templates."""
    settings = own_config(config)
    _require_locked(settings)
    require_begun(settings)
    settings.key_file.unlink(missing_ok=True)
    show({}, as_json=json, text="The device key is locked. Programs that run have it.")


@vault_app.command()
def rekey(
    *,
    old: Annotated[
        Path | None,
        typer.Option(
            "--from", help="The key file of now. Default: the one in use.", callback=to_read
        ),
    ] = None,
    stdin: StdinOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    r"""Make a new device key, kept as \[vault] key says; the old one opens nothing any more.

    Cut short, the same command goes on.
    """
    settings = own_config(config, reading=True)
    hold([old] if old else [])
    give_up_reading()
    refuse_while_sight_runs(settings)
    file = settings.paths.key or settings.paths.state / "vault.key"
    used = settings.key_file if settings.key_file.exists() else file
    change_key(settings, old or used, partial(_passphrase, stdin=stdin, twice=True))
    source = settings.vault.key.value
    text = f"There is a new device key ({source}). Backups of before open with the old one alone."
    show({"source": source}, as_json=json, text=text)


def _require_locked(settings: Config) -> None:
    if not settings.vault.key.locked:
        raise UsageError(
            f'[vault] key is "{settings.vault.key.value}", which is never locked; "passphrase" and '
            '"tpm" are.'
        )


def _passphrase(*, stdin: bool, twice: bool = False) -> str:
    if not stdin and not sys.stdin.isatty():  # a script's next line may stand there
        raise UsageError(
            "nobody can type the passphrase here: `--stdin` takes a line of another program."
        )
    return ask_secret("Passphrase", twice=twice, line=stdin)
