"""Three RabbitMQ nodes, from end to end: a real collector, doors with the product's own parts.

One node is killed, then all of them, while the doors go on writing: no event is lost or doubled.
`./deploy/test.sh --cluster` runs it.
"""

from __future__ import annotations

import json
import os
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import parse
from edge.errors import BrokerError
from edge.fleet.pki.authority import DAYS
from edge.fleet.pki.certificates import Role, Wanted
from edge.link.broker import Broker
from tests.fleet import rabbits
from tests.fleet.parts import door as row
from tests.fleet.parts import running, stored
from tests.fleet.rabbits import NODES, Rabbits, address
from tests.fleet.world import DOORS, World
from tests.support.link_parts import OFFLINE, Device
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.fleet.pki.authority import Issued

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
EVENTS = 300
"""Between two blows."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Rabbits]:
    if why := rabbits.missing():
        if os.environ.get("EDGE_DOOR_TEST_REQUIRED"):
            pytest.fail(why)
        pytest.skip(why)
    running = Rabbits(tmp_path, (*DOORS, "door1"))
    try:
        running.start()
        yield running
    finally:
        running.close()


def test_no_event_is_lost_when_nodes_die(
    tmp_path: Path, cluster: Rabbits, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path, cluster)

    def more() -> None:
        until(partial(world.has, world.count() + EVENTS), 120)

    try:
        begun = time.monotonic()
        more()
        for number in NODES:
            cluster.kill(number)
            more()
            cluster.start()
            more()
        cluster.kill(*NODES)
        more()
        cluster.start()
        more()
        total = world.check_everything_arrived()
        with capsys.disabled():
            said = {
                "nodes": len(NODES),
                "events": total,
                "seconds": round(time.monotonic() - begun),
            }
            print("\n" + json.dumps(said))
    finally:
        world.close()


def test_a_collector_at_another_node_hears_what_it_missed(tmp_path: Path, cluster: Rabbits) -> None:
    """Retained messages stay on the node where they were said."""
    door = Device(tmp_path, cluster.port, **reached(cluster, cluster.issue("door1"), 1))
    address = f"sqlite:///{tmp_path}/fleet.db"
    own = reached(cluster, cluster.issue("main", Role.COLLECTOR), 2)
    section = parse({"mqtt": {**own, "port": cluster.port}}, "test").mqtt
    door.start()
    try:
        with running(address, section):
            door.append(2)
            until(lambda: door.outbox.watermarks().confirmed == 2)
        door.append(3)
        until(lambda: door.outbox.watermarks().delivered == 5)
        with running(address, section) as database:
            until(lambda: stored(database) == 5)
            until(lambda: row(database).available == "online")
    finally:
        door.close()


def test_a_running_cluster_is_told_who_is_new_and_who_is_gone(cluster: Rabbits) -> None:
    """With the file that `edge-door pki rabbitmq` writes."""
    late = cluster.authority.issue(Wanted(Role.DEVICE, "late", (), DAYS))

    def enter(number: int) -> None:
        mqtt = {**reached(cluster, late, number), "port": cluster.port}
        Broker(parse({"mqtt": mqtt}, "test").mqtt, "late").connect(OFFLINE).close()

    with pytest.raises(BrokerError):
        enter(1)
    cluster.introduce(1)
    for number in NODES:
        enter(number)
    cluster.ctl(2, "delete_user", "late")
    for number in NODES:
        with pytest.raises(BrokerError):
            enter(number)


def reached(cluster: Rabbits, issued: Issued, number: int) -> dict[str, Any]:
    """`[mqtt]` of whoever has this certificate and comes to this node."""
    return {
        "host": address(number),
        "tls": True,
        "ca_file": str(cluster.pki / "ca.crt"),
        "cert_file": str(issued.certificate),
        "key_file": str(issued.key),
    }
