"""The demo's own MQTT broker and a subscriber that counts what really arrives."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, TypeVar

from edge.errors import BrokerError, UsageError
from edge.installed import with_extra
from edge.link.arrivals import Received
from edge.link.broker import Broker
from edge.link.topics import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from typing_extensions import Self

    from edge.config.network import MqttSection

T = TypeVar("T")

_START_S = 10.0


class EmbeddedBroker:
    """amqtt on a free loopback port, on a thread of its own."""

    def __init__(self) -> None:
        """Start it.

        Raises:
            UsageError: amqtt is not installed.
        """
        try:
            from amqtt.broker import Broker as Amqtt
        except ImportError as error:
            raise UsageError(
                f"the demo needs its extra packages. Run: {with_extra('demo')}"
            ) from error
        logging.getLogger("amqtt").setLevel(logging.CRITICAL)
        logging.getLogger("transitions").setLevel(logging.CRITICAL)
        self.port = _free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._broker = self._do(_made(Amqtt, self.port))
        self._do(self._broker.start())

    def _do(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_S)

    def close(self) -> None:
        """Stop serving."""
        with contextlib.suppress(Exception):  # it is only the demo's end
            self._do(self._broker.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_START_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Subscriber:
    """A second client: what it holds came over the wire."""

    def __init__(self, mqtt: MqttSection, topic: str) -> None:
        self.received: list[Received] = []
        self._stop = threading.Event()
        will = Message("edge-door-demo/subscriber", b"gone")
        self._connection = Broker(mqtt, "demo-subscriber").connect(will)
        self._connection.subscribe([topic])
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        with contextlib.suppress(BrokerError):  # the demo ends
            while not self._stop.is_set():
                arrived = self._connection.poll(0.1)
                self.received += [item for item in arrived if isinstance(item, Received)]

    def close(self) -> None:
        """Hang up."""
        self._stop.set()
        self._thread.join(_START_S)
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


async def _made(broker: Callable[[dict[str, object]], T], port: int) -> T:
    """Amqtt's broker, which wants to be made within its loop."""
    anonymous = {"allow_anonymous": True}
    return broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": anonymous},
        }
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
