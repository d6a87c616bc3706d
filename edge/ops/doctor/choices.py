"""Check of what the configuration allows and a default would not: each is meant, or a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.access import schedule
from edge.config.entry import MatchSection
from edge.config.network import stays_here
from edge.config.seeing import Level
from edge.names import EVERYBODY, listed
from edge.ops.doctor.check import Check, ok, warn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.config import Config
    from edge.config.network import MqttSection

_HIGHER = {
    "camera": ("stale_after_s",),
    "quality": ("max_yaw_deg", "max_pitch_deg", "max_brightness"),
    "liveness": ("fresh_s", "max_guess"),
    "access": ("max_failures",),
}
_LOWER = {
    "quality": ("min_face_px", "min_brightness", "min_sharpness"),
    "liveness": ("challenge_steps",),
    "access": ("lockout_s", "lockout_max_s", "pause_s"),
}
"""Of each section what judges less strictly the higher it is, or the lower."""
_WEEK = range(7)
_DAY_MINUTES = range(24 * 60)


def choices(config: Config) -> Check:
    """Nothing that the configuration says makes the door weaker than its defaults do."""
    found = list(_weaker(config))
    if not found:
        return ok("choices", f"no setting judges less strictly than the defaults{_meant(config)}")
    return warn("choices", "; ".join(found), "Change them, unless that is what you want.")


def _weaker(config: Config) -> Iterator[str]:
    access, door = config.access, config.door
    if EVERYBODY in access.pin_alone:
        yield 'pin_alone = ["*"]: everybody\'s PIN opens without a face'
    if _never_locked(access.always_open):
        yield "always_open: the door is never locked"
    if config.match.false_match_rate > MatchSection().false_match_rate:
        yield f"false_match_rate: one stranger in {1 / config.match.false_match_rate:.0f} is let in"
    if config.liveness.level is Level.BLINK:
        yield 'level = "blink": a film of somebody opens'
    yield from _looser(config)
    if not door.relay_on_unlocks:
        yield f"relay_contact = NO with a {door.lock} lock: a crash of the guard opens the door"
    yield from _readable(config.mqtt)


def _readable(mqtt: MqttSection) -> Iterator[str]:
    if mqtt.host is not None and not stays_here(mqtt.host) and not mqtt.tls:
        if mqtt.trust_broker:
            yield "trust_broker without tls: PINs that open cross the network readable"
        if mqtt.username is not None:
            yield "[mqtt] username without tls: the password crosses the network readable"


def _looser(config: Config) -> Iterator[str]:
    for table, sign in ((_HIGHER, 1), (_LOWER, -1)):
        for name, keys in table.items():
            section = getattr(config, name)
            for key in keys:
                value, default = getattr(section, key), type(section).model_fields[key].default
                if sign * value > sign * default:
                    yield f"{name}.{key} = {value:g}, by default {default:g}"


def _never_locked(lines: Sequence[str]) -> bool:
    """Whether these windows, one beside the other, leave no minute of the week."""
    if not lines:
        return False
    windows = schedule.windows(lines)
    return windows is None or all(
        any(window.holds(day, minute) for window in windows)
        for day in _WEEK
        for minute in _DAY_MINUTES
    )


def _meant(config: Config) -> str:
    """What opens besides a face, where the configuration says so in so many words."""
    access, mqtt = config.access, config.mqtt
    found = [
        *([f"{listed(access.pin_alone)} may pass with a PIN alone"] if access.pin_alone else []),
        *(["for hours it stands open for all"] if access.always_open else []),
        *(["a PIN over the broker opens it"] if mqtt.trust_broker else []),
        *(["signed commands open it"] if mqtt.remote_unlock else []),
    ]
    return "".join(f"; {each}" for each in found)
