"""Who may command this door from afar: Ed25519 keys by name and role."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.table import Table

from edge.access.command import public_text
from edge.access.operators import Operators, Role, proper_key
from edge.believed import read_ordinary
from edge.cli.base import ConfigOption, JsonOption, app, ask_secret, own_config, read_config, show
from edge.cli.places import to_make, to_read
from edge.errors import UsageError, reason_of
from edge.fleet.signing import keep_key
from edge.ops.owner import acting_as_owner
from edge.records import EventKind, Reason
from edge.sight.journal import Entry, Journal
from edge.sight.sealed_ledger import open_ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.config import Config

    Change = Callable[[Operators], Operators]

_NAMELESS = (
    "Keys that stand in [mqtt] command_keys have no name: take them out of the configuration, and "
    "restart edge-door."
)

KeyOption = Annotated[
    Path,
    typer.Option(
        "--key", help="Your private key; `edge-door command key` makes one.", callback=to_read
    ),
]

keys_app = typer.Typer(help="Keys that may command this door from afar.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")


@keys_app.command()
def make(
    name: str,
    *,
    role: Annotated[Role, typer.Option(help="What its holder may do.")] = Role.OPERATOR,
    out: Annotated[
        Path | None,
        typer.Option(help="The private key's file. Default: NAME.key here.", callback=to_make),
    ] = None,
    public: Annotated[
        str | None,
        typer.Option(
            help="Add this public key (base64) instead: the private one never comes here."
        ),
    ] = None,
    passphrase: Annotated[
        bool, typer.Option("--passphrase", help="Encrypt the file; it is asked for.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Make a key for somebody and let this door know it."""
    settings = read_config(config)
    made: AbstractContextManager[None] = nullcontext()
    file = None
    if public is None:
        file = (out or _named_after(name)).absolute()
        key = Ed25519PrivateKey.generate()
        public = public_text(key)
        made = _kept(file, key, ask_secret("Passphrase", twice=True) if passphrase else "")
    proper = proper_key(public)
    with made, acting_as_owner(settings.paths.state):
        _change(settings, lambda known: known.added(name, proper, role), name, role.value)
    where = f" The private key is in {file}: take it away from here." if file else ""
    shown = str(file) if file else None
    result = {"name": name, "role": role.value, "public": public, "file": shown}
    show(result, as_json=json, text=f"{name} ({role.value}) is known here: {public}.{where}")


@keys_app.command("list")
def list_keys(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Every key that this door knows; those of the configuration are operators' too."""
    settings = own_config(config)
    with open_ledger(settings, read_only=True) as ledger:
        known = Operators.from_json(ledger.sealed().get("operators")).known
    table = Table("name", "role", "public key")
    rows = [(each.name, each.role.value, each.key) for each in known]
    rows += [
        ("(mqtt.command_keys)", Role.OPERATOR.value, key) for key in settings.mqtt.command_keys
    ]
    for row in rows:
        table.add_row(*row)
    listed = [{"name": n, "role": role, "public": key} for n, role, key in rows]
    show({"keys": listed}, as_json=json, text=table if rows else "No key is known here.")


@keys_app.command()
def revoke(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget somebody's key; from the next command on it counts no more."""
    settings = own_config(config)
    with open_ledger(settings, read_only=True) as ledger:  # to take away begins no state
        before = Operators.from_json(ledger.sealed().get("operators"))
    try:
        _change(settings, lambda known: known.without(name), name, "revoked")
    except UsageError as error:
        if not settings.mqtt.command_keys:
            raise
        raise UsageError(f"{error} {_NAMELESS}") from error
    gone = {each.key for each in before.known} - {each.key for each in before.without(name).known}
    if gone & set(settings.mqtt.command_keys):
        raise UsageError(f"{name} is forgotten, and the same key counts all the same. {_NAMELESS}")
    show({"revoked": name}, as_json=json, text=f"{name}'s key counts no more.")


def _named_after(name: str) -> Path:
    """A file here, whatever the name: one with `/` is no way to another folder."""
    return Path(re.sub(r"[^\w -]", "_", name) + ".key")


def read_key(file: Path) -> Ed25519PrivateKey:
    """A private key that `command key` or `keys make` wrote; asks for its passphrase if it has one.

    Raises:
        UsageError: it is not one.
    """
    try:
        content = read_ordinary(file)
        try:
            key = serialization.load_pem_private_key(content, None)
        except TypeError:  # it is encrypted
            secret = ask_secret(f"Passphrase of {file}")
            key = serialization.load_pem_private_key(content, secret.encode())
    except (OSError, ValueError) as error:
        why = "it is no PEM, or that is not its passphrase"
        if isinstance(error, OSError):
            why = reason_of(error)
        raise UsageError(f"{file} is not a private key that can be read: {why}.") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(
            f"{file} holds a key of another kind; make one with `edge-door command key`"
        )
    return key


@contextmanager
def _kept(file: Path, key: Ed25519PrivateKey, passphrase: str) -> Iterator[None]:
    """The private key in its file, which is whoever's types; gone again if the door refuses it."""
    keep_key(file, key, passphrase)
    try:
        yield
    except BaseException:
        file.unlink()
        raise


def _change(settings: Config, change: Change, name: str, what: str) -> None:
    with open_ledger(settings) as ledger:
        known = change(Operators.from_json(ledger.sealed().get("operators")))
        changed = Entry(EventKind.PEOPLE, Reason.KEYS_CHANGED, detail={"name": name, "role": what})
        Journal(ledger, settings.device.id).write(changed, {"operators": known.to_json()})
