"""A whole fleet in one process: so many doors, so many events a second."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.clock import now
from edge.fleet.pki.authority import DAYS, Authority
from edge.fleet.pki.certificates import Role, Wanted
from edge.fleet.simulate.persona import Persona
from edge.fleet.simulate.thin import ThinDoor, keep_connected
from edge.fleet.simulate.whole import WholeDoor
from edge.link.broker import Broker
from edge.link.encryption import tls_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge.config.network import MqttSection
    from edge.fleet.simulate.tally import Tally
    from edge.stopping import Stop

TURN_S = 0.01
LEAVE_S = 5.0
ARRIVE_A_SECOND = 200
"""Thin doors connect one after the other, so many a second."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What to simulate."""

    mqtt: MqttSection
    doors: int
    rate: float
    """Events a second over all doors."""
    seconds: float | None
    """How long; None: until told to stop."""
    seed: int
    folder: Path
    """Where ledgers and anchors lie."""
    prefix: str = "sim"
    pki: Path | None = None
    """An authority's folder: each door gets its own certificate of it."""

    def personas(self) -> list[Persona]:
        """Every door."""
        base = self.mqtt.base_topic
        names = (f"{self.prefix}{number}" for number in range(1, self.doors + 1))
        return [Persona.of(base, name, self.seed, now) for name in names]

    def sections(self) -> list[MqttSection]:
        """`[mqtt]` of every door.

        Raises:
            UsageError: there is no such authority.
        """
        if self.pki is None:
            return [self.mqtt] * self.doors
        authority = Authority.open(self.pki)
        known = {each.certificate.stem: each for each in authority.issued()}
        sections = []
        for persona in self.personas():
            name = persona.topics.device
            issued = known.get(name) or authority.issue(Wanted(Role.DEVICE, name, (), DAYS))
            files = {"cert_file": issued.certificate, "key_file": issued.key}
            trusted = {"tls": True, "ca_file": self.pki / "ca.crt"}
            sections.append(self.mqtt.model_copy(update=files | trusted))
        return sections


class Schedule:
    """When the next events are due, evenly over time and in turn over the doors."""

    def __init__(self, rate: float, doors: int) -> None:
        self._gap_s = 1 / rate if rate > 0 else float("inf")
        self._doors = doors
        self._due_at = time.monotonic() + self._gap_s
        self._turn = 0

    def due(self) -> list[int]:
        """Whose turn it is by now."""
        found = []
        while self._due_at <= time.monotonic():
            found.append(self._turn)
            self._turn = (self._turn + 1) % self._doors
            self._due_at += self._gap_s
        return found


def run_whole(fleet: Fleet, stop: Stop, tally: Tally, tell: Callable[[Tally], None]) -> None:
    """With the product's own parts, at most `whole.MOST` doors.

    Raises:
        LedgerError: the folder cannot be written.
        ConfigError: a certificate is wrong.
    """
    doors = [
        WholeDoor(persona, fleet.folder / persona.topics.device, _broker(section, persona), tally)
        for persona, section in zip(fleet.personas(), fleet.sections(), strict=True)
    ]
    schedule, ends_at = Schedule(fleet.rate, fleet.doors), _end(fleet)
    try:
        while not stop.wait(TURN_S) and time.monotonic() < ends_at:
            for number in schedule.due():
                doors[number].happen()
            for door in doors:
                door.turn()
            tell(tally)
    finally:
        for door in doors:
            door.close()


def run_thin(fleet: Fleet, stop: Stop, tally: Tally, tell: Callable[[Tally], None]) -> None:
    """With thin doors, as many as the machine carries.

    Raises:
        ConfigError: a certificate is wrong.
    """
    asyncio.run(_thin(fleet, stop, tally, tell))


async def _thin(fleet: Fleet, stop: Stop, tally: Tally, tell: Callable[[Tally], None]) -> None:
    doors = [ThinDoor(persona, fleet.folder / "anchor", tally) for persona in fleet.personas()]
    host, port = str(fleet.mqtt.host), fleet.mqtt.port
    contexts = _contexts(fleet.sections())
    visits = [
        asyncio.create_task(keep_connected(door, host, port, tls, number / ARRIVE_A_SECOND))
        for number, (door, tls) in enumerate(zip(doors, contexts, strict=True))
    ]
    schedule, ends_at = Schedule(fleet.rate, fleet.doors), _end(fleet)
    while not stop.is_set() and time.monotonic() < ends_at:
        for number in schedule.due():
            doors[number].happen()
        tell(tally)
        await asyncio.sleep(TURN_S)
    for visit in visits:
        visit.cancel()
    await asyncio.gather(*visits, return_exceptions=True)
    await _disconnect(doors)


async def _disconnect(doors: Sequence[ThinDoor]) -> None:
    for door in doors:
        door.leave()
    endings = [door.ended for door in doors if door.ended is not None]
    if endings:  # with TLS, both sides say good-bye
        await asyncio.wait(endings, timeout=LEAVE_S)
    for door in doors:
        door.drop()
    await asyncio.sleep(0)


def _contexts(sections: Sequence[MqttSection]) -> list[ssl.SSLContext | None]:
    """One for all doors that have the same files: a context is larger than a thin door."""
    made: dict[Path | None, ssl.SSLContext | None] = {}
    for section in sections:
        if section.cert_file not in made:
            made[section.cert_file] = tls_context(section) if section.tls else None
    return [made[section.cert_file] for section in sections]


def _broker(section: MqttSection, persona: Persona) -> Broker:
    return Broker(section, f"edge-door-{persona.topics.device}")


def _end(fleet: Fleet) -> float:
    return float("inf") if fleet.seconds is None else time.monotonic() + fleet.seconds
