"""Enrolment for the doors of a group: at the people office, or at a door that sends to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.access.lookalikes import resembled
from edge.cli.base import progress, show
from edge.cli.office.base import opened, places
from edge.errors import UsageError
from edge.office.rows import Person
from edge.ops.enrol import Consent, collect_from_camera, refuse_lookalikes, template_of
from edge.ops.offer import Wish, require_office, send_offer
from edge.ops.pictures import Sources, gather
from edge.records import Template
from edge.roster.envelope import Content
from edge.vision.calibrated import threshold
from edge.vision.enrolment import WANTED
from edge.vision.pipeline import Stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import Config
    from edge.office.book import Book


@dataclass(frozen=True, slots=True)
class Capture:
    """How the template is made."""

    name: str
    sources: Sources
    camera: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where whoever was captured goes."""

    keep: Callable[[Template], dict[str, str]]
    """Puts them there; what there is to know of it. Raises EdgeDoorError."""
    done: str
    """What has become of them, after the name."""
    next_step: str


def place_of(settings: Config, wish: Wish, consent: Consent) -> Place:
    """The office's book where there is one on this host, else its offers, sealed and sent to it.

    Raises:
        ConfigError: this door knows no office.
        UsageError: that is for the office to decide.
    """
    if places(settings)[0].exists():
        return Place(
            lambda made: {"number": _keep(settings, made, wish, consent)},
            "is in the book.",
            "`edge-door office publish` tells the doors.",
        )
    require_office(settings)
    if consent.lookalikes or consent.replace:
        raise UsageError(
            "--lookalike and --replace are for the people office: `edge-door office lookalike` "
            "and `edge-door office accept --replace` there"
        )

    def send(made: Template) -> dict[str, str]:
        send_offer(settings, made, wish)
        return {}

    return Place(
        send,
        "was sealed for the people office and sent.",
        "Nobody is known by it until the office accepts: `edge-door office offers` there.",
    )


def enrol_for_group(settings: Config, capture: Capture, place: Place, *, as_json: bool) -> None:
    """One person.

    Raises:
        UsageError: the name is in the book already.
        EdgeDoorError: nobody was captured, or it cannot be kept or sent.
    """
    template = _template(settings, capture)
    result = {"ok": True, "name": capture.name, "captures": len(template.vectors)}
    result |= place.keep(template)
    show(result, as_json=as_json, text=f"{capture.name} {place.done} {place.next_step}")


def _keep(settings: Config, template: Template, wish: Wish, consent: Consent) -> str:
    name = template.person
    with opened(settings) as (book, _):
        person = Person("", name, wish.groups, wish.schedule, wish.expires, template.model)
        others = _at_the_same_doors(book, person)
        needed = threshold(settings)
        alike = resembled(template, others, needed) if others else {}
        refuse_lookalikes(name, alike, consent, needed)
        content = Content(template.vectors, wish.cards)
        kept = book.take_in(person, content, replace_old=consent.replace)
        for other in consent.lookalikes:
            book.tell_apart(kept, other, consent.reason)
        return kept.person


def _at_the_same_doors(book: Book, person: Person) -> list[Template]:
    """Whom doors will compare with somebody; each door looks again, at its own people as well."""
    return [
        Template(one.name, book.content(one).vectors, one.model)
        for one in book.people()
        if set(one.groups) & set(person.groups) and one.model == person.model
    ]


def _template(settings: Config, capture: Capture) -> Template:
    stages = Stages.load(settings)
    with progress("captures", WANTED) as advance:

        def tell(_what: str, done: int, hint: str) -> None:
            advance(completed=min(done, WANTED), description=hint or "captures")

        if capture.camera:
            return collect_from_camera(settings, stages, tell).template(capture.name)
        return template_of(gather(settings, stages, capture.sources, tell), capture.name)
