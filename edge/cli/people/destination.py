"""Where whoever is captured goes: to this door alone, or by the office to a group's doors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.cli.office.base import PUBLISH, opened, places
from edge.errors import UsageError
from edge.names import folded
from edge.office.desk import require_cards, require_end, require_groups, require_hours, resembling
from edge.office.rows import Person
from edge.ops.enrol import Consent, refuse_another, refuse_lookalikes, require_free, save
from edge.ops.offer import Wish, require_office, send_offer
from edge.records import Template
from edge.roster.envelope import Content
from edge.vault.credentials import require_proper
from edge.vision.calibrated import threshold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.config import Config
    from edge.office.book import Book


@dataclass(frozen=True, slots=True)
class Place:
    """Where whoever was captured goes."""

    keep: Callable[[Template], dict[str, str]]
    """Puts them there; what there is to know of it. Raises EdgeDoorError."""
    require_free: Callable[[str], None]
    """Raises why nobody of that name can be kept there."""
    done: str
    """What has become of them, after the name; `{captures}` stands for how many there were."""
    next_step: str = ""


def place_of(settings: Config, wish: Wish | None, consent: Consent) -> Place:
    """This door; with a wish, the office.

    That is its book where there is one on this host, else an offer, sealed and sent to it. What is
    wrong with the wish is said here, before anybody looks into a camera.

    Raises:
        ConfigError: this door knows no office.
        UsageError: their end is over, hours, a card or a group are none, or that is for the office
            to decide.
    """
    if wish is None:
        return _here(settings, consent)
    require_end("whoever comes", wish.expires)
    require_hours(wish.schedule)
    require_proper(wish.cards, None)
    if places(settings)[0].exists():
        with opened(settings) as (book, _):
            require_groups(book, wish.groups)
        return Place(
            lambda made: {"number": _keep(settings, made, wish, consent)},
            lambda name: _require_free(settings, name, consent),
            "is in the book.",
            PUBLISH,
        )
    require_office(settings)
    if consent.lookalikes or consent.replace:
        raise UsageError(
            "--lookalike and --replace are for the people office: `edge-door office lookalike` "
            "and `edge-door office accept --replace` there"
        )
    return _away(settings, wish)


def _here(settings: Config, consent: Consent) -> Place:
    def keep(made: Template) -> dict[str, str]:
        save(settings, made, consent)
        return {}

    return Place(
        keep,
        lambda name: require_free(settings, name, consent),
        "is enrolled: {captures}.",
    )


def _away(settings: Config, wish: Wish) -> Place:
    def send(made: Template) -> dict[str, str]:
        send_offer(settings, made, wish)
        return {}

    return Place(
        send,
        lambda _name: None,  # the office looks
        "was sealed for the people office and sent.",
        "Nobody is known by it until the office accepts: `edge-door office offers` there.",
    )


def consent_to(lookalikes: Sequence[str] | None, reason: str, *, replace: bool) -> Consent:
    """What an operator says knowingly of somebody.

    Raises:
        UsageError: a reason is missing, or is one for nothing.
    """
    if lookalikes and not reason.strip():
        raise UsageError("--lookalike NAME wants a --reason TEXT as well")
    if reason.strip() and not (lookalikes or replace):
        raise UsageError("--reason TEXT goes with --lookalike NAME or --replace")
    return Consent(replace, tuple(lookalikes or ()), reason.strip())


def _require_free(settings: Config, name: str, consent: Consent) -> None:
    if not consent.replace:
        with opened(settings) as (book, _):
            book.require_free(name)


def _keep(settings: Config, template: Template, wish: Wish, consent: Consent) -> str:
    name = template.person
    with opened(settings) as (book, _):
        person = Person("", name, wish.groups, wish.schedule, wish.expires, template.model)
        content = Content(template.vectors, wish.cards)
        return take_in(settings, book, person, content, consent).person


def take_in(
    settings: Config, book: Book, person: Person, content: Content, consent: Consent
) -> Person:
    """Somebody comes into the book, unless a door would refuse them; returns them as kept.

    Raises:
        UsageError: their end is over, a group is no door's, a card another's, or the name taken.
        EnrolmentError: they resemble somebody who goes to the same doors, or not whom they are to
            replace, and it was not said.
    """
    known = [one for one in book.people() if folded(one.name) == folded(person.name)]
    if consent.replace and len(known) == 1:
        person = replace(person, person=known[0].person)
    require_end(person.name, person.expires)
    require_groups(book, person.groups)
    require_cards(book, person, content)
    template = Template(person.name, content.vectors, person.model)
    old = [Template(one.name, book.content(one).vectors, one.model) for one in known]
    refuse_another(settings, template, [one for one in old if one.model == person.model], consent)
    needed = threshold(settings)
    refuse_lookalikes(person.name, resembling(book, person, content, needed), consent, needed)
    kept = book.take_in(person, content, replace_old=consent.replace)
    for other in consent.lookalikes:
        book.tell_apart(kept, other, consent.reason)
    return kept
