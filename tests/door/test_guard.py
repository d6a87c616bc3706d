"""The relay guard, as sight and a person at the door meet it."""

from __future__ import annotations

import json
import os
import pty
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config import parse
from edge.door.lamps import ALARM, MAX_STEPS, PATTERNS, Pattern, lit, pattern_of
from edge.door.launch import guard_command
from edge.door.launch import guard_settings as settings_of
from edge.door.pins.fake import Board
from edge.door.settings import GuardSettings, InputPin, OutputPin
from edge.door.tickets import Tickets
from edge.errors import ConfigError, WireError
from edge.records import Reason
from edge.vocabulary import Pull, Reader, ReaderKind
from edge.wire.channel import Channel
from edge.wire.messages import (
    Acknowledge,
    AskState,
    Colour,
    Credential,
    Cue,
    Flash,
    Happened,
    LockState,
    Mode,
    Presented,
    Refused,
    Relock,
    SetMode,
    Signal,
    State,
)
from tests.support.forked import edge_door, unmeasured
from tests.support.guarding import (
    BUZZER,
    CONTACT,
    FIRE,
    LED,
    RELAY,
    REX,
    RULES,
    Lateness,
    RunningGuard,
    guard_settings,
)
from tests.support.waiting import PATIENCE_S, until


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({}, False),
        ({"access": {"always_open": ["mon-fri 08:00-18:00"]}}, True),
        ({"mqtt": {"command_verbs": ["lock", "lock_down"]}}, False),
        ({"mqtt": {"command_verbs": ["always_open"]}}, True),
    ],
)
def test_a_guard_knows_whether_its_door_may_stand_open(
    tables: dict[str, object], expected: bool
) -> None:
    settings = settings_of(parse({"door": {"backend": "fake"}, **tables}, "test"))
    assert settings.rules.always_open is expected
    assert GuardSettings.from_json(settings.to_json()) == settings


def test_a_ticket_unlocks_for_exactly_the_pulse() -> None:
    with RunningGuard() as guard:
        ticket = guard.unlock()
        assert guard.happened(Reason.UNLOCKED).detail == {
            "cause": "ticket",
            "ticket": ticket,
        }
        assert guard.hear(State, lock=LockState.UNLOCKED).relay is True
        told = guard.happened(Reason.LOCKED).detail["pulse_s"]
        assert guard.hear(State, lock=LockState.LOCKED).relay is False
        (pulse,) = guard.board.pulses(RELAY)
        assert pulse == guard.lasting(0.6)
        assert told == guard.lasting(pulse, 0.02)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"issued_at": -1.1}, "older than 1 s"),
        ({"issued_at": 5.0}, "from the future"),
        ({"issued_at": float("1e300")}, "from the future"),
        ({"ticket": "open sesame"}, "32 hexadecimal digits"),
    ],
)
def test_a_bad_ticket_is_refused_with_a_sentence(change: dict[str, object], why: str) -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        offset = change.get("issued_at")
        if isinstance(offset, float):
            change = {"issued_at": time.monotonic() + offset}
        guard.unlock(**change)
        assert why in guard.hear(Refused).reason
        assert guard.board.pulses(RELAY) == []
        assert not guard.board.on(RELAY)


def test_a_ticket_counts_once() -> None:
    with RunningGuard(rules=replace(RULES, pulse_s=0.1)) as guard:
        ticket = guard.unlock()
        guard.happened(Reason.LOCKED)
        guard.unlock(ticket=ticket)
        assert guard.hear(Refused, ticket=ticket).reason == "this ticket was used before"
        assert len(guard.board.pulses(RELAY)) == 1


def test_a_ticket_from_before_the_start_is_refused() -> None:
    assert "before the guard started" in Tickets(100.0).refuse("a" * 32, 99.9, 100.1)


def test_shown_tickets_are_remembered_by_the_thousand() -> None:
    tickets = Tickets(0.0)
    first = f"{0:032x}"
    assert tickets.refuse(first, 1.0, 1.0) == ""
    for number in range(1, 4096):
        tickets.refuse(f"{number:032x}", 1.0, 1.0)
    assert tickets.refuse(first, 1.0, 1.0) == "this ticket was used before"


def test_the_door_does_as_it_is_told_and_reports_it() -> None:
    with RunningGuard() as guard:
        guard.say(AskState())
        assert guard.hear(State).mode is Mode.NORMAL
        guard.say(SetMode(Mode.LOCK_DOWN))
        guard.hear(State, mode=Mode.LOCK_DOWN)
        guard.unlock()
        assert guard.hear(Refused).reason == "the door is in lock-down"
        guard.say(SetMode(Mode.NORMAL))
        guard.unlock()
        guard.hear(State, lock=LockState.UNLOCKED)
        guard.say(Relock())
        assert float(guard.happened(Reason.LOCKED).detail["pulse_s"]) < 0.5
        guard.say(Signal(Cue.CHALLENGE, (Flash(Colour.RED, 0.001),)))
        assert "0.02 to 10 s" in guard.hear(Refused).reason


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b'{"op":"mode","mode":"ajar"}', "normal, always_open, lock_down"),
        (b'{"op":"open up"}', "not known"),
        (b'{"op":"signal","cue":"disco"}', "cue is one of off"),
        (b'{"op":"unlock","ticket":null,"issued_at":1}', "ticket is not text"),
        (b'{"op":"unlock","ticket":"a","issued_at":true}', "issued_at is not a finite"),
        (b'{"op":"unlock","ticket":"a","issued_at":NaN}', "issued_at is not a finite"),
        (b'{"op":"unlock","ticket":"a"}', "issued_at is missing"),
        (b'{"op":"watch"}', "not for the door"),
    ],
)
def test_what_is_no_request_for_the_door_is_refused(packet: bytes, why: str) -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        sock = socket.socket(fileno=os.dup(guard.channel.fileno()))
        sock.send(packet)
        sock.close()
        assert why in guard.hear(Refused).reason
        guard.unlock()
        guard.happened(Reason.UNLOCKED)


def test_the_exit_button_works_with_sight_dead() -> None:
    with RunningGuard() as guard:
        guard.board.set_input(REX, high=False)
        until(lambda: guard.board.on(RELAY))
        guard.board.set_input(REX, high=True)
        guard.wait_off()
        (pulse,) = guard.board.pulses(RELAY)
        assert pulse == guard.lasting(0.6)
        # Sight comes back and hears what it missed.
        assert guard.happened().reason is Reason.REX
        assert guard.happened().detail == {"cause": "rex"}
        assert guard.happened().reason is Reason.LOCKED


def test_fire_opens_for_as_long_as_it_burns() -> None:
    with RunningGuard() as guard:
        guard.board.set_input(FIRE, high=True)
        assert guard.happened(Reason.UNLOCKED).detail == {"cause": "fire"}
        time.sleep(1.0)
        assert guard.board.on(RELAY)
        guard.board.set_input(FIRE, high=False)
        guard.happened(Reason.LOCKED)
        assert not guard.board.on(RELAY)


def test_a_bouncing_switch_counts_once() -> None:
    with RunningGuard(debounce_s=0.05) as guard:
        guard.hear(State)
        for _ in range(6):
            guard.board.set_input(REX, high=False)
            guard.board.set_input(REX, high=True)
        guard.board.set_input(REX, high=False)
        guard.happened(Reason.LOCKED)
        pressed = [m for m in guard.heard if isinstance(m, Happened) and m.reason is Reason.REX]
        assert len(pressed) == 1


def test_a_forced_door_sounds_the_alarm() -> None:
    with RunningGuard() as guard:
        guard.board.set_input(CONTACT, high=True)
        guard.happened(Reason.FORCED)
        until(lambda: guard.board.on(BUZZER))
        guard.board.set_input(CONTACT, high=False)
        guard.hear(State, lock=LockState.LOCKED)
        until(lambda: not (guard.board.on(BUZZER) or guard.board.on(LED)))


def test_events_wait_until_they_are_acknowledged() -> None:
    with RunningGuard(rules=replace(RULES, pulse_s=0.1)) as guard:
        guard.unlock()
        first = guard.happened(Reason.UNLOCKED)
        second = guard.happened(Reason.LOCKED)
        guard.say(Acknowledge(first.number))
        guard.say(AskState())
        guard.hear(State)
        guard.hang_up()
        time.sleep(0.05)
        guard.heard.clear()
        guard.hear(State)  # it stands for all that happened before it
        assert guard.heard[:-1] == [second]


def flood(guard: RunningGuard, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        guard.say(AskState())


def test_a_peer_that_does_not_read_is_hung_up_on_and_delays_nothing() -> None:
    with RunningGuard(rules=replace(RULES, pulse_s=0.3)) as guard:
        guard.hear(State)
        guard.unlock()
        with pytest.raises(WireError, match="gone"):
            flood(guard, seconds=PATIENCE_S)
        guard.hang_up()
        guard.wait_off()
        (pulse,) = guard.board.pulses(RELAY)
        assert pulse == guard.lasting(0.3)
        assert guard.hear(State).lock is LockState.LOCKED


def test_only_one_process_speaks_to_the_door() -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        with Channel.connect(guard.run / "door.sock") as second:
            answer = second.receive(PATIENCE_S)
            assert isinstance(answer, Refused)
            assert "is connected already" in answer.reason
        guard.unlock()
        guard.happened(Reason.UNLOCKED)


def test_another_user_is_refused() -> None:
    with RunningGuard(peer_uid=os.getuid() + 1) as guard:
        answer = guard.channel.receive(PATIENCE_S)
        assert isinstance(answer, Refused)
        assert "may not speak to the door" in answer.reason
        with pytest.raises(WireError):
            flood(guard, seconds=PATIENCE_S)
        assert not guard.board.on(RELAY)


@pytest.mark.skipif(os.getuid() != 0, reason="changing the user needs root: run pytest with sudo")
def test_a_process_of_another_user_is_refused() -> None:
    """The other way about: the kernel tells who connects, whatever the packets say."""
    with RunningGuard() as guard:
        guard.run.chmod(0o755)
        (guard.run / "door.sock").chmod(0o666)
        asked = (
            "import os,sys,socket,time,json;"
            "os.setgid(65534); os.setuid(65534);"
            "s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET); s.connect(sys.argv[1]);"
            "print(s.recv(4096).decode());"
            "s.send(json.dumps({'op':'unlock','ticket':'a'*32,'issued_at':time.monotonic()})"
            ".encode())"
        )
        command = [sys.executable, "-c", asked, str(guard.run / "door.sock")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert "user 65534 may not speak to the door" in done.stdout
        assert guard.board.pulses(RELAY) == []


def test_a_second_guard_is_refused_and_touches_nothing() -> None:
    with RunningGuard() as guard:
        before = Path(guard.board.trace).read_bytes()
        command = [sys.executable, "-m", "edge.door.guard", guard.settings.to_json()]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 1
        assert "another guard serves" in second.stderr
        assert Path(guard.board.trace).read_bytes() == before
        guard.unlock()
        guard.happened(Reason.UNLOCKED)


def test_release_drives_the_relay_off_unless_a_guard_serves() -> None:
    with RunningGuard() as guard:
        command = [sys.executable, "-m", "edge.door.guard", guard.settings.to_json(), "--release"]
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 1
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
        os.kill(guard.warden(), signal.SIGSTOP)  # both are gone: nobody drives it off
        warden = guard.warden()
        guard.process.kill()
        os.kill(warden, signal.SIGKILL)
        guard.process.wait()
        assert guard.board.on(RELAY)
        assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
        assert not guard.board.on(RELAY)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_with_the_relay_off(number: signal.Signals) -> None:
    with RunningGuard() as guard:
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
        guard.process.send_signal(number)
        assert guard.process.wait(timeout=PATIENCE_S) == 0
        assert not guard.board.on(RELAY)
        assert {each.pid for each in guard.board.changes(RELAY)} == {guard.process.pid}
        assert not (guard.run / "door.sock").exists()


def test_it_tells_systemd_and_stops_when_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(f"\0edge-door-{secrets.token_hex(8)}")
        systemd.settimeout(PATIENCE_S)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + systemd.getsockname()[1:].decode())
        with RunningGuard() as guard:
            assert systemd.recv(64) == b"READY=1"
            assert systemd.recv(64) == b"WATCHDOG=1"
            guard.process.send_signal(signal.SIGTERM)
            while (said := systemd.recv(64)) == b"WATCHDOG=1":
                pass
            assert said == b"STOPPING=1"


def test_the_kernel_watchdog_is_fed_and_disarmed(tmp_path: Path) -> None:
    device = tmp_path / "watchdog"
    device.touch()
    with RunningGuard(watchdog=str(device)) as guard:
        until(lambda: len(device.read_bytes()) >= 2)
        guard.process.send_signal(signal.SIGTERM)
        guard.process.wait()
    assert device.read_bytes().endswith(b"V")


@pytest.mark.parametrize("settings", ["", "{}", "[1]", '{"relay": 3}', "\x00"])
def test_settings_it_cannot_read_are_exit_code_2(settings: str) -> None:
    # Not as a real argument: those cannot hold a NUL.
    code = f"import sys; from edge.door.guard import main; sys.argv[1:] = [{settings!r}]; "
    command = [sys.executable, "-c", code + "sys.exit(main())"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "edge-door door" in done.stderr


def test_a_missing_backend_is_a_sentence_and_no_fake(tmp_path: Path) -> None:
    settings = guard_settings(tmp_path, backend="rpi").to_json()
    done = subprocess.run(
        [sys.executable, "-m", "edge.door.guard", settings],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "door.backend = 'rpi' cannot start" in done.stderr
    assert "[rpi]" in done.stderr


def test_a_repaired_short_circuit_ends_the_fault() -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        guard.board.set_input(RELAY, high=True)
        assert "not as it was driven" in guard.hear(State, lock=LockState.FAULT).fault
        guard.unlock()
        assert "at fault" in guard.hear(Refused).reason
        guard.board.let_go(RELAY)
        guard.hear(State, lock=LockState.LOCKED, fault="")
        guard.unlock()
        guard.happened(Reason.UNLOCKED)


def test_a_stuck_exit_button_does_not_open_at_every_start() -> None:
    with RunningGuard(rules=replace(RULES, pulse_s=0.1)) as guard:
        guard.board.set_input(REX, high=False)
        guard.happened(Reason.LOCKED)
        guard.hang_up()
        guard.process.terminate()
        guard.process.wait()
        assert guard.process.stderr
        guard.process.stderr.close()
        guard.process = guard.start()
        guard.board.set_input(CONTACT, high=True)  # a later switch counts: so would the button have
        guard.happened(Reason.FORCED)
        assert len(guard.board.pulses(RELAY)) == 1


def test_an_interlocked_door_claims_before_it_unlocks() -> None:
    busy, other = 20, 21
    with RunningGuard(
        busy=OutputPin(busy),
        inputs={"interlock": InputPin(other, active_high=True, pull=Pull.DOWN)},
        rules=replace(RULES, pulse_s=5.0, interlock_s=0.2),
    ) as guard:
        guard.unlock()
        guard.hear(State, lock=LockState.UNLOCKING)
        guard.happened(Reason.UNLOCKED)
        (claimed,) = [each.at for each in guard.board.changes(busy) if each.on]
        (unlocked,) = [each.at for each in guard.board.changes(RELAY) if each.on]
        assert unlocked - claimed == guard.lasting(0.2, 0.05)
        guard.board.set_input(other, high=True)  # the other door was forced
        guard.happened(Reason.LOCKED)
        assert not guard.board.on(busy)
        guard.unlock()
        assert "interlocked door" in guard.hear(Refused).reason


def test_a_motor_lock_is_driven_each_way_and_never_both() -> None:
    relock = 18
    with RunningGuard(
        relock=OutputPin(relock),
        inputs={},
        rules=replace(RULES, pulse_s=0.6, throw_s=0.2, motor=True),
    ) as guard:
        guard.hear(State, lock=LockState.LOCKED)
        guard.unlock()
        guard.happened(Reason.LOCKED)
        guard.hear(State, lock=LockState.LOCKED)
        assert guard.board.pulses(RELAY) == [guard.lasting(0.2, 0.05)]
        assert guard.board.pulses(relock) == [guard.lasting(0.2, 0.05)] * 2
        both = sorted(
            guard.board.changes(RELAY) + guard.board.changes(relock), key=lambda each: each.at
        )
        on: set[int] = set()
        for change in both:
            on = on | {change.line} if change.on else on - {change.line}
            assert len(on) <= 1


def test_the_wiring_is_not_tried_under_a_running_door() -> None:
    """Whoever types it is told how to stop the door; nothing clicks."""
    with RunningGuard() as guard:
        file = guard.run / "door.toml"
        file.write_text(f'[paths]\nrun = "{guard.run}"\n')
        done = edge_door("door", "test", "--config", str(file))
        assert done.returncode == 2
        assert done.stderr.startswith("edge-door: the running door holds the lines. Stop it first")
        assert "sudo systemctl stop edge-door.target" in done.stderr
        assert guard.board.pulses(RELAY) == []


def test_a_second_run_beside_a_running_door_ends_and_says_so() -> None:
    """It started its programs again and again, for ever."""
    with RunningGuard() as guard:
        file = guard.run / "door.toml"
        file.write_text(f'[paths]\nrun = "{guard.run}"\n')
        done = edge_door("run", "--config", str(file))
    assert done.returncode == 2
    assert done.stderr.startswith("edge-door: another edge-door runs with this configuration")


def test_trying_the_wiring_tells_what_it_sees() -> None:
    folder = tempfile.mkdtemp(prefix="door")
    settings = guard_settings(Path(folder))
    board = Board(folder)
    command = [sys.executable, "-m", "edge.door.wiring", settings.to_json(), "1.5"]
    with Lateness() as here, subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as trial:
        assert trial.stdout
        said = ""
        while "press, open and present" not in said:
            said += trial.stdout.readline()
        board.set_input(REX, high=False)
        said += trial.stdout.read()
    assert trial.returncode == 0
    assert "line 17: the lock opens for 0.5 s" in said
    assert "line 22: the door is open" in said
    assert "line 27: the exit button is pressed" in said
    assert "line 22: contact did not change" in said
    assert board.pulses(RELAY) == [here.lasting(0.5)]
    assert len(board.pulses(LED)) == len(board.pulses(BUZZER)) == 1
    shutil.rmtree(folder)


def test_a_pin_typed_at_the_door_is_a_claim_and_nothing_else() -> None:
    near, far = pty.openpty()
    reader = Reader(ReaderKind.SERIAL, device=os.ttyname(far), baud=9600)
    with RunningGuard(readers=(reader,)) as guard:
        guard.hear(State)
        os.write(near, b"4711#")
        assert guard.hear(Presented) == Presented(Credential.PIN, "4711")
        guard.hang_up()
        os.write(near, b"0815#")
        time.sleep(0.1)
        guard.say(AskState())
        guard.hear(State)
        assert not [m for m in guard.heard if isinstance(m, Presented) and m.value == "0815"], (
            "it went stale"
        )
        assert not guard.board.on(RELAY)
        guard.process.terminate()
        assert guard.process.stderr
        assert "4711" not in guard.process.stderr.read()
    os.close(near)
    os.close(far)


def test_the_guard_over_rpi_gpio_serves_the_button_and_is_driven_off_when_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RPi.GPIO's inputs are polled, and its outputs keep their level when the process dies."""
    monkeypatch.setenv(
        "PYTHONPATH", str(Path(__file__).parents[1] / "support" / "rpi_board"), prepend=":"
    )
    monkeypatch.setenv("EDGE_DOOR_RPI_BOARD", str(tmp_path))

    def relay() -> str:
        return (tmp_path / str(RELAY)).read_text()

    inputs = {"rex": InputPin(REX)}
    with RunningGuard(backend="rpi", inputs=inputs, rules=replace(RULES, pulse_s=0.4)) as guard:
        guard.hear(State, relay=False)
        (tmp_path / str(REX)).write_text("0")
        guard.happened(Reason.REX)
        assert relay() == "1"
        pulse_s = guard.happened(Reason.LOCKED).detail["pulse_s"]
        assert pulse_s == guard.lasting(0.4)
        assert relay() == "0"
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
        assert relay() == "1"
        guard.process.kill()
        guard.process.wait()
        assert guard.process.stderr
        assert "lines are off" in guard.process.stderr.read()
        assert relay() == "0"


# Anything at all on the socket.


def fuzzed(chance: random.Random) -> bytes:
    """A packet that is nearly, or not at all, a request to unlock."""
    good = json.dumps(
        {"op": "unlock", "ticket": secrets.token_hex(16), "issued_at": time.monotonic()}
    ).encode()
    kind = chance.randrange(6)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 300))
    if kind == 1:  # cut short
        return good[: chance.randrange(1, len(good) - 1)]
    if kind == 2:  # wrong types
        values: list[object] = [None, -1, [], {}, "x", 1e400, True, "9" * 32, [[[]]]]
        return json.dumps(
            {
                "op": chance.choice(["unlock", "mode", "signal", "ack", "state", "watch", 7, None]),
                "ticket": chance.choice(values),
                "issued_at": chance.choice(values),
                "cue": chance.choice([*values, "challenge"]),
                "steps": chance.choice(values),
                "mode": chance.choice(values),
                "number": chance.choice(values),
            }
        ).encode()
    if kind == 3:  # too long for a packet
        return good[:-1] + b" " * 70_000 + b"}"
    if kind == 4:  # no stamp, or an old one
        old = {
            "op": "unlock",
            "ticket": secrets.token_hex(16),
            "issued_at": chance.uniform(-1e9, 0),
        }
        return json.dumps(old).encode()
    return b'{"op":"unlock","ticket":' + b"[" * chance.randrange(1, 3000)


def fuzz(packets: int) -> int:
    chance = random.Random(7)
    sent = 0
    with RunningGuard() as guard:
        while sent < packets:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.settimeout(2)
            with sock:
                try:
                    sock.connect(str(guard.run / "door.sock"))
                except BlockingIOError:  # the guard has not yet seen our last hang-up
                    time.sleep(0.01)
                    continue
                try:
                    while sent < packets:
                        sock.send(fuzzed(chance))
                        sent += 1
                        sock.settimeout(0.002)
                        try:
                            if not sock.recv(65536):
                                break
                        except TimeoutError:
                            pass
                        sock.settimeout(2)
                except OSError:
                    sent += 1
        assert guard.process.poll() is None
        assert not any(change.on for change in guard.board.changes(RELAY))
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
    return sent


def test_fuzzed_packets_never_energise() -> None:
    fuzz(400)


@pytest.mark.slow
def test_thousands_of_fuzzed_packets_never_energise() -> None:
    assert fuzz(10_000) >= 10_000


# What it is made of.


def modules_of_the_guard() -> list[str]:
    """What a running guard with the fake backend has imported."""
    code = (
        "import sys, os, json, signal\n"
        "from edge.door import guard\n"
        "before = guard.Guard._wait\n"
        "def wait(self, stop, warden):\n"
        "    guard.Guard._wait = before\n"
        "    print(json.dumps(sorted(sys.modules)), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return before(self, stop, warden)\n"
        "guard.Guard._wait = wait\n"
        "sys.exit(guard.main())\n"
    )
    with RunningGuard() as guard:
        guard.process.send_signal(signal.SIGTERM)
        guard.process.wait()
        done = subprocess.run(
            [sys.executable, "-c", code, guard.settings.to_json()],
            env=unmeasured(),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=True,
        )
    return list(json.loads(done.stdout))


def test_its_import_list_is_the_standard_library(capsys: pytest.CaptureFixture[str]) -> None:
    modules = modules_of_the_guard()
    own = [name for name in modules if name.split(".")[0] == "edge"]
    foreign = {
        name.split(".")[0]
        for name in modules
        if name.split(".")[0] not in {"edge", "__main__", *sys.stdlib_module_names}
        # What site-packages' .pth files import in any Python of this environment.
        and not name.startswith(("_distutils_hack", "__editable__", "sitecustomize", "_virtualenv"))
    }
    with capsys.disabled():
        print(f"\nguard imports: {len(modules)} modules; own: {' '.join(own)}")
    assert foreign == set()
    assert not {"ssl", "http", "asyncio", "threading", "ctypes", "urllib.request"} & set(modules)
    assert not [name for name in own if name.startswith(("edge.config", "edge.sight"))]


def test_its_memory_and_sockets(capsys: pytest.CaptureFixture[str]) -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        total = 0
        for pid in (guard.process.pid, guard.warden()):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            pss = next(row for row in rollup.splitlines() if row.startswith("Pss:"))
            total += int(pss.split()[1])
        with capsys.disabled():
            print(f"\nguard and warden: {total} kB PSS")
        assert total <= 20 * 1024
        families = set()
        for link in Path(f"/proc/{guard.process.pid}/fd").iterdir():
            target = str(link.readlink())
            if not target.startswith("socket:"):
                continue
            inode = target[8:-1]
            known = Path(f"/proc/{guard.process.pid}/net/unix").read_text()
            families.add("unix" if f" {inode}" in known else "other")
        assert families == {"unix"}
        tasks = list(Path(f"/proc/{guard.process.pid}/task").iterdir())
        assert len(tasks) == 1


# From the configuration to the guard.


def test_the_settings_survive_the_command_line() -> None:
    config = parse(
        {
            "door": {
                "lock": "motor",
                "relock_pin": 18,
                "contact": {"pin": 22},
                "rex": {"pin": 27},
                "led_red_pin": 5,
                "interlock": {"pin": 20, "busy_pin": 21},
                "wiegand": {"d0_pin": 12, "d1_pin": 13},
                "keypad": {"row_pins": [0, 1, 2, 3], "column_pins": [4, 6, 7]},
                "rfid": {"device": "/dev/input/event0", "serial": "/dev/ttyS0"},
            }
        },
        "test",
    )
    settings = settings_of(config)
    assert GuardSettings.from_json(settings.to_json()) == settings
    assert guard_command(config)[-3:-1] == ["-m", "edge.door.guard"]
    assert settings.relock == OutputPin(18)
    assert settings.rules.interlock_s == 0.2
    assert [reader.kind for reader in settings.readers] == [
        ReaderKind.WIEGAND,
        ReaderKind.MATRIX,
        ReaderKind.WEDGE,
        ReaderKind.SERIAL_CARD,
    ]


@pytest.mark.parametrize(
    ("lock", "contact", "relay_on_unlocks"),
    [
        ("fail-secure", None, True),
        ("fail-safe", None, True),
        ("maglock", "NC", True),
        ("maglock", "NO", False),
        ("fail-safe", "NO", False),
    ],
)
def test_what_an_energised_relay_means(
    lock: str, contact: str | None, *, relay_on_unlocks: bool
) -> None:
    door = {"lock": lock, "relay_contact": contact}
    assert settings_of(parse({"door": door}, "test")).relay_on_unlocks is relay_on_unlocks


def test_a_maglock_on_the_no_contact_is_held_by_the_relay() -> None:
    with RunningGuard(relay_on_unlocks=False) as guard:
        assert guard.hear(State, lock=LockState.LOCKED).relay is True
        assert guard.board.on(RELAY)
        guard.unlock()
        assert guard.hear(State, lock=LockState.UNLOCKED).relay is False
        guard.hear(State, lock=LockState.LOCKED)
        guard.process.kill()
        guard.process.wait()
        guard.wait_off()  # off, which for this wiring is free


@pytest.mark.parametrize(
    ("door", "sentence"),
    [
        ({"relay_pin": 3}, "GPIO 3 is pulled up at boot"),
        ({"relay_pin": 14}, "GPIO 14 pulses at boot"),
        ({"backend": "rpi", "lock": "motor", "relock_pin": 8}, "GPIO 8 is pulled up"),
        ({"rex": {"pin": 17}}, "relay_pin and rex.pin are both 17"),
        ({"keypad": {"row_pins": [5, 6]}}, "4 rows and 3 or 4 columns, not 2 and 0"),
        ({"lock": "motor"}, "needs relock_pin"),
        ({"relock_pin": 18}, "is for a motor lock"),
        ({"relay_contact": "NC"}, "whenever the relay is off"),
        ({"relock": "close"}, "needs a door contact"),
        ({"interlock": {"pin": 20}}, "needs both interlock.pin and interlock.busy_pin"),
        ({"wiegand": {"d0_pin": 20}}, "needs both wiegand.d0_pin and wiegand.d1_pin"),
        ({"backend": "jetson", "rex": {"pin": 20}}, "a Jetson cannot set pulls"),
        ({"watchdog_device": "watchdog"}, "absolute path"),
        ({"pulse_s": 31}, "pulse_s"),
        ({"pulse_s": 0.05}, "pulse_s"),
        ({"rex": {"pni": 3}}, "Did you mean `pin`?"),
    ],
)
def test_a_door_that_cannot_be_is_refused_with_a_sentence(
    door: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse({"door": door}, "test.toml")
    assert sentence in str(refusal.value)


@pytest.mark.parametrize(
    ("lock", "key"),
    [
        ({"relay_pin": 4}, "relay_pin"),
        ({"lock": "motor", "relay_pin": 17, "relock_pin": 4}, "relock_pin"),
    ],
)
def test_gpiod_on_a_raspberry_pi_keeps_the_pis_rule(
    lock: dict[str, object], key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = parse({"door": {"backend": "gpiod", **lock}}, "test")
    settings_of(config)
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    monkeypatch.setattr("edge.door.launch.MODEL_FILE", model)
    with pytest.raises(ConfigError, match=f"door.{key}: GPIO 4 is pulled up at boot"):
        settings_of(config)


def test_an_unknown_peer_user_is_refused() -> None:
    with pytest.raises(ConfigError, match="no such user"):
        settings_of(parse({"door": {"peer_user": "nobody-at-all"}}, "test"))


# Lamps.


def test_patterns_end_or_go_round() -> None:
    lamps, change_s = lit(PATTERNS[Cue.GRANTED], 0.1)
    assert lamps == {"green", "buzzer"}
    assert change_s == pytest.approx(0.2)
    assert lit(PATTERNS[Cue.GRANTED], 99.0) == (frozenset(), None)
    assert lit(ALARM, 100.0)[0] == {"red", "buzzer"}
    assert lit(ALARM, 100.3)[0] == frozenset()
    assert lit(PATTERNS[Cue.OFF], 0.0) == (frozenset(), None)


@given(st.sampled_from([*PATTERNS.values(), ALARM]), st.floats(0, 1e5))
def test_the_next_change_of_a_pattern_is_ahead(pattern: Pattern, age: float) -> None:
    lamps, change_s = lit(pattern, age)
    assert lamps <= {"red", "green", "blue", "buzzer"}
    assert change_s is None or 0 <= change_s <= 2.0


def test_steps_of_a_challenge() -> None:
    flash = Flash(Colour.CYAN, 0.4, beep=True)
    pattern = pattern_of(Cue.CHALLENGE, (flash, Flash(Colour.OFF, 0.1)))
    assert pattern is not None
    assert lit(pattern, 0.0)[0] == {"green", "blue", "buzzer"}
    assert lit(pattern, 0.45)[0] == frozenset()
    assert lit(pattern, 0.6) == (frozenset(), None)
    for wrong in ((flash,) * (MAX_STEPS + 1), (Flash(Colour.RED, 0.001),)):
        assert pattern_of(Cue.CHALLENGE, wrong) is None


def test_the_board_measures_pulses(tmp_path: Path) -> None:
    assert Board(tmp_path).pulses(RELAY) == []
