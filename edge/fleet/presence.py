"""Truthfully online: what may be said of a door, from what was heard of it and when. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.fleet.kinds import Presence

if TYPE_CHECKING:
    from collections.abc import Mapping

SILENT_AFTER_S = 100.0
"""A door tells its figures every 30 s: three in a row are missing."""
COLLECTOR_FRESH_S = 30.0
"""A collector says every few seconds that it is connected: `upkeep.SIGN_EVERY_S`."""


def presence(available: str, states: Mapping[str, str], heard: float, now: float) -> Presence:
    """A door's presence, while a collector is connected.

    `available` is the retained word of the door or of its last will. A broker that was killed
    keeps an old `online` for ever, so what counts is that the door itself was heard lately.

    Args:
        available: `online`, `offline`, or empty when nothing was ever said.
        states: the retained states by topic; only `lock/availability` is looked at.
        heard: when the door last published something that was not retained, seconds since 1970.
        now: seconds since 1970.
    """
    if available != "online":
        return Presence.OFFLINE
    if abs(now - heard) > SILENT_AFTER_S:  # later than now: the clock was ahead then
        return Presence.SILENT
    if states.get("lock/availability", "online") != "online":
        return Presence.DEGRADED
    return Presence.ONLINE
