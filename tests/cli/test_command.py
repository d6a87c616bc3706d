"""Keys and orders as people use them: make a key, command the door, revoke it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access.command import public_text
from edge.cli.fleet.keys import read_key
from edge.errors import UsageError
from edge.fleet import signing
from edge.link import sender
from edge.wire.messages import Done, Failed
from tests.link.test_link import order
from tests.support.forked import edge_door
from tests.support.link_parts import Device, FakeSight, Mosquitto, Reader, needs_mosquitto
from tests.support.running import Door
from tests.support.waiting import until


def test_keys_are_made_listed_and_revoked(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    file = tmp_path / "bea.key"
    made = json.loads(door.command("keys", "make", "Bea", "--out", str(file), "--json").stdout)
    assert file.stat().st_mode & 0o777 == 0o600
    assert made["public"] == public_text(read_key(file))
    twice = door.command("keys", "make", "bea", "--public", made["public"])
    assert (twice.returncode, "Revoke it first" in twice.stderr) == (2, True)
    listed = json.loads(door.command("keys", "list", "--json").stdout)["keys"]
    assert listed == [{"name": "Bea", "role": "operator", "public": made["public"]}]
    assert door.command("keys", "revoke", "Bea").returncode == 0
    assert json.loads(door.command("keys", "list", "--json").stdout)["keys"] == []
    assert [event.reason.value for event in door.events()] == ["keys_changed"] * 2


def test_who_revokes_a_key_of_the_configuration_is_told_where_it_stands(tmp_path: Path) -> None:
    public = public_text(Ed25519PrivateKey.generate())
    door = Door(tmp_path, "/dev/video99", mqtt={"command_keys": [public]})
    door.command("init")
    done = door.command("keys", "revoke", "Bea")
    assert done.returncode == 2
    assert "nobody called 'Bea' has a key here. Known: nobody." in done.stderr
    assert "take them out of the configuration" in done.stderr
    door.command("keys", "make", "Beatrice", "--out", str(tmp_path / "key"))
    assert "Did you mean 'Beatrice'?" in door.command("keys", "revoke", "beatrce").stderr


def test_a_key_of_the_configuration_counts_though_its_name_is_revoked(tmp_path: Path) -> None:
    public = public_text(Ed25519PrivateKey.generate())
    door = Door(tmp_path, "/dev/video99", mqtt={"command_keys": [public]})
    door.command("init")
    door.command("keys", "make", "Bea", "--public", public)
    done = door.command("keys", "revoke", "Bea")
    assert done.returncode == 2
    assert "the same key counts all the same" in done.stderr


def test_a_key_is_made_here_whatever_its_holder_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    for name in ("../Bea", "a/b", ".."):
        assert door.command("keys", "make", name).returncode == 0
    assert sorted(each.name for each in here.iterdir()) == ["__.key", "___Bea.key", "a_b.key"]
    assert not list(tmp_path.glob("*.key"))


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----\n"])
def test_what_is_no_key_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)
    with pytest.raises(UsageError, match="is not a private key"):
        read_key(file)


@needs_mosquitto
def test_sent_and_done_are_two_states(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    broker = Mosquitto(tmp_path).start()
    mqtt = {"remote_unlock": True, "command_keys": [public_text(key)]}
    device = Device(tmp_path, broker.port, **mqtt)
    try:
        looks: list[bool] = []
        alone = sender.send(
            device.config, [order(1, key)], f"{1:032x}", 1.0, lambda: looks.append(True)
        )
        assert (alone.sent, alone.answer, alone.done, bool(looks)) == (True, None, False, True)
        sight = FakeSight(device.config.sight_socket)
        sight.answer = Done("unlock")
        device.start()
        reader = Reader(broker.port)
        until(lambda: reader.of("availability")[-1:] == [b"online"])
        reader.close()
        done = sender.send(device.config, [order(2, key)], f"{2:032x}", 10.0)
        assert (done.sent, done.done) == (True, True)
        sight.answer = Failed("it expired")
        refused = sender.send(device.config, [order(3, key)], f"{3:032x}", 10.0)
        assert refused.answer is not None
        assert (refused.done, refused.answer.reason) == (False, "it expired")
        sight.close()
    finally:
        device.close()
        broker.kill()


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("sign", "door1", "lock", "--reason", "x" * 201), "at most 200 printable"),
        (("sign", "door1", "lock", "--reason", "a\nb"), "at most 200 printable"),
        (("lock", "--reason", "x" * 201), "at most 200 printable"),
        (("lock", "--reason", "fire", "--join", "no hex digits, and 32 letters in"), "32 hex"),
    ],
)
def test_what_every_door_would_refuse_is_not_signed(
    tmp_path: Path, given: tuple[str, ...], complaint: str
) -> None:
    door, key = Door(tmp_path, "none"), tmp_path / "bea.key"
    signing.make_key(key)
    config = () if given[0] == "sign" else ("--config", str(door.path))
    done = edge_door("command", *given, "--key", str(key), *config)
    assert (done.returncode, complaint in done.stderr) == (2, True), done.stderr


@needs_mosquitto
def test_who_waits_for_a_doors_answer_is_told_so(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path).start()
    try:
        office = Door(tmp_path, "none", mqtt={"host": "127.0.0.1", "port": broker.port})
        key = tmp_path / "bea.key"
        signing.make_key(key)
        given = ("command", "unlock", "--reason", "parcel", "--key", str(key), "--timeout", "3")
        done = office.command(*given, "--json")
        assert (done.returncode, json.loads(done.stdout)["sent"]) == (1, True)
        assert f"waiting for {office.config.device.id}'s answer: 2 s" in done.stderr.splitlines()
    finally:
        broker.kill()
