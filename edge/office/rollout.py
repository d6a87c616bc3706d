"""A roll-out: an update offered to chosen doors in waves, halted when a wave does not take it well.

The bundle is signed by the owner; the office only carries it. Each wave is offered once every door
of the one before says that the update is in force there, which it says after its self-test.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.link.delivery import Delivery
from edge.link.payloads import (
    RolloutPlan,
    RolloutState,
    UpdateOffer,
    UpdateReported,
    from_json,
    to_json,
)
from edge.link.topics import Topics, rollout_plan
from edge.link.updates import PIECE_BYTES
from edge.names import listed
from edge.roster.pages import digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from edge.link.arrivals import Received
    from edge.link.client import Connection

_SETTLE_S = 2.0
_HINTS = {
    "fetched": ": there root's `edge-door update take` puts it in force, which the unit "
    "edge-door-update.path starts"
}
"""Of a state that a wave stops in: what it waits for."""


def split(doors: Sequence[str], sizes: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Waves of these sizes; the last one takes all that are left."""
    waves, rest = [], list(doors)
    for size in sizes:
        waves.append(tuple(rest[:size]))
        rest = rest[size:]
    return tuple(wave for wave in (*waves, tuple(rest)) if wave)


class Rollout:
    """One of them, on a connection of its own."""

    def __init__(self, connection: Connection, base: str, content: bytes, version: int) -> None:
        self._base = base
        self._content = content
        pieces = -(-len(content) // PIECE_BYTES)
        self._offer = UpdateOffer(version, digest(content), len(content), pieces)
        self._delivery = Delivery(connection, self._hear)
        self.reports: dict[str, UpdateReported] = {}
        """The newest word of each door."""
        self.online: set[str] = set()
        topics = f"{base}/+/update/reported", f"{base}/+/availability"
        connection.subscribe(topics, retained=True)
        self._until(lambda: False, _SETTLE_S)

    def run(
        self,
        waves: Sequence[Sequence[str]],
        wave_s: float,
        tell: Callable[[str], None] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> RolloutPlan:
        """Wave after wave; the plan as it ended. `wave_s`: how long one may take.

        `tell` is given again and again which doors are waited for, and how far each is. `stopped`:
        somebody breaks it off, which halts it as a door that fails does.

        Raises:
            BrokerError: the connection is lost, or the broker does not take something.
        """
        self._post_pieces()
        chosen = tuple(tuple(wave) for wave in waves)
        plan = RolloutPlan(self._offer.version, self._offer.digest, chosen, 0, RolloutState.RUNNING)
        for number, wave in enumerate(chosen):
            plan = replace(plan, wave=number)
            self._show(plan)
            why = self._offer_to(wave, wave_s, tell, stopped)
            if why:
                self._withdraw(wave)
                plan = replace(plan, state=RolloutState.HALTED, why=why)
                break
        else:
            plan = replace(plan, state=RolloutState.DONE)
        self._show(plan)
        return plan

    def _offer_to(
        self,
        wave: Sequence[str],
        wave_s: float,
        tell: Callable[[str], None],
        stopped: Callable[[], bool],
    ) -> str:
        """Why not all of them have it in force; empty when they have."""
        for door in wave:
            self._put(Topics(self._base, door).update_offer, to_json(self._offer))
        self._delivery.settle()
        self._until(lambda: stopped() or self._is_over(wave, tell), wave_s)
        return "broken off by hand" if stopped() else self._objection(wave)

    def _is_over(self, wave: Iterable[str], tell: Callable[[str], None]) -> bool:
        states = {door: self.state(door) for door in wave}
        late = [f"{door} ({state})" for door, state in states.items() if state != "in force"]
        if late:
            tell(listed(late))
        return not late or "refused" in states.values()

    def _objection(self, wave: Iterable[str]) -> str:
        states = {door: self.state(door) for door in wave}
        for door, state in states.items():
            if state == "refused":  # it ends a wave while others may still be at it
                return f"{door}: {self.reports[door].why}"
        for door, state in states.items():
            if state != "in force":
                return f"{door}: not in force in time, but {state}{_HINTS.get(state, '')}"
        return ""

    def state(self, door: str) -> str:
        """How far a door is with this update, in its own words."""
        report = self.reports.get(door)
        ours = report is not None and report.offered == self._offer.digest
        return report.state if report is not None and ours else "not heard of"

    def _withdraw(self, wave: Iterable[str]) -> None:
        """Whoever has not taken it yet does not."""
        for door in wave:
            if self.state(door) != "in force":
                self._put(Topics(self._base, door).update_offer, b"")
        self._delivery.settle()

    def _post_pieces(self) -> None:
        topics = Topics(self._base, "")
        for number in range(self._offer.pieces):
            piece = self._content[number * PIECE_BYTES : (number + 1) * PIECE_BYTES]
            self._put(topics.update_piece(self._offer.digest, str(number)), piece)
        self._delivery.settle()

    def clear(self) -> None:
        """Take the pieces off the broker: nobody fetches them any more."""
        topics = Topics(self._base, "")
        for number in range(self._offer.pieces):
            self._put(topics.update_piece(self._offer.digest, str(number)), b"")
        self._delivery.settle()

    def _show(self, plan: RolloutPlan) -> None:
        self._put(rollout_plan(self._base), to_json(plan))
        self._delivery.settle()

    def _put(self, topic: str, payload: bytes) -> None:
        self._delivery.put(topic, payload)

    def _until(self, over: Callable[[], bool], timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while not over() and time.monotonic() < end:
            self._delivery.attend()

    def _hear(self, arrived: Received) -> None:
        device, _, rest = arrived.topic.removeprefix(f"{self._base}/").partition("/")
        if rest == "availability":
            change = self.online.add if arrived.payload == b"online" else self.online.discard
            change(device)
            return
        try:
            report = from_json(UpdateReported, arrived.payload)
        except WireError:
            return  # anybody may publish; what is no report says nothing
        if report.device == device:
            self.reports[device] = report
