"""One real connection to the broker, to hear what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.link.broker import Broker

if TYPE_CHECKING:
    from edge.config import Config


def knock(config: Config) -> str:
    """Connect as link does, under a name of its own, and leave: what the broker said.

    Raises:
        BrokerError: nobody there, not trusted, or refused; the text says what to do.
    """
    # Under link's own name the broker would throw link out.
    broker = Broker(config.mqtt, client_id=f"edge-door-{config.device.id}-check")
    with broker.connect() as connection:
        protocol = connection.protocol
        connection.close()
    login = f" as {config.mqtt.username}" if config.mqtt.username else ""
    tls = ", TLS" if config.mqtt.tls else ""
    return f"{broker.address} lets us in{login} (MQTT {protocol}{tls})"
