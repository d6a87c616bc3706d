"""A roll-out over a real broker: waves, one that fails, doors that are away, bent pieces."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from edge.errors import WireError
from edge.fleet.places import broker_at
from edge.link.arrivals import Received
from edge.link.broker import Broker
from edge.link.payloads import (
    RolloutPlan,
    RolloutState,
    UpdateOffer,
    UpdateReported,
    UpdateTaken,
    from_json,
    to_json,
)
from edge.link.people import MAX_PACKET
from edge.link.topics import Message, Topics, rollout_plan
from edge.link.updates import PIECE_BYTES, Fetching, UpdatePost
from edge.office.rollout import Rollout, split
from edge.roster.pages import digest
from tests.support.link_parts import Mosquitto, needs_mosquitto

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BUNDLE = bytes(range(256)) * 700  # four pieces, the last one short


class Taker:
    """A door's link, on a thread, and whoever applies what it has fetched."""

    def __init__(
        self, folder: Path, device: str, port: int, why: str = "", *, takes: bool = True
    ) -> None:
        """`why`: what its self-test will say; empty: all is well. `takes`: somebody applies it."""
        folder.mkdir()
        self._bundle, self._result = folder / "offered.bundle", folder / "taken.json"
        self._why, self._takes = why, takes
        self.applied: list[bytes] = []
        topics = Topics("facelock", device)
        self._post = UpdatePost(topics, self._bundle, self._result)
        section = broker_at(f"mqtt://127.0.0.1:{port}", base_topic="facelock")
        self._connection = Broker(section, device, MAX_PACKET).connect()
        self._connection.publish(topics.available(online=True))
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            for arrived in self._connection.poll(0.02):
                if isinstance(arrived, Received):
                    self._post.hear(arrived.topic, arrived.payload)
            self._post.tend(self._connection)
            if self._takes and self._bundle.exists():
                self._apply(self._bundle.read_bytes())

    def _apply(self, content: bytes) -> None:
        self.applied.append(content)
        taken = UpdateTaken(digest(content), 7, not self._why, self._why)
        self._bundle.unlink()
        self._result.write_text(json.dumps(asdict(taken)))

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self._connection.close()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    started = Mosquitto(tmp_path, "max_packet_size 65536").start()
    yield started
    started.kill()


class Site:
    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self.port = port
        self.doors: dict[str, Taker] = {}
        self.waited_for: list[str] = []

    def door(self, device: str, why: str = "", *, takes: bool = True) -> None:
        self.doors[device] = Taker(self._folder / device, device, self.port, why, takes=takes)

    def roll_out(
        self,
        *waves: tuple[str, ...],
        wave_s: float = 60.0,
        stopped: Callable[[], bool] = lambda: False,
    ) -> RolloutPlan:
        section = broker_at(f"mqtt://127.0.0.1:{self.port}", base_topic="facelock")
        with Broker(section, "rollout", MAX_PACKET).connect() as connection:
            rollout = Rollout(connection, "facelock", BUNDLE, 7)
            assert rollout.online >= set(self.doors)
            ended = rollout.run(waves, wave_s, self.waited_for.append, stopped)
            connection.close()
        return ended

    def retained(self, topic: str) -> bytes | None:
        """What the broker keeps there."""
        section = broker_at(f"mqtt://127.0.0.1:{self.port}", base_topic="facelock")
        with Broker(section, "looking", MAX_PACKET).connect() as connection:
            connection.subscribe([topic], retained=True)
            found = [
                one.payload
                for _ in range(10)
                for one in connection.poll(0.1)
                if isinstance(one, Received)
            ]
            connection.close()
        return found[0] if found else None


@pytest.fixture
def site(tmp_path: Path, broker: Mosquitto) -> Iterator[Site]:
    made = Site(tmp_path, broker.port)
    yield made
    for door in made.doors.values():
        door.close()


@needs_mosquitto
def test_every_wave_takes_it_one_after_the_other(site: Site) -> None:
    for name in ("door1", "door2", "door3"):
        site.door(name)
    ended = site.roll_out(("door1",), ("door2", "door3"))
    assert (ended.state, ended.wave, ended.why) == (RolloutState.DONE, 1, "")
    assert site.waited_for[0] == "door1 (not heard of)"
    assert site.waited_for[-1].startswith("door")
    assert [door.applied for door in site.doors.values()] == [[BUNDLE]] * 3
    assert from_json(RolloutPlan, site.retained(rollout_plan("facelock")) or b"") == ended
    again = site.roll_out(("door1", "door2", "door3"))  # nobody applies it twice
    assert again.state is RolloutState.DONE
    assert [len(door.applied) for door in site.doors.values()] == [1, 1, 1]


@needs_mosquitto
def test_a_wave_that_fails_its_self_test_halts_the_rest(site: Site) -> None:
    site.door("door1")
    site.door("door2", why="the eyelid network answers something else")
    site.door("door3")
    ended = site.roll_out(("door1", "door2"), ("door3",))
    assert (ended.state, ended.wave) == (RolloutState.HALTED, 0)
    assert ended.why == "door2: the eyelid network answers something else"
    assert site.doors["door3"].applied == []
    assert site.retained("facelock/door2/update/offer") is None
    assert site.retained("facelock/door3/update/offer") is None


@needs_mosquitto
def test_a_door_that_does_not_come_back_halts_the_rest(site: Site) -> None:
    site.door("door1")
    ended = site.roll_out(("gone",), ("door1",), wave_s=0.5)
    assert ended.state is RolloutState.HALTED
    assert ended.why == "gone: not in force in time, but not heard of"
    assert site.doors["door1"].applied == []
    assert site.retained("facelock/gone/update/offer") is None  # nor when it comes back later


@needs_mosquitto
def test_a_door_where_nothing_takes_what_was_fetched_is_told_apart(site: Site) -> None:
    site.door("door1", takes=False)
    ended = site.roll_out(("door1",), wave_s=6.0)
    assert ended.why.startswith("door1: not in force in time, but fetched: there root's")
    assert "edge-door-update.path" in ended.why
    assert site.waited_for[-1] == "door1 (fetched)"


@needs_mosquitto
def test_whoever_breaks_it_off_halts_it(site: Site) -> None:
    """Else a door that comes back later takes it alone, and the wall shows that it goes on."""
    site.door("door1", takes=False)
    ended = site.roll_out(("door1",), ("gone",), stopped=lambda: len(site.waited_for) > 3)
    assert (ended.state, ended.wave) == (RolloutState.HALTED, 0)
    assert ended.why == "broken off by hand"
    assert site.retained("facelock/door1/update/offer") is None


class Subscribed:
    """Stands for a connection: keeps what was published."""

    def __init__(self) -> None:
        self.published: list[Message] = []

    def subscribe(self, topics: object, *, retained: bool) -> None:
        """Nothing is sent."""

    def publish(self, message: Message) -> int:
        self.published.append(message)
        return len(self.published)


def offer(content: bytes = BUNDLE) -> UpdateOffer:
    return UpdateOffer(7, digest(content), len(content), -(-len(content) // PIECE_BYTES))


def pieces(content: bytes = BUNDLE) -> list[bytes]:
    return [content[at : at + PIECE_BYTES] for at in range(0, len(content), PIECE_BYTES)]


def test_what_is_not_what_was_offered_is_thrown_away(tmp_path: Path) -> None:
    path = tmp_path / "offered.bundle"
    fetching = Fetching(offer(), path)
    bent = pieces()
    bent[1] = bytes(len(bent[1]))
    for number, piece in list(enumerate(bent))[:-1]:
        assert not fetching.take(number, piece)
    with pytest.raises(WireError, match="not the update that was offered"):
        fetching.take(3, bent[3])
    assert list(tmp_path.iterdir()) == []
    done = [fetching.take(number, piece) for number, piece in enumerate(pieces())]
    assert (done, path.read_bytes()) == ([False, False, False, True], BUNDLE)
    assert Fetching(offer(), path).done  # and after a restart it is still here


def test_a_disk_without_room_is_said_before_anything_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = 1024 * 1024

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    assert "no room: 1 MiB are free" in Fetching(offer(), tmp_path / "offered.bundle").objection


def test_what_is_here_already_needs_no_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage:
        free = (64 << 20) + 2 * PIECE_BYTES

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage)
    fetching = Fetching(offer(), tmp_path / "offered.bundle")
    assert fetching.objection
    for number in (0, 1):
        fetching.take(number, pieces()[number])
    assert not fetching.objection


def test_a_disk_that_cannot_be_read_refuses_the_update_and_ends_nothing(tmp_path: Path) -> None:
    topics = Topics("facelock", "door1")
    (tmp_path / "b").mkdir()  # a file that cannot be read through
    post = UpdatePost(topics, tmp_path / "b", tmp_path / "t.json")
    assert post.hear(topics.update_offer, to_json(offer()))
    wire: Any = Subscribed()
    post.tend(wire)
    told = from_json(UpdateReported, wire.published[-1].payload)
    assert (told.state, told.offered) == ("refused", offer().digest)
    assert told.why == "what is here of it cannot be looked at: Is a directory"
    assert post.hear(topics.update_offer, b"")


def test_an_offer_that_is_none(tmp_path: Path) -> None:
    topics = Topics("facelock", "door1")
    post = UpdatePost(topics, tmp_path / "b", tmp_path / "t.json")
    for payload in (b"{}", b"[]", to_json(UpdateOffer(7, digest(b""), 10**6, 1))):
        with pytest.raises(WireError):
            post.hear(topics.update_offer, payload)
    assert not post.hear(topics.people_desired, b"")


@pytest.mark.parametrize("number", ["\u00b2", "9" * 5000, "-1", "", "x", "4"])
def test_a_piece_of_no_number_ends_nothing(tmp_path: Path, number: str) -> None:
    topics = Topics("facelock", "door1")
    post = UpdatePost(topics, tmp_path / "b", tmp_path / "t.json")
    post.hear(topics.update_offer, to_json(offer()))
    assert post.hear(topics.update_piece(offer().digest, number), b"x")
    assert list(tmp_path.iterdir()) == []


def test_offers_without_end_are_thinned(tmp_path: Path) -> None:
    topics = Topics("facelock", "door1")
    post = UpdatePost(topics, tmp_path / "b", tmp_path / "t.json")
    wire: Any = Subscribed()
    for number in range(100):
        assert post.hear(topics.update_offer, to_json(offer(bytes([number]))))
        post.tend(wire)
    assert len(wire.published) < 10


def test_waves_of_given_sizes_and_the_rest() -> None:
    doors = ["a", "b", "c", "d", "e"]
    assert split(doors, [1, 2]) == (("a",), ("b", "c"), ("d", "e"))
    assert split(doors, []) == (tuple(doors),)
    assert split(doors[:1], [1, 2]) == (("a",),)
