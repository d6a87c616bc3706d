"""Cards and PINs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, app, ask_secret, own_config, show
from edge.errors import UsageError
from edge.names import folded
from edge.ops.note import recorded_in
from edge.records import Reason
from edge.vault.credentials import Kind, card_number
from edge.vault.vault import Vault, open_vault

WIEGAND_26 = 2**24
"""A 26-bit frame has room for 24 bits of the number."""

credentials_app = typer.Typer(help="Cards and PINs of the people enrolled.", no_args_is_help=True)
app.add_typer(credentials_app, name="credentials")


@credentials_app.command("set-pin")
def set_pin(
    name: str,
    *,
    duress: Annotated[
        bool, typer.Option("--duress", help="A second PIN that opens and raises a silent event.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Give a person a PIN; it is asked for, so that it stands in no shell history."""
    pin = ask_secret("PIN", twice=True)
    kind = Kind.DURESS if duress else Kind.PIN
    with _recorded(config, Reason.CREDENTIAL_ADDED, name, kind) as vault:
        vault.credentials.set_pin(name, pin, duress=duress)
        text = f"{name} has a new PIN.{_until(vault, name)}"
    show({"name": name}, as_json=json, text=text)


@credentials_app.command("add-card")
def add_card(name: str, card: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Give a person a card: its number as printed, or as its reader reports it."""
    number = card_number(card)
    with _recorded(config, Reason.CREDENTIAL_ADDED, name, Kind.CARD) as vault:
        vault.credentials.add_card(name, number)
        text = f"{name} has one more card: {number}.{_until(vault, name)}"
    if int(number) >= WIEGAND_26:
        text += f" A 26-bit reader reports {int(number) % WIEGAND_26} for it; then add that."
    show({"name": name, "card": number}, as_json=json, text=text)


@credentials_app.command()
def revoke(
    name: str,
    kind: Kind,
    card: Annotated[str | None, typer.Argument(help="This card alone, of several.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take all cards, one card, the PIN or the duress PIN from a person."""
    if card is not None and kind is not Kind.CARD:
        raise UsageError(f"{name} has one {kind.value} at most: its number is not asked for.")
    _require_held(config, name, kind, card)
    with _recorded(config, Reason.CREDENTIAL_REVOKED, name, kind) as vault:
        count = vault.credentials.revoke(name, kind, card)
        text = f"{name}: {count} revoked.{_until(vault, name)}"
    show({"name": name, "revoked": count}, as_json=json, text=text)


@credentials_app.command("list")
def list_credentials(config: ConfigOption = None, json: JsonOption = False) -> None:
    """What each person holds; never the secrets."""
    with open_vault(own_config(config), begin=False, read_only=True) as vault:
        held = vault.credentials.held()
    table = Table("name", "holds")
    for name, kinds in held.items():
        table.add_row(name, ", ".join(kind.value for kind in kinds))
    listed = {name: [kind.value for kind in kinds] for name, kinds in held.items()}
    show({"credentials": listed}, as_json=json, text=table)


def _require_held(config: Path | None, name: str, kind: Kind, card: str | None) -> None:
    """See that there is something to revoke, before the ledger notes that it was."""
    with open_vault(own_config(config), begin=False, read_only=True) as vault:
        held = {folded(who): kinds for who, kinds in vault.credentials.held().items()}
        known = {folded(person.name) for person in vault.people()}
        holder = None
        if card is not None:
            holder = vault.credentials.identify(kind, card_number(card))
    if folded(name) not in known:
        return  # who opens the vault to change it says who is
    if kind not in held.get(folded(name), ()):
        raise UsageError(f"{name} has no {kind.value}: there is nothing to revoke.")
    if card is not None and (holder is None or folded(holder.person) != folded(name)):
        raise UsageError(f"{name} has no card {card_number(card)}: there is nothing to revoke.")


def _until(vault: Vault, name: str) -> str:
    """What to know where it is not this door that decides for good."""
    if not vault.members.has(name):
        return ""
    return (
        " The people office knows nothing of it: when it sends them anew, they hold what it says. "
        "Change it there as well: `edge-door enroll --for-group GROUP --replace`."
    )


@contextmanager
def _recorded(config: Path | None, reason: Reason, name: str, kind: Kind) -> Iterator[Vault]:
    settings = own_config(config)
    with (
        open_vault(settings, begin=False) as vault,
        recorded_in(settings, vault, reason, vault.spelt(name), kind=kind.value),
    ):
        yield vault
