"""Whatever dies, and when: every event is in the database exactly once, and the chain is whole.

Whole simulated doors that go on writing, the shipped mosquitto with TLS and access list, and the
collector, each a process of its own, killed with SIGKILL in turn and started again.
"""

from __future__ import annotations

import json
import os
import random
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.fleet.broker_parts import place
from tests.fleet.world import World
from tests.support.link_parts import needs_mosquitto
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fleet.broker_parts import Place

KILLS = int(os.environ.get("EDGE_DOOR_KILLS", "500"))
SEED = int(os.environ.get("EDGE_DOOR_SEED", "11"))


def kill_at_random(world: World, broker: Place, kills: int) -> dict[str, int]:
    dice = random.Random(SEED)
    told = dict.fromkeys(("broker", "doors", "collector"), 0)
    for _ in range(kills):
        goal = world.count() + dice.randrange(1, 8)
        until(partial(world.has, goal), 60)
        victim = dice.choices(list(told), [3, 2, 2])[0]
        told[victim] += 1
        if victim == "broker":
            broker.mosquitto.kill()
        else:
            world.kill(victim)
        time.sleep(dice.uniform(0.0, 0.2))
        if victim == "broker":
            broker.start()
        else:
            world.start(victim)
    return told


@needs_mosquitto
@pytest.mark.parametrize("kills", [6, pytest.param(KILLS, marks=pytest.mark.slow)])
@pytest.mark.timeout(7200)
def test_nothing_is_lost_or_doubled_whatever_is_killed(
    tmp_path: Path, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    broker = place(tmp_path).start()
    world = World(tmp_path, broker)
    try:
        begun = time.monotonic()
        told = kill_at_random(world, broker, kills)
        total = world.check_everything_arrived()
        with capsys.disabled():
            seconds = round(time.monotonic() - begun)
            print("\n" + json.dumps({"kills": told, "events": total, "seconds": seconds}))
    finally:
        world.close()
        broker.mosquitto.kill()
