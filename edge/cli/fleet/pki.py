"""Certificates for a fleet: who may speak to the broker, and the broker's own."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import JsonOption, app, show
from edge.cli.places import to_read, to_write, write
from edge.errors import UsageError
from edge.fleet.pki.authority import DAYS, Authority
from edge.fleet.pki.certificates import Role, Wanted
from edge.fleet.places import BASE_TOPIC

if TYPE_CHECKING:
    from edge.fleet.pki.authority import Issued

pki_app = typer.Typer(
    help="A small private authority: certificates for the broker, its doors and its collectors.",
    no_args_is_help=True,
)
app.add_typer(pki_app, name="pki")

FolderOption = Annotated[Path, typer.Option("--folder", help="Where the authority lives.")]
DaysOption = Annotated[int, typer.Option(min=1, max=3650, help="How long it lasts.")]
CsrOption = Annotated[
    Path | None,
    typer.Option("--csr", help="Sign this request; its key stays where it is.", callback=to_read),
]
HostOption = Annotated[
    list[str] | None, typer.Option("--host", help="Name or address that doors reach it by.")
]
FOLDER = Path("edge-door-pki")


@pki_app.command()
def init(
    *,
    host: HostOption = None,
    name: Annotated[str, typer.Option(help="Of the authority.")] = "edge-door",
    ca_cert: Annotated[
        Path | None, typer.Option(help="Take this authority's certificate.", callback=to_read)
    ] = None,
    ca_key: Annotated[Path | None, typer.Option(help="And its key.", callback=to_read)] = None,
    folder: FolderOption = FOLDER,
    json: JsonOption = False,
) -> None:
    """Make the authority, and with --host a broker's and a collector's certificate."""
    if (ca_cert is None) != (ca_key is None):
        raise UsageError("--ca-cert and --ca-key go together")
    imported = (ca_cert, ca_key) if ca_cert and ca_key else None
    wanted = []
    if host:
        wanted.append(Wanted(Role.BROKER, "main", tuple(host), DAYS))
        wanted.append(Wanted(Role.COLLECTOR, "main", (), DAYS))
    authority = Authority.begin(folder, name, imported)
    made = [authority.issue(each) for each in wanted]
    result = {"folder": str(folder), "issued": [_as_dict(each) for each in made]}
    files = "".join(f"\n{each.certificate}" for each in made)
    text = f"The authority is in {folder}. Keep {folder / 'ca.key'} off every door.{files}"
    show(result, as_json=json, text=text)


@pki_app.command()
def device(
    name: Annotated[str, typer.Argument(help="A door's `\\[device] id`, or what --role has.")],
    *,
    role: Annotated[Role, typer.Option(help="Whom it is for.")] = Role.DEVICE,
    host: HostOption = None,
    days: DaysOption = DAYS,
    csr: CsrOption = None,
    folder: FolderOption = FOLDER,
    json: JsonOption = False,
) -> None:
    """Issue a certificate and its key."""
    wanted = Wanted(role, name, tuple(host or ()), days)
    _tell(Authority.open(folder).issue(wanted, csr), as_json=json)


@pki_app.command()
def renew(
    name: str,
    *,
    days: DaysOption = DAYS,
    csr: CsrOption = None,
    folder: FolderOption = FOLDER,
    json: JsonOption = False,
) -> None:
    """Issue a new certificate for the same name; the old one counts until it ends."""
    _tell(Authority.open(folder).renew(name, days, csr), as_json=json)


@pki_app.command()
def revoke(name: str, *, folder: FolderOption = FOLDER, json: JsonOption = False) -> None:
    """End a certificate; the broker must be given the new list and be told to reload."""
    ended = Authority.open(folder).revoke(name)
    crl = folder / "crl.pem"
    user = ended.role.common_name(ended.name)
    text = (
        f"{ended.name} is revoked. Copy {crl} to the broker and restart it; RabbitMQ reads none: "
        f"`rabbitmqctl delete_user {user}` there."
    )
    show({"revoked": ended.name, "crl": str(crl)}, as_json=json, text=text)


@pki_app.command()
def rabbitmq(
    *,
    out: Annotated[
        Path | None, typer.Option(help="FOLDER/definitions.json if unset.", callback=to_write)
    ] = None,
    base_topic: Annotated[str, typer.Option(help="As in the doors' \\[mqtt].")] = BASE_TOPIC,
    folder: FolderOption = FOLDER,
    json: JsonOption = False,
) -> None:
    """Write RabbitMQ's definitions: a user for each certificate in force, and what it may say."""
    from edge.fleet.pki.rabbitmq import definitions

    known = [
        (each.role, each.role.common_name(each.name)) for each in Authority.open(folder).issued()
    ]
    made = definitions(known, base_topic)
    target = out or folder / "definitions.json"
    write(target, f"{json_text.dumps(made, indent=2)}\n".encode())
    users = [user["name"] for user in made["users"]]
    text = (
        f"{target}: {len(users)} users. Copy it to /etc/rabbitmq/edge-door/ on every node; where "
        f"they run already, `rabbitmqctl import_definitions {target.name}` on one of them."
    )
    show({"file": str(target), "users": users}, as_json=json, text=text)


@pki_app.command("list")
def list_issued(*, folder: FolderOption = FOLDER, json: JsonOption = False) -> None:
    """Every certificate in force and when it ends."""
    issued = Authority.open(folder).issued()
    table = Table("name", "role", "ends", "file")
    for each in issued:
        table.add_row(each.name, each.role.value, f"{each.ends:%Y-%m-%d}", str(each.certificate))
    show({"issued": [_as_dict(each) for each in issued]}, as_json=json, text=table)


def _tell(issued: Issued, *, as_json: bool) -> None:
    key = f" and {issued.key}" if issued.key else ""
    text = f"{issued.certificate}{key}, until {issued.ends:%Y-%m-%d}"
    show(_as_dict(issued), as_json=as_json, text=text)


def _as_dict(issued: Issued) -> dict[str, str | float | None]:
    return {
        "name": issued.name,
        "role": issued.role.value,
        "certificate": str(issued.certificate),
        "key": str(issued.key) if issued.key else None,
        "ends": issued.ends.timestamp(),
    }
