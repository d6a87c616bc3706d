"""Check of what the configuration allows and a default would not: each is meant, or a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.access import schedule
from edge.config.network import stays_here
from edge.names import EVERYBODY
from edge.ops.doctor.check import Check, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config import Config

_MANY_STRANGERS = 1e-3
"""False-match rate from which on passers-by open a door within a year."""


def choices(config: Config) -> Check:
    """Nothing that the configuration says makes the door weaker than its defaults do."""
    found = list(_weaker(config))
    if not found:
        return ok("choices", "no setting makes the door weaker than the defaults")
    return warn("choices", "; ".join(found), "Change them, unless that is what you want.")


def _weaker(config: Config) -> Iterator[str]:
    access, mqtt, door = config.access, config.mqtt, config.door
    if EVERYBODY in access.pin_alone:
        yield 'pin_alone = ["*"]: everybody\'s PIN opens without a face'
    if access.always_open and schedule.windows(access.always_open) is None:
        yield 'always_open = ["always"]: the door is never locked'
    if config.match.false_match_rate >= _MANY_STRANGERS:
        yield f"false_match_rate: one stranger in {1 / config.match.false_match_rate:.0f} is let in"
    if not door.relay_on_unlocks:
        yield f"relay_contact = NO with a {door.lock} lock: a crash of the guard opens the door"
    if mqtt.host is not None and not stays_here(mqtt.host) and not mqtt.tls:
        if mqtt.trust_broker:
            yield "trust_broker without tls: PINs that open cross the network readable"
        if mqtt.username is not None:
            yield "[mqtt] username without tls: the password crosses the network readable"
