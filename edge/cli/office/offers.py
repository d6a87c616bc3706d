"""Whom doors have captured for the people office: who waits, accept, decline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, own_config, show
from edge.cli.office.base import PUBLISH, at_broker, day, office_app
from edge.errors import UsageError
from edge.names import folded
from edge.office.offers import Waiting, read_offers
from edge.office.rows import Person

if TYPE_CHECKING:
    from edge.roster.offer import Offer


@office_app.command()
def offers(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Whom doors have captured for this office, and who waits to be accepted."""
    settings = own_config(config)
    with at_broker(settings) as (book, keys, post):
        waiting = read_offers(book, keys, post)
    table = Table("name", "groups", "hours", "until", "door", "captured", "problem")
    for one in waiting:
        found = one.offer
        cells = (
            (found.name, ", ".join(found.groups), ", ".join(found.schedule), day(found.expires))
            if found
            else ("?", "", "", "")
        )
        when = day(found.at) if found else ""
        table.add_row(*cells, one.device, when, one.problem)
    rows = [
        {
            "name": one.offer.name if one.offer else None,
            "groups": one.offer.groups if one.offer else (),
            "door": one.device,
            "problem": one.problem,
        }
        for one in waiting
    ]
    show({"offers": rows}, as_json=json, text=table if rows else "Nobody waits.")


@office_app.command()
def accept(
    name: str,
    *,
    door: Annotated[str | None, typer.Option(help="Where they were captured.")] = None,
    replace: Annotated[bool, typer.Option(help="Renew somebody's template.")] = False,
    group: Annotated[
        list[str] | None, typer.Option(help="Other groups than those asked for at the door.")
    ] = None,
    lookalike: Annotated[
        list[str] | None, typer.Option(help="Somebody whom they resemble and who is another.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why it is known that they are two, or why --replace is another.")
    ] = "",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take somebody into the book whom a door has captured; `publish` tells the doors."""
    from edge.cli.people.destination import consent_to, take_in  # which see, as few here do

    consent = consent_to(lookalike, reason, replace=replace)
    settings = own_config(config)
    with at_broker(settings) as (book, keys, post):
        one, offer = _the_one(read_offers(book, keys, post), name, door)
        groups = tuple(group or offer.groups)
        person = Person("", offer.name, groups, offer.schedule, offer.expires, offer.model)
        kept = take_in(settings, book, person, offer.content, consent)
        post.take_off(one.topic)
    result = {"name": name, "number": kept.person, "door": one.device}
    text = f"{name} is in the book. {PUBLISH}"
    show(result, as_json=json, text=text)


@office_app.command()
def decline(
    name: str,
    *,
    door: Annotated[str | None, typer.Option(help="Where they were captured.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Throw away what a door has captured of somebody."""
    settings = own_config(config)
    with at_broker(settings) as (book, keys, post):
        one, _ = _the_one(read_offers(book, keys, post), name, door)
        post.take_off(one.topic)
    result = {"declined": name, "door": one.device}
    show(result, as_json=json, text=f"{name} is not taken in.")


def _the_one(waiting: list[Waiting], name: str, door: str | None) -> tuple[Waiting, Offer]:
    found = [
        (one, one.offer)
        for one in waiting
        if one.offer and folded(one.offer.name) == folded(name) and door in (None, one.device)
    ]
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} offers are of {name!r}: see `edge-door office offers`"
            + (", and say which with --door" if found else "")
        )
    return found[0]
