"""The sight process: frames in, decisions out, tickets to the guard, events to the ledger."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access.attempt import Judge, Patience, Surroundings
from edge.access.lockout import Lockout
from edge.access.lockout import Rules as LockoutRules
from edge.access.matcher import match
from edge.access.schedule import parse as parse_schedule
from edge.errors import LedgerError, UsageError, VaultError
from edge.ledger.ledger import Ledger
from edge.records import Decision, EventKind, Hint, Outcome, Reason
from edge.sight.claims import Claims
from edge.sight.clock import now
from edge.sight.control import Control
from edge.sight.feed import Feed
from edge.sight.figures import Figures, seen
from edge.sight.journal import Journal
from edge.sight.lock import Lock
from edge.sight.pipeline import Pipeline, Stages
from edge.sight.reference import open_vault, read_calibration

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import Config
    from edge.records import Evidence, Frame, Match
    from edge.wire import Message

log = logging.getLogger(__name__)

_FRAME_WAIT_S = 0.05
_LEDGER_RETRY_S = 2.0
_SIGNALS = {Outcome.GRANT: "granted", Outcome.DENY: "denied"}
_MAX_ERRORS = 5
"""So many broken frames in a row: something is wrong that a restart may mend."""


class Sight:
    """Everything sight owns, opened in order and closed in reverse."""

    def __init__(self, config: Config) -> None:
        """Load, open and connect; nothing is seen before all of it stands.

        Raises:
            EdgeDoorError: whatever is missing or wrong, in a sentence.
        """
        self._config = config
        self._stages = Stages.load(config)
        self._calibration = read_calibration(config)
        self._schedule = parse_schedule(config.access.schedule, config.access.time_zone)
        self._ledger = Ledger.open(config.ledger_db, config.device.id)
        self._journal = Journal(self._ledger, config.device.id)
        self._vault = open_vault(config)
        self._templates = self._vault.templates(self._stages.embedder.model_sha256)
        self._claims = Claims(config.match)
        self._pipeline = Pipeline(self._stages, config)
        self._judge = Judge(
            Patience(
                stale_after_s=config.camera.stale_after_s,
                liveness_timeout_s=config.liveness.timeout_s,
                pause_s=config.access.pause_s,
                cooldown_s=config.access.cooldown_s,
            )
        )
        self._lockout = self._stored_lockout()
        self._ledger_retry_at = 0.0
        self._lock = Lock(config.door_socket)
        self._door_was_there: bool | None = None
        self._entrant: str | None = None
        self._pattern = ""
        self._errors = 0
        self._figures = Figures()
        self._feed = Feed(config.camera)
        self._camera_lost: str | None = None
        self._control = Control(config.sight_socket, self._answer)

    def run(self, stop: Callable[[], bool], heartbeat: Callable[[], None]) -> None:
        """Look until `stop` says so; `heartbeat` is called after every finished round."""
        self._write(EventKind.SYSTEM, Reason.STARTED, states={"camera": "ok"})
        log.info("looking at %s for %s", self._config.camera.source, self._config.device.name)
        try:
            while not stop():
                self._round()
                heartbeat()
            self._write(EventKind.SYSTEM, Reason.STOPPED)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything, last opened first. May be called twice."""
        self._control.close()
        self._feed.close()
        self._lock.close()
        self._vault.close()
        self._ledger.close()

    def _round(self) -> None:
        self._hear_door()
        self._control.serve()
        self._renew_templates()
        self._retry_ledger()
        frame = self._feed.next(_FRAME_WAIT_S)
        self._tell_camera()
        if frame is None:
            return
        try:
            self._look(frame)
            self._errors = 0
        except Exception:  # whatever breaks while judging must deny, not end the process
            log.exception("frame %d could not be judged", frame.sequence)
            self._pipeline = Pipeline(self._stages, self._config)
            self._errors += 1
            if self._errors == 1:
                self._write(EventKind.ACCESS, Reason.INTERNAL_ERROR)
            if self._errors >= _MAX_ERRORS:
                raise

    def _look(self, frame: Frame) -> None:
        evidence = self._pipeline.step(frame)
        comparison = self._compare(evidence)
        decision = self._judge.observe(evidence, comparison, self._surroundings(frame.captured_at))
        self._figures.stepped(frame.captured_at, time.monotonic())
        if decision.outcome is Outcome.GRANT:
            decision = self._grant(decision, evidence)
        elif decision.outcome is Outcome.DENY:
            self._deny(decision, evidence)
        self._signal(decision, evidence)
        if self._control.watched:
            self._control.show(seen(evidence, comparison, decision, self._figures))

    def _compare(self, evidence: Evidence) -> Match | None:
        candidates = self._claims.candidates(self._templates, evidence.captured_at)
        if evidence.embedding is None or not candidates:
            return None
        rate = self._config.match.false_match_rate
        return match(evidence.embedding, candidates, self._calibration, rate)

    def _surroundings(self, at: float) -> Surroundings:
        candidates = self._claims.candidates(self._templates, at)
        only = candidates[0].person if candidates and len(candidates) == 1 else None
        return Surroundings(
            now=now(),
            enrolled=len(self._templates),
            claim=self._claims.standing(at) or only,
            claim_needed=candidates is None,
            door_ready=self._lock.connected,
            ledger_ready=not self._ledger_retry_at,
            lockout=self._lockout,
            schedule=self._schedule,
        )

    def _grant(self, decision: Decision, evidence: Evidence) -> Decision:
        """Durable before visible: the door opens only for a grant that is on the disk."""
        person = decision.match.person if decision.match else None
        if not self._record(decision, evidence):
            return Decision(Outcome.DENY, Reason.LEDGER_UNAVAILABLE)
        if self._lock.unlock() is None:
            self._write(EventKind.ACCESS, Reason.DOOR_UNAVAILABLE, person=person)
            return Decision(Outcome.DENY, Reason.DOOR_UNAVAILABLE)
        self._entrant = person
        self._claims.used()
        log.info("granted: %s", person)
        return decision

    def _deny(self, decision: Decision, evidence: Evidence) -> None:
        self._record(decision, evidence)
        log.info("denied: %s", decision.reason.value)

    def _record(self, decision: Decision, evidence: Evidence) -> bool:
        """Write a final decision and the failures counted with it."""
        claim = self._claims.standing(evidence.captured_at)
        self._lockout = self._lockout.after(decision, claim, now())
        detail: dict[str, str | float | bool] = {"blinks": evidence.liveness.blinks}
        if evidence.liveness.seen:
            detail["liveness"] = evidence.liveness.seen
        if decision.match is not None:
            detail["similarity"] = round(decision.match.similarity, 4)
            detail["threshold"] = round(decision.match.threshold, 4)
        matched = decision.match is not None and decision.match.matched
        return self._write(
            EventKind.ACCESS,
            decision.reason,
            at=evidence.captured_at,
            person=decision.match.person if decision.match and matched else claim,
            states={"lockout": self._lockout.to_json()},
            **detail,
        )

    def _write(self, kind: EventKind, reason: Reason, **rest: object) -> bool:
        """Write one event; a ledger that fails shuts the door until it works again."""
        try:
            self._journal.note(kind, reason, **rest)  # type: ignore[arg-type]
        except LedgerError as error:
            self._ledger_failed(error)
            return False
        return True

    def _ledger_failed(self, error: LedgerError) -> None:
        if not self._ledger_retry_at:
            log.error("nothing is granted until the ledger works again: %s", error)
        self._ledger_retry_at = time.monotonic() + _LEDGER_RETRY_S

    def _retry_ledger(self) -> None:
        if self._ledger_retry_at and time.monotonic() >= self._ledger_retry_at:
            try:
                self._ledger.put_states({"camera": "lost" if self._camera_lost else "ok"})
            except LedgerError as error:
                self._ledger_failed(error)
            else:
                self._ledger_retry_at = 0.0
                log.warning("the ledger works again")

    def _signal(self, decision: Decision, evidence: Evidence) -> None:
        """LED and buzzer follow the decision; only changes are sent."""
        waiting = "look_here" if evidence.faces else "off"
        pattern = _SIGNALS.get(decision.outcome, waiting)
        if decision.hint is Hint.CHALLENGE:
            pattern = "challenge"
        if pattern != self._pattern and not (pattern == waiting and self._pattern in _SIGNALS):
            self._lock.signal(pattern)
        self._pattern = pattern

    def _hear_door(self) -> None:
        messages = self._lock.poll()
        if self._lock.connected is not self._door_was_there:
            if self._door_was_there is not None or not self._lock.connected:
                back = self._lock.connected
                log.warning("the relay guard %s", "is back" if back else "does not answer")
                self._write(EventKind.SYSTEM, Reason.DOOR_BACK if back else Reason.DOOR_LOST)
            self._door_was_there = self._lock.connected
        for message in messages:
            try:
                self._hear(message)
            except LedgerError as error:
                self._ledger_failed(error)
            except (KeyError, ValueError, TypeError) as error:
                log.warning("the relay guard said what cannot be read: %s", error)

    def _hear(self, message: Message) -> None:
        if message["op"] == "state":
            self._journal.door_state(message)
        elif message["op"] == "event":
            self._journal.door_event(message, self._entrant)
            self._lock.acknowledge(int(message["n"]))
            if message["reason"] == Reason.LOCKED.value:
                self._entrant = None
        elif message["op"] == "refused":
            log.warning("the relay guard refused: %s", message.get("reason"))

    def _tell_camera(self) -> None:
        lost = self._feed.lost
        if (lost is None) == (self._camera_lost is None):
            return
        self._camera_lost = lost
        reason = Reason.CAMERA_BACK if lost is None else Reason.CAMERA_LOST
        log.warning("%s", lost or "the camera is back")
        self._write(EventKind.SYSTEM, reason, states={"camera": "lost" if lost else "ok"})

    def _renew_templates(self) -> None:
        if not self._vault.changed():
            return
        try:
            self._templates = self._vault.templates(self._stages.embedder.model_sha256)
        except VaultError as error:
            self._templates = ()
            log.error("nobody is enrolled until this is mended: %s", error)

    def _stored_lockout(self) -> Lockout:
        access = self._config.access
        rules = LockoutRules(access.max_failures, access.lockout_s, access.lockout_max_s)
        stored = self._ledger.states().get("lockout")
        return Lockout.from_json(stored, rules).resumed(now()) if stored else Lockout(rules)

    def _answer(self, message: Message) -> Message:
        if message["op"] == "status":
            return {
                "door": self._lock.connected,
                "camera": self._camera_lost or "ok",
                "people": len(self._templates),
                "metrics": self._figures.metrics(),
            }
        if message["op"] == "claim":
            name = self._claims.make(str(message.get("person")), self._templates, time.monotonic())
            return {"person": name}
        if message["op"] == "command" and message.get("payload") == {"action": "lock"}:
            if not self._lock.relock():
                raise UsageError("the relay guard does not answer")
            return {}
        raise UsageError(f"sight does not know how to {message['op']!r} that")
