"""What RabbitMQ wants to know of a fleet: a user for each certificate, and what each may say. Pure.

MQTT's `/` is a `.` there, and a right is a regular expression over a topic.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from edge.fleet.pki.certificates import Role
from edge.link.reference import HEARD, OFFERED, POSTED, TOLD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.link.reference import Topic

_VHOST = "/"
_EXCHANGE = "amq.topic"
_SESSIONS = "mqtt-subscription-.*"
_A_DOOR = r"[^.]+"
_EVERYTHING = r".*"


def definitions(users: Iterable[tuple[Role, str]], base: str) -> dict[str, Any]:
    """The file that `load_definitions` names.

    Args:
        users: role and common name of each certificate; whoever is not among them cannot enter.
        base: the doors' `[mqtt] base_topic`.
    """
    rights = _rights(re.escape(base.replace("/", ".")))
    known = [(name, rights[role]) for role, name in users if role in rights]
    both = f"^({_SESSIONS}|{re.escape(_EXCHANGE)})$"
    own = {"vhost": _VHOST, "configure": f"^{_SESSIONS}$", "write": both, "read": both}
    empty = {
        "password_hash": "",  # a certificate is the only way in
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": [],
    }
    return {
        "vhosts": [{"name": _VHOST}],
        "users": [{"name": name, **empty} for name, _ in known],
        "permissions": [{"user": name, **own} for name, _ in known],
        "topic_permissions": [
            {"user": name, "vhost": _VHOST, "exchange": _EXCHANGE, "write": write, "read": read}
            for name, (write, read) in known
        ],
    }


def _rights(base: str) -> dict[Role, tuple[str, str]]:
    """What each role may write and read, as in the access list for mosquitto."""
    own, any_door, updates = rf"{base}\.{{username}}", rf"{base}\.{_A_DOOR}", rf"{base}\.updates\."
    said, posted = _names(TOLD + OFFERED), _names(POSTED)
    return {
        Role.DEVICE: (
            _one_of(rf"{own}\.({said})", r"homeassistant\.device\.facelock_{username}\.config"),
            _one_of(
                rf"{own}\.(audit_key|{_names(HEARD)}|{posted})",
                updates + _EVERYTHING,
                r"homeassistant\.status",
            ),
        ),
        Role.COLLECTOR: (
            _one_of(rf"{any_door}\.(confirm|command)", rf"{base}\.collectors\.{_EVERYTHING}"),
            _one_of(rf"{base}\.{_EVERYTHING}"),
        ),
        Role.OFFICE: (
            _one_of(
                rf"{any_door}\.({_names(POSTED + OFFERED)})",
                updates + _EVERYTHING,
                rf"{base}\.office",
            ),
            _one_of(rf"{any_door}\.(people\.{_EVERYTHING}|update\.reported|availability)"),
        ),
        Role.HOME: (
            _one_of(r"homeassistant\.status", rf"{any_door}\.lock\.set"),
            _one_of(rf"{base}\.{_EVERYTHING}", rf"homeassistant\.{_EVERYTHING}"),
        ),
        Role.SITE: (
            _one_of(rf"{any_door}\.({said})"),
            _one_of(rf"{any_door}\.(confirm|command|{posted})", updates + _EVERYTHING),
        ),
    }


def _one_of(*topics: str) -> str:
    return f"^({'|'.join(topics)})$"


def _names(topics: Iterable[Topic]) -> str:
    """Topics below a door; the wild card stands for a digest."""
    return "|".join(
        re.escape(each.name.replace("/", ".")).replace(r"\+", "[0-9a-f]+") for each in topics
    )
