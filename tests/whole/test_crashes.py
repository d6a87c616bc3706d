"""Programs die at any moment: the relay ends off, the events stay whole, the door comes back."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from edge.errors import WireError
from edge.ledger.ledger import Ledger
from edge.records import Reason
from edge.wire.channel import Channel
from edge.wire.messages import Message, Refused, Unlock, Unreadable
from tests.support.guarding import Lateness
from tests.support.running import PULSE_S, Door
from tests.support.waiting import until

MARGIN_S = 0.1
PATIENCE_S = 120.0
"""Visits may be missed beside busy programs."""
SEED = 20261121


@pytest.fixture
def here() -> Iterator[Lateness]:
    with Lateness() as measured:
        yield measured


@pytest.fixture
def door(tmp_path: Path, visitor: tuple[Path, Path], enrolled: Path) -> Door:
    camera = {"loop": True}
    door = Door(tmp_path, visitor[0], camera=camera, access={"cooldown_s": 0.3})
    door.hold(enrolled)
    return door


def assert_whole(door: Door) -> None:
    """Nothing of the record is missing or changed, and every unlock belongs to a grant."""
    with Ledger.open(door.config.ledger_db, "test", read_only=True) as ledger:
        assert ledger.verify() == []
    reasons = door.reasons()
    assert reasons.count(Reason.UNLOCKED) <= reasons.count(Reason.GRANTED)
    assert len(door.pulses()) <= reasons.count(Reason.GRANTED)


def assert_relay_off(door: Door, here: Lateness) -> None:
    assert not door.board.on(door.config.door.relay_pin)
    longest_s = PULSE_S + here.late(MARGIN_S)
    assert all(pulse <= longest_s for pulse in door.pulses()), door.pulses()


@pytest.mark.parametrize("victim", ["sight", "link"])
def test_killing_sight_or_link_leaves_relay_off_and_events_whole(
    door: Door, here: Lateness, victim: str
) -> None:
    chance = random.Random(SEED)
    # Link needs a broker to live for; one that is not there keeps it trying.
    door.path.write_text(door.path.read_text() + '[mqtt]\nhost = "127.0.0.1"\nport = 9\n')
    with door:
        door.wait_for(Reason.GRANTED)
        for _ in range(3):
            time.sleep(chance.uniform(0.0, 1.5))
            killed = door.kill(victim)
            door.wait_for_another(victim, killed)
        granted = door.reasons().count(Reason.GRANTED)
        door.wait_for(Reason.GRANTED, count=granted + 1)
        door.wait_for(Reason.LOCKED, count=1)
    assert_relay_off(door, here)
    assert_whole(door)


def test_killing_the_guard_while_energised_is_answered_by_a_restart_with_the_relay_off(
    door: Door, here: Lateness
) -> None:
    relay = door.config.door.relay_pin
    with door:
        for _ in range(3):
            until(lambda: door.board.on(relay), PATIENCE_S)
            killed = door.kill("door")
            until(lambda: not door.board.on(relay))
            door.wait_for_another("door", killed)
        door.wait_for(Reason.DOOR_BACK)
    assert_relay_off(door, here)
    reasons = [each for each in door.reasons() if each in (Reason.UNLOCKED, Reason.LOCKED)]
    pairs = list(zip(reasons[::2], reasons[1::2], strict=False))
    assert all(pair == (Reason.UNLOCKED, Reason.LOCKED) for pair in pairs), reasons
    with Ledger.open(door.config.ledger_db, "test", read_only=True) as ledger:
        assert ledger.verify() == []


def test_stopping_while_energised_turns_the_relay_off(door: Door, here: Lateness) -> None:
    with door:
        door.wait_for(Reason.UNLOCKED)
    assert_relay_off(door, here)
    assert door.process is None


def test_no_other_process_of_this_user_speaks_to_the_door_while_sight_is_down(door: Door) -> None:
    said: list[Message | Unreadable] = []
    with door:
        door.wait_for(Reason.GRANTED)
        door.wait_for(Reason.LOCKED)
        killed = door.kill("sight")
        deadline = time.monotonic() + PATIENCE_S
        while door.pid_of("sight") in (None, killed) or not said:
            assert time.monotonic() < deadline, door.log()
            with suppress(WireError), Channel.connect(door.config.door_socket) as channel:
                with suppress(WireError):  # the door may have answered and closed already
                    channel.send(Unlock(secrets.token_hex(16), time.monotonic()))
                while (message := channel.receive(0.2)) is not None:
                    said.append(message)
        granted = door.reasons().count(Reason.GRANTED)
        door.wait_for(Reason.GRANTED, count=granted + 1)
    assert said
    assert all(isinstance(each, Refused) and "edge-door run" in each.reason for each in said), said
    assert_whole(door)
