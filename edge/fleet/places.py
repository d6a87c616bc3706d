"""Where the broker is, from an address as people write it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from edge.config.network import MqttSection
from edge.errors import UsageError, plainly

BASE_TOPIC = MqttSection().base_topic
_PORTS = {"mqtt": 1883, "mqtts": 8883}


def broker_at(address: str, **options: object) -> MqttSection:
    """`mqtt://host[:port]` or `mqtts://host[:port]`, with the options of `[mqtt]`.

    Raises:
        UsageError: it is no such address, or an option cannot be.
    """
    if "@" in address:  # it is not said again, since a password may stand there
        raise UsageError(
            "--broker takes no name and no password, which everybody here could read: give "
            "--username and --password-file, where the command has them."
        )
    try:
        parts = urlsplit(address if "://" in address else f"mqtt://{address}")
        port = parts.port
    except ValueError as error:
        raise UsageError(f"--broker {address}: {error}") from error
    beside = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in _PORTS or not parts.hostname or beside:
        raise UsageError(f"--broker {address}: write mqtt://host:1883 or mqtts://host:8883")
    try:
        return MqttSection.model_validate(
            {
                "host": parts.hostname,
                "port": port or _PORTS[parts.scheme],
                "tls": parts.scheme == "mqtts",
                **{name: _from_here(value) for name, value in options.items()},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        # Of a mistake in several options together there is no place.
        where = "".join(f"--{name}: ".replace("_", "-") for name in first["loc"][:1])
        raise UsageError(f"{where}{plainly(first['msg'])}.") from error


def _from_here(value: object) -> object:
    """A path of the command line, which begins where that is typed."""
    return value.absolute() if isinstance(value, Path) else value
