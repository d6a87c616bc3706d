"""The sight process: frames in, decisions out, tickets to the guard, events to the ledger."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access import schedule
from edge.access.attempt import Patience
from edge.access.judge import Circumstances, Judge
from edge.access.lookalikes import told_apart
from edge.access.matcher import Probes, match, resembled_by_all
from edge.access.schedule import Verdict
from edge.clock import now
from edge.errors import UsageError
from edge.ledger.reserve import Reserve
from edge.names import EVERYBODY
from edge.records import EventKind, Outcome, Reason
from edge.sight.changes import settle
from edge.sight.claims import Claims
from edge.sight.company import Company
from edge.sight.conclusions import Conclusions
from edge.sight.control import ControlServer
from edge.sight.desk import Desk
from edge.sight.doorside import Doorside
from edge.sight.feed import Feed
from edge.sight.guard_client import GuardClient
from edge.sight.journal import Journal
from edge.sight.known import Known
from edge.sight.last_face import FaceKeeper
from edge.sight.likeness import Network
from edge.sight.metrics import Metrics, seen
from edge.sight.pace import NEEDED_FPS, Pace
from edge.sight.roster import Roster
from edge.sight.rulebook import Rulebook
from edge.sight.sealed_ledger import open_ledger
from edge.sight.signals import Signals
from edge.sight.thrift import Thrift
from edge.vault.vault import open_vault
from edge.vision.budget import Budget
from edge.vision.calibrated import proof_similarity, read_calibration
from edge.vision.liveness.limits import RETRY_S
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages
from edge.vocabulary import Action
from edge.wire.messages import (
    CLAIM_HERE,
    AskFace,
    AskStatus,
    Claim,
    Command,
    Done,
    LendCamera,
    Mode,
    Part,
    Rehearse,
    Relock,
    Status,
    UnlockByCode,
)
from edge.words import meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from edge.config import Config
    from edge.records import Evidence, Frame, Match, Template
    from edge.wire.channel import Peer
    from edge.wire.messages import Answer, Message, Presented

    Candidates = Sequence[Template] | None

log = logging.getLogger(__name__)

_FRAME_WAIT_S = 0.05
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
        self._vault = open_vault(config)
        self._calibration = self._vault.rotation.calibration(read_calibration(config))
        self._ledger = open_ledger(config)
        settle(self._ledger, self._vault, config.device.id)
        reserve = Reserve(config.ledger_db.with_suffix(".reserve"))
        self._journal = Journal(self._ledger, config.device.id, reserve)
        self._claims = Claims(config.match)
        self._rulebook = Rulebook(config, self._journal)
        model = self._stages.embedder.model_sha256
        rate = config.match.false_match_rate
        self._alive_from = proof_similarity(self._calibration, rate)
        needed = self._calibration.threshold_for(rate)
        network = Network(model, self._stages.embedder.size, needed)
        self._roster = Roster(config, self._vault, self._ledger, self._journal, network)
        self._known = Known(
            self._vault, self._calibration, network, roster=self._roster, rulebook=self._rulebook
        )
        hours = {EVERYBODY: config.access.always_open}
        self._open_hours = schedule.parse(hours, config.access.time_zone)
        self._desk = Desk(config, self._vault, self._journal, self._claims, self._rulebook)
        self._guard = GuardClient(config.door_socket)
        self._door = Doorside(self._guard, self._journal, self._presented)
        self._signals = Signals(self._door, self._journal)
        self._pipeline = Pipeline(self._stages, config, Budget())
        self._probes = Probes()
        self._judge = Judge(patience_of(config))
        self._faces = FaceKeeper(wanted=config.mqtt.last_face)
        self._conclusions = Conclusions(
            self._judge,
            door=self._door,
            journal=self._journal,
            rulebook=self._rulebook,
            claims=self._claims,
            faces=self._faces,
        )
        self._metrics = Metrics()
        self._pace = Pace()
        self._company = Company()
        self._thrift = Thrift(config.models.profile)
        self._errors = 0
        self._camera_lost: str | None = None
        self._control = ControlServer(config.sight_socket, self._answer)
        # Last, since it starts a thread: whatever fails above ends a process without one.
        self._feed = Feed(config.camera)

    def run(self, stop: Callable[[], bool], heartbeat: Callable[[], None]) -> None:
        """Look until `stop` says so; `heartbeat` is called after every finished round."""
        states = {"camera": "lost" if self._feed.lost else "ok", "instruction": ""}
        self._journal.note(EventKind.SYSTEM, Reason.STARTED, states=states)
        log.info("looking at %s for %s", self._config.camera.shown, self._config.device.name)
        try:
            while not stop():
                self._round()
                heartbeat()
            states = self._rulebook.states()
            self._journal.note(EventKind.SYSTEM, Reason.STOPPED, states=states)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of everything, last opened first. May be called twice."""
        self._feed.close()
        self._control.close()
        self._guard.close()
        self._vault.close()
        self._ledger.close()

    def _round(self) -> None:
        self._door.set_mode(self._mode())
        self._door.attend()
        for person in self._door.turned_away():
            self._judge.turned_away(person)
        self._control.serve()
        self._known.renew()
        self._journal.retry()
        self._desk.attend()
        frame = self._feed.next(_FRAME_WAIT_S)
        self._tell_camera()
        if frame is None or self._thrift.passes_over(frame.captured_at):
            return
        try:
            self._look(frame)
            self._errors = 0
        except Exception:  # whatever breaks while judging must deny, not end the process
            log.exception("frame %d could not be judged", frame.sequence)
            self._pipeline = Pipeline(self._stages, self._config, Budget())
            self._errors += 1
            if self._errors == 1:
                self._journal.note(EventKind.ACCESS, Reason.INTERNAL_ERROR)
            if self._errors >= _MAX_ERRORS:
                raise

    def _look(self, frame: Frame) -> None:
        self._pipeline.eased = self._thrift.eased
        self._pipeline.identified = self._judge.identified
        wary_of = self._rulebook.wary_of()
        self._pipeline.regarded = self._judge.regards(wary_of)
        evidence = self._pipeline.step(frame)
        self._feed.rest(self._pipeline.pause_s)
        candidates = self._claims.candidates(self._known.gallery, frame.captured_at)
        comparison = self._compare(evidence, candidates)
        around = self._circumstances(evidence, candidates, wary_of)
        decision = self._judge.observe(evidence, comparison, around)
        self._metrics.stepped(frame.captured_at, time.monotonic())
        if evidence.faces and self._pace.judged(frame.captured_at):
            self._tell_pace()
        if self._company.see(evidence.faces, frame.captured_at):
            self._journal.note(EventKind.SYSTEM, Reason.FACE_STAYS)
            log.warning("%s", meaning(Reason.FACE_STAYS))
        if decision.outcome is not Outcome.WAIT:
            self._pipeline.ask_again()
            decision = self._conclusions.conclude(decision, evidence)
        self._conclusions.tell_broken_off()
        self._signals.show(decision, evidence)
        if self._control.watched:
            self._control.show(seen(evidence, comparison, decision, self._metrics))

    def _compare(self, evidence: Evidence, candidates: Candidates) -> Match | None:
        if evidence.embedding is None:
            return None
        joined = self._probes.joined(evidence.track, evidence.embedding)
        if not candidates:
            return None
        rate = self._config.match.false_match_rate
        probe = self._vault.rotation.probe(joined)
        found = match(probe, candidates, self._calibration, rate)
        return told_apart(found, self._known.floors)

    def _circumstances(
        self, evidence: Evidence, candidates: Candidates, wary_of: Collection[str]
    ) -> Circumstances:
        at = evidence.captured_at
        proof = [self._vault.rotation.probe(each) for each in evidence.proof]
        only = candidates[0].person if candidates and len(candidates) == 1 else None
        moment = now()
        return Circumstances(
            now=moment,
            enrolled=len(self._known.gallery),
            claim=self._claims.standing(at) or only,
            claim_needed=candidates is None,
            door_ready=self._door.ready,
            ledger_ready=self._journal.ready,
            lockout=self._rulebook.lockout,
            schedule=self._rulebook.schedule_at(moment),
            locked_down=self._door.locked_down,
            alive=resembled_by_all(proof, candidates or (), self._alive_from),
            wary_of=wary_of,
        )

    def _mode(self) -> Mode:
        """What was commanded; else always open when the schedule says so."""
        if self._desk.mode is not Mode.NORMAL or not self._config.access.always_open:
            return self._desk.mode
        open_now = self._open_hours.verdict(EVERYBODY, now()) is Verdict.ALLOWED
        return Mode.ALWAYS_OPEN if open_now else self._desk.mode

    def _presented(self, presented: Presented) -> None:
        self._desk.presented(presented, self._door)

    def _tell_camera(self) -> None:
        lost = self._feed.lost
        if (lost is None) == (self._camera_lost is None):
            return
        self._camera_lost = lost
        reason = Reason.CAMERA_BACK if lost is None else Reason.CAMERA_LOST
        log.warning("%s", lost or "the camera is back")
        states = {"camera": "lost" if lost else "ok"}
        self._journal.note(EventKind.SYSTEM, reason, states=states)

    def _tell_pace(self) -> None:
        slow = self._pace.slow
        if slow:
            log.warning(
                "only %.1f frames a second are judged, blinks need %g: see `edge-door bench`",
                self._metrics.fps,
                NEEDED_FPS,
            )
            self._thrift.too_slow()
        self._journal.note(EventKind.SYSTEM, Reason.TOO_SLOW if slow else Reason.FAST_AGAIN)

    def _answer(self, request: Message, who: Peer) -> Answer:
        match request:
            case Claim() if not (who.ours or self._config.claims_from_afar):
                raise UsageError(CLAIM_HERE)
            case AskStatus():
                return self._status()
            case AskFace():
                return self._faces.show()
            case Relock():
                self._desk.relock(self._door, f"user {who.uid}")
                return Done(Action.LOCK.value)
            case _:
                return Done(self._do(request))

    def _status(self) -> Status:
        return Status(
            door=self._door.ready,
            camera=self._camera_lost or "ok",
            camera_lent=self._feed.lent,
            people=len(self._known.gallery),
            model=self._stages.embedder.model_sha256,
            face=self._faces.number,
            metrics={
                **self._metrics.current(),
                **self._thrift.current(),
                "too_slow": float(self._pace.slow),
                "face_stays": float(self._company.stays),
            },
        )

    def _do(self, request: Message) -> str:
        """What was done, in a word; empty where there is none."""
        match request:
            case Claim():
                return self._claims.make(request.person, self._known.gallery, time.monotonic())
            case Command():
                return self._desk.command(request.text, self._door)
            case UnlockByCode():
                return self._desk.unlock_by_code(request, self._door)
            case LendCamera():
                self._feed.lend(request.seconds)
            case Part():
                self._take_part(request)
            case Rehearse():
                self._rehearse(request)
            case _:
                raise UsageError("this is not for sight")
        return ""

    def _take_part(self, request: Part) -> None:
        if self._roster.take(request):
            self._known.load()

    def _rehearse(self, request: Rehearse) -> None:
        self._claims.used()
        if request.claim:
            self._claims.make(request.claim, self._known.gallery, time.monotonic())
        self._conclusions.rehearse(request.seconds)


def patience_of(config: Config) -> Patience:
    """How much an attempt needs, as the configuration says."""
    return Patience(
        stale_after_s=config.camera.stale_after_s,
        liveness_timeout_s=config.liveness.timeout_s,
        challenge_s=config.liveness.challenge_s,
        longer_s=config.liveness.longer.challenge_s,
        pause_s=config.access.pause_s,
        failed_s=RETRY_S,
        cooldown_s=config.access.cooldown_s,
    )
