"""A relay guard for tests: a real process on a fake board, and what sight would say to it."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from edge.door.machine import Rules
from edge.door.pins.fake import Board
from edge.door.settings import GuardSettings, InputPin, OutputPin
from edge.records import Reason
from edge.wire.channel import Channel
from edge.wire.messages import Happened, Unlock, Unreadable
from tests.support.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from typing_extensions import Self

    from edge.wire.messages import Message

Heard = TypeVar("Heard")

RULES = Rules(pulse_s=0.6, held_open_s=0.15, open_grace_s=0.1)
RELAY, CONTACT, REX, TAMPER, FIRE, LED, BUZZER = 17, 22, 27, 23, 24, 5, 6


def guard_settings(run: Path, **changes: Any) -> GuardSettings:
    settings = GuardSettings(
        backend="fake",
        chip="",
        run=str(run),
        socket=str(run / "door.sock"),
        peer_uid=os.getuid(),
        relay=OutputPin(RELAY),
        lamps={"red": OutputPin(LED), "buzzer": OutputPin(BUZZER)},
        inputs={
            "contact": InputPin(CONTACT),
            "rex": InputPin(REX),
            "tamper": InputPin(TAMPER, active_high=True),
            "fire": InputPin(FIRE, active_high=True),
        },
        debounce_s=0.01,
        rules=RULES,
    )
    return replace(settings, **changes)


class Lateness:
    """How much later than asked a program wakes here: no guard can keep its times better."""

    def __init__(self) -> None:
        self.most_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()

    def _measure(self) -> None:
        asked = time.monotonic() + 0.01
        while not self._stop.wait(max(0.0, asked - time.monotonic())):
            now = time.monotonic()
            self.most_s = max(self.most_s, now - asked)
            asked = now + 0.01

    def late(self, allowed_s: float) -> float:
        """So late, seconds, may something be: as allowed, and what a loaded machine adds."""
        return allowed_s + 4 * self.most_s

    def lasting(self, expected_s: float, allowed_s: float = 0.1) -> object:
        """A time to compare with."""
        return pytest.approx(expected_s, abs=self.late(allowed_s))

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RunningGuard:
    """The process, its board and one connection to it."""

    def __init__(
        self, *, program: tuple[str, ...] = ("-m", "edge.door.guard"), **changes: Any
    ) -> None:
        # Socket paths are short, and pytest's own folders are not.
        self._folder = tempfile.TemporaryDirectory(prefix="door")
        self.run = Path(self._folder.name)
        self.settings = guard_settings(self.run, **changes)
        self.board = Board(self.run)
        self.board.set_input(CONTACT, high=False)
        self.board.set_input(TAMPER, high=False)
        self.board.set_input(FIRE, high=False)
        self._program = program
        self._lateness = Lateness()
        self.late, self.lasting = self._lateness.late, self._lateness.lasting
        self.process = self.start()
        self._channel: Channel | None = None
        self.heard: list[Message | Unreadable] = []

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, *self._program, self.settings.to_json()]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        said = ""
        while "ready" not in said:
            said = process.stderr.readline()
            assert said, f"the guard did not start: exit code {process.wait()}"
        return process

    @property
    def channel(self) -> Channel:
        if self._channel is None:
            self._channel = Channel.connect(self.run / "door.sock")
        return self._channel

    def say(self, message: Message) -> None:
        self.channel.send(message)

    def unlock(self, **changes: Any) -> str:
        asked = Unlock(secrets.token_hex(16), time.monotonic())
        self.say(replace(asked, **changes))
        return asked.ticket

    def happened(self, reason: Reason | None = None) -> Happened:
        """The next event, with this reason."""
        match: dict[str, Any] = {"reason": reason} if reason else {}
        return self.hear(Happened, **match)

    def hear(self, kind: type[Heard], within_s: float = PATIENCE_S, **match: Any) -> Heard:
        """The next message of that kind with these values."""
        deadline = time.monotonic() + within_s
        while (left := deadline - time.monotonic()) > 0:
            message = self.channel.receive(left)
            if message is None:
                break
            self.heard.append(message)
            if isinstance(message, kind) and all(
                getattr(message, name) == value for name, value in match.items()
            ):
                return message
        raise AssertionError(f"no {kind.__name__} {match} came; heard {self.heard[-5:]}")

    def wait_off(self) -> None:
        until(lambda: not self.board.on(RELAY))

    def warden(self) -> int:
        """The process id of the guard's warden."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return int(children.read_text().split()[0])

    def hang_up(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def close(self) -> None:
        self.hang_up()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.stderr
        self.process.stderr.read()  # ends when the warden has ended too
        self.process.stderr.close()
        self.process.wait()
        self._lateness.close()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
