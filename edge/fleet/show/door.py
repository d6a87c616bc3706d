"""A door without a camera and a lock: the real ledger and the real link, and people who come by.

Sight's place is taken: it answers link, writes what its made-up people do, and follows signed
commands by the same rule.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

from edge.access.command import Counters, Receiver, verify_command
from edge.clock import now
from edge.config import parse
from edge.errors import CommandError, WireError
from edge.ledger.ledger import Ledger
from edge.link import process as link
from edge.moment import Moment
from edge.records import Event, EventKind, Reason
from edge.vocabulary import Action
from edge.wire.channel import Listener
from edge.wire.messages import AskStatus, Command, Done, Failed, Status

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from edge.config import Config
    from edge.wire.channel import Channel

PEOPLE = ("Anna Berg", "Bruno Costa", "Chen Wei", "Dalia Haddad", "Emeka Obi", "Hana Kim")
THRESHOLD = 0.41
LOCKED_AGAIN_S = 4.0
_STRANGERS, _PRINTS = 0.15, 0.03
"""Shares of those who come: so that some of each are on the wall within minutes."""
_TICK_S = 0.02


class ShownDoor:
    """One door."""

    def __init__(self, folder: Path, device: str, port: int, keys: Collection[str]) -> None:
        """`keys`: whose commands it follows, one at least."""
        mqtt = {"host": "127.0.0.1", "port": port, "remote_unlock": True}
        self._config = parse(
            {
                "device": {"id": device},
                "paths": {"state": str(folder / device), "run": str(folder / device / "run")},
                "mqtt": {**mqtt, "command_keys": list(keys)},
            },
            "the show",
        )
        self._keys = keys
        self._stop = threading.Event()
        self._threads = (
            threading.Thread(target=self._see),
            threading.Thread(target=link.run, args=(self._config, self._stop, lambda: None)),
        )

    def start(self) -> None:
        """Begin to see people, and to tell of them."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Close the door for good."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _see(self) -> None:
        listener = Listener(self._config.sight_socket)
        with Ledger.open(self._config.ledger_db, self._config.device.id) as ledger:
            _StandIn(self._config, ledger, self._keys).live(listener, self._stop)
        listener.close()


class _StandIn:
    """Sight's part, without eyes."""

    def __init__(self, config: Config, ledger: Ledger, keys: Collection[str]) -> None:
        self._device = config.device.id
        self._ledger = ledger
        self._keys = keys
        self._counters = Counters()
        self._dice = random.Random(self._device)  # noqa: S311 - a show, the same every time
        self._mode = Action.NORMAL
        self._lock_at: float | None = None
        self._channels: list[Channel] = []

    def live(self, listener: Listener, stop: threading.Event) -> None:
        """People come now and then, until `stop`."""
        self._write(EventKind.SYSTEM, Reason.STARTED, {"lock": "LOCKED", "contact": "closed"})
        for person in PEOPLE:
            self._write(EventKind.PEOPLE, Reason.ENROLLED, person=person)
        self._ledger.put_states({"tamper": "off", "camera": "ok"})
        comes_at = time.monotonic() + self._dice.uniform(0.5, 4)
        while not stop.wait(_TICK_S):
            self._answer(listener)
            if time.monotonic() >= comes_at:
                self._somebody_comes()
                comes_at = time.monotonic() + self._dice.expovariate(1 / 8)
            if self._lock_at is not None and time.monotonic() >= self._lock_at:
                self._lock_at = None
                self._write(EventKind.DOOR, Reason.LOCKED, {"lock": "LOCKED"})
        for channel in self._channels:
            channel.close()

    def _somebody_comes(self) -> None:
        chance = self._dice.random()
        if chance < _PRINTS:
            self._decide(Reason.NOT_LIVE, self._dice.gauss(0.6, 0.05))
        elif chance < _PRINTS + _STRANGERS:
            self._decide(Reason.NO_MATCH, self._dice.gauss(0.15, 0.07))
        elif self._mode is Action.LOCK_DOWN:
            self._write(EventKind.ACCESS, Reason.LOCK_DOWN, person=self._dice.choice(PEOPLE))
        else:
            self._decide(Reason.GRANTED, self._dice.gauss(0.65, 0.05), self._dice.choice(PEOPLE))
            self._open()

    def _decide(self, reason: Reason, similarity: float, person: str | None = None) -> None:
        detail = {"similarity": round(similarity, 3), "threshold": THRESHOLD, "blinks": 1}
        self._write(EventKind.ACCESS, reason, person=person, detail=detail)

    def _open(self) -> None:
        self._lock_at = time.monotonic() + LOCKED_AGAIN_S
        self._write(EventKind.DOOR, Reason.UNLOCKED, {"lock": "UNLOCKED"})

    def _answer(self, listener: Listener) -> None:
        channel = listener.accept()
        if channel is not None:
            self._channels.append(channel)
        for each in list(self._channels):
            try:
                asked = each.receive(timeout_s=0)
                if isinstance(asked, AskStatus):
                    figures = {"fps": 14.8, "decision_ms": round(self._dice.uniform(38, 46), 1)}
                    each.send(Status(door=True, camera="ok", people=len(PEOPLE), metrics=figures))
                elif isinstance(asked, Command):
                    each.send(self._follow(asked.text))
            except WireError:
                each.close()
                self._channels.remove(each)

    def _follow(self, text: str) -> Done | Failed:
        moment = now()
        # In a container the kernel may not say that its clock is set.
        trusted = Moment(moment.boot, moment.at, moment.wall, wall_trusted=True)
        receiver = Receiver(self._device, self._keys, tuple(Action))
        try:
            command, self._counters = verify_command(text, receiver, self._counters, trusted)
        except CommandError as error:
            self._write(EventKind.SYSTEM, Reason.COMMAND_REFUSED)
            return Failed(str(error))
        if command.action is Action.UNLOCK:
            if self._mode is Action.LOCK_DOWN:
                return Failed("The door is in lock-down.")
            self._write(EventKind.ACCESS, Reason.COMMAND)
            self._open()
        elif command.action is not Action.LOCK:
            self._mode = command.action
        return Done(command.action.value)

    def _write(
        self,
        kind: EventKind,
        reason: Reason,
        states: dict[str, str] | None = None,
        *,
        person: str | None = None,
        detail: Mapping[str, str | float | bool] | None = None,
    ) -> None:
        event = Event(
            kind=kind,
            reason=reason,
            at=time.monotonic(),
            wall=time.time(),
            wall_trusted=True,
            device=self._device,
            person=person,
            detail=detail or {},
        )
        self._ledger.append(event, states)
