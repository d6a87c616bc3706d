"""Enrolment at a door for the people office: captured here, sealed for the office, sent to it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import ConfigError, RosterError
from edge.link.broker import Broker
from edge.link.delivery import Delivery
from edge.link.people import MAX_PACKET
from edge.link.topics import Topics
from edge.records import EventKind, Reason
from edge.roster.envelope import Content, require_key
from edge.roster.offer import Offer, seal_offer
from edge.roster.pages import digest
from edge.sight.journal import Entry, Journal
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault

if TYPE_CHECKING:
    from edge.config import Config
    from edge.records import Template


@dataclass(frozen=True, slots=True)
class Wish:
    """Where somebody should be known, when, and until when."""

    groups: tuple[str, ...]
    schedule: tuple[str, ...] = ()
    expires: float | None = None
    """Seconds since the Unix epoch."""
    cards: tuple[str, ...] = ()


def require_office(config: Config) -> None:
    """See that there is an office to send somebody to, before anybody looks into a camera.

    Raises:
        ConfigError: there is none, or what stands for its key is none.
    """
    if not config.people.office or config.mqtt.host is None:
        raise ConfigError(
            "--for-group: this door knows no people office to send anybody to. Put `office`, as "
            "`edge-door office init` prints it, into [people], and the broker into [mqtt]"
        )
    try:
        require_key(config.people.office)
    except RosterError as error:
        raise ConfigError(
            f"people.office: {error}. Copy the key for enrolments from `edge-door office init`"
        ) from error


def send_offer(config: Config, template: Template, wish: Wish) -> None:
    """Note it in the ledger and send it. Nobody is known by it until the office accepts.

    Raises:
        ConfigError: as `require_office`.
        LedgerError: it cannot be noted, so nothing is sent.
        BrokerError: the broker did not take it.
    """
    require_office(config)
    device = config.device.id
    content = Content(template.vectors, wish.cards)
    groups, hours = wish.groups, wish.schedule
    offer = Offer(
        device, time.time(), template.person, groups, hours, wish.expires, template.model, content
    )
    with open_vault(config) as vault:
        sealed = seal_offer(offer, config.people.office, vault.door_key)
    broker = Broker(config.mqtt, f"edge-door-{device}-enrolment", MAX_PACKET)
    with broker.connect() as connection, open_ledger(config) as ledger:
        entry = Entry(
            EventKind.PEOPLE,
            Reason.OFFERED,
            person=template.person,
            detail={"groups": ", ".join(groups), "captures": len(template.vectors)},
        )
        Journal(ledger, device).write(entry)
        delivery = Delivery(connection)
        delivery.put(Topics(config.mqtt.base_topic, device).people_offer(digest(sealed)), sealed)
        delivery.settle()
        connection.close()
