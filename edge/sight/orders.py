"""Orders from afar: a signed command, checked, counted, on the disk before it is followed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.access.command import MAX_VALID_S, OF_A_KEY, Counters, Receiver, verify_command
from edge.access.operators import Operators, Role
from edge.clock import now
from edge.errors import CommandError
from edge.records import EventKind, Reason
from edge.sight.counted import Counted
from edge.vocabulary import Action
from edge.wire.messages import Detail, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from edge.access.command import Command
    from edge.config import Config
    from edge.moment import Moment
    from edge.sight.journal import Journal

MODES = {
    Action.NORMAL: Mode.NORMAL,
    Action.ALWAYS_OPEN: Mode.ALWAYS_OPEN,
    Action.LOCK_DOWN: Mode.LOCK_DOWN,
}
REFUSALS_EVERY_S = 60.0
"""Refusals in between are counted, not written: else a flood of them would push out the grants."""
_UNSIGNED = 0.1, 3
"""An unsigned LOCK cuts a pulse short; who floods the broker must not cut every one."""
_LOCKS_EVERY_S = 300.0
"""Who sends them for days must not push the visits out of the record."""


class Orders:
    """What must be remembered of commands: counters, first signatures of two, refusals."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        not_before: Callable[[Moment], float] = lambda _moment: 0.0,
    ) -> None:
        """Take up the counters.

        `not_before`: what the wall clock shows at least, beside what the record has seen.

        Raises:
            LedgerError: what was remembered is damaged.
        """
        self._config = config
        self._journal = journal
        self._not_before = not_before
        stored = journal.state("commands")
        self._counters = Counters.from_json(stored) if stored else Counters()
        self._waiting: dict[str, tuple[Command, float]] = {}
        self._buckets: dict[str, TokenBucket] = {}
        self._unsigned = TokenBucket(*_UNSIGNED)
        self._locks = Counted(journal, EventKind.SYSTEM, _LOCKS_EVERY_S)
        self._codes = TokenBucket(*_UNSIGNED)
        self._refused, self._why, self._told_at = 0, "", float("-inf")

    def take(self, text: str) -> Command:
        """A command to follow now, once; it and its counter are on the disk.

        Raises:
            CommandError: it is not to be followed, or waits for a second operator.
        """
        moment = now()
        receiver = self._receiver(moment)
        try:
            command, counters = verify_command(text, receiver, self._counters, moment)
            self._limit(command.key)
        except CommandError as error:
            self.refuse(str(error))
            raise
        alone = command.action not in self._config.mqtt.two_persons
        seconded = alone or self._second(command, receiver.keys)
        states = {"commands": counters.to_json()}
        if seconded and command.action in MODES:
            states["commanded_mode"] = MODES[command.action].value
        reason = Reason.COMMAND if seconded else Reason.COMMAND_WAITS
        if not self._write(reason, command, states):
            raise CommandError("The ledger cannot be written, so no command is followed.")
        self._counters = counters
        if not seconded:
            self._waiting[command.nonce] = command, time.monotonic()
            raise CommandError(
                f"Noted: {command.action.value} waits {MAX_VALID_S} s for a second operator: "
                f"the same order with --join {command.nonce}."
            )
        self._waiting.pop(command.nonce, None)
        return command

    def unsigned_lock(self, who: str) -> None:
        """Note the one request that needs no signature, before it is followed.

        Raises:
            CommandError: they come too often.
        """
        if not self._unsigned.take(time.monotonic()):
            why = "lock without a signature comes too often"
            self.refuse(why)
            raise CommandError(f"{why}: wait some seconds, or sign it.")
        self._locks.note(Reason.COMMAND, {"action": Action.LOCK.value, "who": who})

    def limit_codes(self) -> None:
        """See that PINs over the broker do not come too often.

        Raises:
            CommandError: they do.
        """
        if not self._codes.take(time.monotonic()):
            why = "PINs over the broker come too often"
            self.refuse(why)
            raise CommandError(why)

    def refuse(self, why: str) -> None:
        """Count a refusal."""
        self._refused += 1
        self._why = why[:200]
        self.attend()

    def attend(self) -> None:
        """Write down what was only counted so far, when it is time."""
        self._locks.attend()
        if self._refused and time.monotonic() - self._told_at >= REFUSALS_EVERY_S:
            detail: Detail = {"why": self._why, "count": float(self._refused)}
            if self._journal.note(EventKind.SYSTEM, Reason.COMMAND_REFUSED, detail=detail):
                self._refused, self._told_at = 0, time.monotonic()

    def _receiver(self, moment: Moment) -> Receiver:
        mqtt = self._config.mqtt
        operators = Operators.from_json(self._journal.state("operators"))
        keys = {*mqtt.command_keys, *operators.keys(Role.OPERATOR)}
        wall = float(self._journal.state("wall") or 0.0)
        earliest = max(wall, self._not_before(moment))
        return Receiver(self._config.device.id, keys, mqtt.permitted, earliest)

    def _limit(self, key: str) -> None:
        bucket = self._buckets.setdefault(key, TokenBucket(*OF_A_KEY))  # few: operators' keys alone
        if not bucket.take(time.monotonic()):
            raise CommandError("This key has sent too many commands at a time.")

    def _second(self, command: Command, keys: Collection[str]) -> bool:
        """Whether another operator, who is still one, has signed the same wish a moment ago."""
        since = time.monotonic() - MAX_VALID_S
        self._waiting = {n: first for n, first in self._waiting.items() if first[1] >= since}
        first, _ = self._waiting.get(command.nonce, (None, 0.0))
        if first is None or first.action is not command.action:
            return False
        return first.key != command.key and first.key in keys

    def _write(self, reason: Reason, command: Command, states: dict[str, str]) -> bool:
        detail = {
            "action": command.action.value,
            "nonce": command.nonce,
            "key": command.key,
            "why": command.reason,
        }
        return self._journal.note(EventKind.SYSTEM, reason, states=states, detail=detail)
