from __future__ import annotations

import itertools
import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.access.attempt import Patience
from edge.access.judge import Circumstances, Judge
from edge.access.lockout import DEVICE, Lockout, LockoutRules, Tally, counts
from edge.access.policy import Situation, decide
from edge.access.schedule import Schedule, Verdict
from edge.access.unfinished import MAX_CHALLENGES
from edge.config import Config
from edge.moment import Moment
from edge.records import (
    Decision,
    Evidence,
    Hint,
    Liveness,
    LivenessState,
    Match,
    Outcome,
    Quality,
    Reason,
    Regard,
)
from edge.sight.daemon import patience_of
from edge.vision.liveness.limits import RETRY_S

if TYPE_CHECKING:
    from collections.abc import Iterable

GOOD = Quality(ok=True, hint=Hint.NONE, face_px=200, sharpness=50, brightness=120)
POOR = replace(GOOD, ok=False, hint=Hint.COME_CLOSER)
LIVE = Liveness(LivenessState.LIVE, blinks=1)
HIT = Match("Ann", 0.8, 0.5, 1e-3)
MISS = replace(HIT, similarity=0.3)

ALL_PASS = Situation(
    faces=1,
    enrolled=1,
    claimed=True,
    door_ready=True,
    ledger_ready=True,
    frame_age_s=0.1,
    stale_after_s=0.5,
    frame_new=True,
    locked_s=0.0,
    quality=GOOD,
    liveness=LIVE,
    theirs=True,
    wary=False,
    match=HIT,
    schedule=Verdict.ALLOWED,
    locked_down=False,
)

# Every way for every gate to pass (the first) or not, and what is said when that gate alone
# does not: the truth table is their product.
GATES: dict[str, list[tuple[dict[str, object], Outcome | None, Reason | None]]] = {
    "faces": [
        ({"faces": 1}, None, None),
        ({"faces": 0}, Outcome.WAIT, Reason.NO_FACE),
        ({"faces": 2}, Outcome.DENY, Reason.MANY_FACES),
    ],
    "enrolled": [
        ({"enrolled": 1}, None, None),
        ({"enrolled": 0}, Outcome.DENY, Reason.NOBODY_ENROLLED),
    ],
    "claim": [
        ({"claimed": True}, None, None),
        ({"claimed": False}, Outcome.WAIT, Reason.NO_CLAIM),
    ],
    "door": [
        ({"door_ready": True}, None, None),
        ({"door_ready": False}, Outcome.DENY, Reason.DOOR_UNAVAILABLE),
    ],
    "ledger": [
        ({"ledger_ready": True}, None, None),
        ({"ledger_ready": False}, Outcome.DENY, Reason.LEDGER_UNAVAILABLE),
    ],
    "freshness": [
        ({"frame_age_s": 0.1}, None, None),
        ({"frame_age_s": 0.6}, Outcome.DENY, Reason.STALE_FRAME),
        ({"frame_age_s": math.nan}, Outcome.DENY, Reason.STALE_FRAME),
        ({"frame_age_s": -0.1}, Outcome.DENY, Reason.STALE_FRAME),
        ({"frame_age_s": math.inf}, Outcome.DENY, Reason.STALE_FRAME),
    ],
    "repetition": [
        ({"frame_new": True}, None, None),
        ({"frame_new": False}, Outcome.DENY, Reason.REPEATED_FRAME),
    ],
    "lockout": [
        ({"locked_s": 0.0}, None, None),
        ({"locked_s": 0.1}, Outcome.DENY, Reason.LOCKED_OUT),
        ({"locked_s": math.nan}, Outcome.DENY, Reason.LOCKED_OUT),
    ],
    "quality": [
        ({"quality": GOOD}, None, None),
        ({"quality": POOR}, Outcome.WAIT, Reason.POOR_QUALITY),
        ({"quality": None}, Outcome.WAIT, Reason.POOR_QUALITY),
    ],
    "match": [
        ({"match": HIT}, None, None),
        ({"match": MISS}, Outcome.WAIT, Reason.MATCH_PENDING),
        ({"match": None}, Outcome.WAIT, Reason.MATCH_PENDING),
        ({"match": HIT, "match_over": True}, Outcome.DENY, Reason.NO_MATCH),
        ({"match": MISS, "match_over": True}, Outcome.DENY, Reason.NO_MATCH),
        ({"match": None, "match_over": True}, Outcome.DENY, Reason.NO_MATCH),
        ({"match": replace(HIT, person=None)}, Outcome.WAIT, Reason.MATCH_PENDING),
        ({"match": replace(HIT, similarity=math.nan)}, Outcome.WAIT, Reason.MATCH_PENDING),
        ({"match": replace(HIT, threshold=math.nan)}, Outcome.WAIT, Reason.MATCH_PENDING),
    ],
    "liveness": [
        ({"liveness": LIVE, "theirs": True, "wary": False}, None, None),
        ({"wary": True}, Outcome.WAIT, Reason.LIVENESS_PENDING),
        ({"wary": True, "liveness_over": True}, Outcome.DENY, Reason.NOT_LIVE),
        ({"theirs": False}, Outcome.WAIT, Reason.LIVENESS_PENDING),
        ({"theirs": False, "liveness_over": True}, Outcome.DENY, Reason.NOT_LIVE),
        ({"liveness": Liveness(LivenessState.PENDING)}, Outcome.WAIT, Reason.LIVENESS_PENDING),
        ({"liveness": None}, Outcome.WAIT, Reason.LIVENESS_PENDING),
        ({"liveness": Liveness(LivenessState.FAILED)}, Outcome.DENY, Reason.LIVENESS_FAILED),
        ({"liveness": None, "liveness_over": True}, Outcome.DENY, Reason.NOT_LIVE),
    ],
    "schedule": [
        ({"schedule": Verdict.ALLOWED}, None, None),
        ({"schedule": Verdict.OUTSIDE}, Outcome.DENY, Reason.OUTSIDE_SCHEDULE),
        ({"schedule": Verdict.CLOCK_UNTRUSTED}, Outcome.DENY, Reason.CLOCK_UNTRUSTED),
        ({"schedule": None}, Outcome.DENY, Reason.OUTSIDE_SCHEDULE),
    ],
    "mode": [
        ({"locked_down": False}, None, None),
        ({"locked_down": True}, Outcome.DENY, Reason.LOCK_DOWN),
    ],
}
STATES = [
    (gate, change, outcome, reason)
    for gate, states in GATES.items()
    for change, outcome, reason in states[1:]
]


def altered(change: dict[str, object]) -> Situation:
    return replace(ALL_PASS, **change)  # type: ignore[arg-type]


def test_all_gates_passing_grants() -> None:
    assert decide(ALL_PASS) == Decision(Outcome.GRANT, Reason.GRANTED, Hint.WELCOME, HIT)


@pytest.mark.parametrize(("gate", "change", "outcome", "reason"), STATES)
def test_one_gate_that_does_not_pass_is_the_answer(
    gate: str, change: dict[str, object], outcome: Outcome, reason: Reason
) -> None:
    decision = decide(altered(change))
    assert (decision.outcome, decision.reason) == (outcome, reason), gate


def test_no_two_gates_together_grant_or_change_the_pair_of_reasons() -> None:
    for (gate, one, _, said), (other, two, _, also) in itertools.combinations(STATES, 2):
        if gate == other:
            continue
        decision = decide(altered({**one, **two}))
        assert decision.outcome is not Outcome.GRANT
        assert decision.reason in (said, also)


def test_the_whole_truth_table_grants_only_when_every_gate_passes() -> None:
    # Every gate passes, objects, or is absent (its fields' defaults).
    defaults = Situation()
    table: list[list[dict[str, object]]] = []
    for states in GATES.values():
        passes, objects = states[0][0], states[1][0]
        absent = {name: getattr(defaults, name) for name in passes}
        table.append([passes, objects] if objects == absent else [passes, objects, absent])
    rows = grants = 0
    for choice in itertools.product(*table):
        change = {name: value for state in choice for name, value in state.items()}
        granted = decide(altered(change)).outcome is Outcome.GRANT
        passing = all(state is states[0] for state, states in zip(choice, table, strict=True))
        assert granted is passing, choice
        rows += 1
        grants += granted
    assert rows == math.prod(len(states) for states in table) > 20_000
    assert grants == 1


def test_every_field_has_a_default_that_objects() -> None:
    # Leaving out any one field must not grant; the two `over` flags only hasten a denial.
    defaults = Situation()
    for field in fields(Situation):
        if field.name in ("liveness_over", "match_over"):
            continue
        missing = replace(ALL_PASS, **{field.name: getattr(defaults, field.name)})
        assert decide(missing).outcome is not Outcome.GRANT, field.name


def test_hints_tell_the_person_what_to_do() -> None:
    assert decide(altered({"quality": POOR})).hint is Hint.COME_CLOSER
    assert decide(altered({"faces": 3})).hint is Hint.ONE_AT_A_TIME
    assert decide(altered({"liveness": Liveness(LivenessState.PENDING)})).hint is Hint.BLINK
    asked = Liveness(LivenessState.PENDING, instruction="turn left", challenge=1)
    assert decide(altered({"liveness": asked})).hint is Hint.CHALLENGE


# Attempts: what frames add up to

STEP = 0.1
PATIENCE = patience_of(Config())


def patience(**changes: Any) -> Patience:
    """As configured out of the box, but for `changes`."""
    return replace(PATIENCE, **changes)


def moment(at: float, boot: str = "b1", wall: float | None = None) -> Moment:
    return Moment(boot, at, 1.7e9 + at if wall is None else wall, wall_trusted=True)


RULES = LockoutRules(max_failures=5, lockout_s=30.0, lockout_max_s=900.0)
AROUND = Circumstances(
    now=moment(0),
    enrolled=1,
    claim="Ann",
    claim_needed=False,
    door_ready=True,
    ledger_ready=True,
    lockout=Lockout(RULES),
    schedule=Schedule({}),
    alive={"Ann", "Bo"},
)


class Scene:
    """Plays frames to a judge, a tenth of a second apart."""

    def __init__(self, patience: Patience = PATIENCE, around: Circumstances = AROUND) -> None:
        self.judge = Judge(patience)
        self.around = around
        self.at = 100.0
        self.sequence = 0

    def frame(
        self,
        match: Match | None = None,
        liveness: Liveness = LIVE,
        track: int = 1,
        faces: int = 1,
        quality: Quality | None = GOOD,
    ) -> Decision:
        self.at += STEP
        self.sequence += 1
        evidence = Evidence(
            captured_at=self.at,
            sequence=self.sequence,
            faces=faces,
            quality=quality,
            liveness=liveness,
            track=track,
        )
        return self.judge.observe(evidence, match, replace(self.around, now=moment(self.at)))

    def frames(self, count: int, *args: object, **kwargs: object) -> list[Decision]:
        return [self.frame(*args, **kwargs) for _ in range(count)]  # type: ignore[arg-type]


def final(decisions: Iterable[Decision]) -> list[Reason]:
    return [d.reason for d in decisions if d.outcome is not Outcome.WAIT]


PENDING = Liveness(LivenessState.PENDING)


def test_three_comparisons_and_life_grant_once() -> None:
    scene = Scene()
    assert final(scene.frames(2, HIT)) == []
    granted = scene.frame(HIT)
    assert granted.outcome is Outcome.GRANT
    assert granted.match == HIT
    after = scene.frames(40, HIT)
    assert final(after) == []
    assert {d.reason for d in after} == {Reason.GRANTED}
    assert {d.hint for d in after} == {Hint.WELCOME}


def test_who_was_let_in_is_let_in_again_only_after_nobody_was_in_view() -> None:
    scene = Scene(patience(cooldown_s=2.0))
    assert final(scene.frames(5, HIT)) == [Reason.GRANTED]
    scene.frames(15, faces=0, track=0)
    assert final(scene.frames(20, HIT, track=2)) == []  # the track broke, the visit did not
    scene.frames(21, faces=0, track=0)
    assert final(scene.frames(5, HIT, track=3)) == [Reason.GRANTED]


def test_who_was_let_in_and_stays_is_not_denied() -> None:
    scene = Scene(patience(liveness_timeout_s=1.0))
    assert final(scene.frames(3, HIT)) == [Reason.GRANTED]
    assert final(scene.frames(30, HIT, PENDING)) == []
    assert final(scene.frames(30, HIT, PENDING, track=2)) == []


def test_another_person_may_follow_within_the_visit() -> None:
    scene = Scene(around=replace(AROUND, claim=None))
    assert final(scene.frames(3, HIT)) == [Reason.GRANTED]
    assert final(scene.frames(5, replace(HIT, person="Bo"), track=2)) == [Reason.GRANTED]


def test_life_may_come_after_the_match_while_the_match_is_fresh() -> None:
    scene = Scene(patience(probe_fresh_s=1.0))
    scene.frames(3, HIT, PENDING)
    assert final(scene.frames(5, None, PENDING)) == []
    assert scene.frame(None, LIVE).outcome is Outcome.GRANT


def test_an_old_match_does_not_grant() -> None:
    scene = Scene(patience(probe_fresh_s=1.0))
    scene.frames(3, HIT, PENDING)
    scene.frames(15, None, PENDING)
    assert scene.frame(None, LIVE).reason is Reason.MATCH_PENDING


def test_a_stranger_is_denied_after_six_misses_once_a_pause() -> None:
    scene = Scene(patience(pause_s=2.0))
    decisions = scene.frames(6, MISS)
    assert final(decisions) == [Reason.NO_MATCH]
    assert decisions[-1].outcome is Outcome.DENY
    assert decisions[-1].match is not None
    assert decisions[-1].match.similarity == pytest.approx(0.3)
    assert final(scene.frames(19, MISS)) == []
    assert final(scene.frames(10, MISS)) == [Reason.NO_MATCH]


def test_two_comparisons_are_not_enough() -> None:
    scene = Scene()
    assert final(scene.frames(2, HIT)) == []
    assert scene.frame(HIT).outcome is Outcome.GRANT


def test_it_is_known_who_somebody_is_once_comparisons_agree_or_the_attempt_is_over() -> None:
    scene, known = Scene(), []
    for match, track in ((HIT, 1), (HIT, 1), (HIT, 1), (MISS, 1), (HIT, 1), (HIT, 2)):
        scene.frame(match, PENDING, track)
        known.append(scene.judge.identified)
    assert known == [False, False, True, False, True, False]
    stranger = Scene()
    assert [(stranger.frame(MISS), stranger.judge.identified)[1] for _ in range(6)] == [
        *[False] * 5,
        True,
    ]


def test_the_newest_comparison_decides_since_those_before_are_in_it() -> None:
    scene = Scene()
    scene.frames(3, replace(HIT, similarity=0.95), PENDING)
    assert scene.frame(MISS, LIVE).reason is Reason.MATCH_PENDING
    assert scene.frame(HIT, LIVE).outcome is Outcome.GRANT


def test_a_match_of_several_people_in_turn_is_none() -> None:
    scene = Scene(around=replace(AROUND, claim=None))
    bo = replace(HIT, person="Bo")
    assert final([scene.frame(m) for m in (HIT, bo, HIT, bo, HIT)]) == []
    denied = scene.frame(bo)
    assert denied.reason is Reason.NO_MATCH
    assert denied.match == replace(bo, person=None)
    assert counts(denied)


def test_a_match_of_another_than_the_one_claimed_is_none() -> None:
    scene = Scene(around=replace(AROUND, claim="Ann"))
    assert final(scene.frames(8, replace(HIT, person="Bo"))) == [Reason.NO_MATCH]


def test_a_face_that_shows_no_life_is_denied_when_its_time_is_over() -> None:
    scene = Scene(patience(liveness_timeout_s=2.0))
    decisions = scene.frames(25, HIT, PENDING)
    assert final(decisions) == [Reason.NOT_LIVE]
    denied = next(d for d in decisions if d.outcome is Outcome.DENY)
    assert denied.match == HIT
    assert counts(denied)


def test_who_is_asked_for_a_challenge_has_time_for_it() -> None:
    scene = Scene(patience(liveness_timeout_s=2.0, challenge_s=3.0))
    asked = Liveness(LivenessState.PENDING, instruction="turn left", challenge=1)
    assert final(scene.frames(15, HIT, PENDING)) == []
    assert final(scene.frames(20, HIT, asked)) == []
    assert final(scene.frames(20, HIT, PENDING)) == [Reason.NOT_LIVE]


def test_of_whom_the_door_is_wary_they_have_time_for_more() -> None:
    asked = Liveness(LivenessState.PENDING, instruction="turn left", challenge=1)
    for wary, said in ((set[str](), [Reason.NOT_LIVE]), ({"Ann"}, [])):
        scene = Scene(patience(liveness_timeout_s=2.0, challenge_s=3.0, longer_s=6.0))
        scene.around = replace(AROUND, wary_of=wary)
        assert final(scene.frames(60, HIT, asked)) == said


def test_they_have_it_while_their_head_is_turned_and_not_compared() -> None:
    asked = Liveness(LivenessState.PENDING, instruction="turn left", challenge=1)
    scene = Scene(patience(liveness_timeout_s=2.0, challenge_s=3.0, longer_s=6.0))
    scene.around = replace(AROUND, wary_of={"Ann"})
    scene.frames(10, HIT, asked)
    assert final(scene.frames(60, None, asked)) == []


def test_the_time_for_life_does_not_run_before_the_face_may_be_judged() -> None:
    scene = Scene(patience(liveness_timeout_s=1.0))
    waited = scene.frames(50, None, PENDING, quality=POOR)
    assert {d.reason for d in waited} == {Reason.POOR_QUALITY}
    scene.frames(3, HIT, PENDING)
    assert scene.frame(HIT, LIVE).outcome is Outcome.GRANT


def test_a_failed_challenge_denies_at_once() -> None:
    scene = Scene()
    assert scene.frame(HIT, Liveness(LivenessState.FAILED)).reason is Reason.LIVENESS_FAILED


def test_a_new_track_begins_with_nothing() -> None:
    scene = Scene()
    scene.frames(2, HIT)
    assert final(scene.frames(2, HIT, track=2)) == []
    assert scene.frame(HIT, track=2).outcome is Outcome.GRANT


def test_a_new_claim_begins_with_nothing() -> None:
    scene = Scene()
    scene.frames(2, HIT)
    scene.around = replace(AROUND, claim="Bo")
    bo = replace(HIT, person="Bo")
    assert final(scene.frames(2, bo)) == []
    assert scene.frame(bo).outcome is Outcome.GRANT


def test_two_faces_never_grant_and_are_denied_once_a_pause() -> None:
    scene = Scene(patience(pause_s=2.0))
    scene.frames(2, HIT)
    decisions = scene.frames(30, HIT, faces=2)
    assert final(decisions) == [Reason.MANY_FACES] * 2
    assert not any(counts(d) for d in decisions)
    assert scene.frame(HIT).outcome is Outcome.GRANT  # alone again, the same track


def test_a_second_face_for_a_moment_is_waited_out() -> None:
    scene = Scene()
    scene.frames(2, HIT)
    crowd = scene.frames(2, HIT, faces=2)
    assert {(d.outcome, d.reason) for d in crowd} == {(Outcome.WAIT, Reason.MANY_FACES)}
    assert scene.frame(HIT).outcome is Outcome.GRANT


def test_tracks_that_always_break_are_denied_when_their_time_is_over() -> None:
    """A camera of two frames a second: every frame is a track of its own."""
    scene = Scene(patience(liveness_timeout_s=2.0))
    heard = [scene.frame(HIT, PENDING, track=number) for number in range(40)]
    assert final(heard) == [Reason.NOT_LIVE]
    assert heard[21].outcome is Outcome.DENY


def test_the_next_person_has_all_the_time() -> None:
    scene = Scene(patience(liveness_timeout_s=2.0), replace(AROUND, claim=None))
    scene.frames(18, HIT, PENDING)
    bo = replace(HIT, person="Bo")
    assert final(scene.frames(15, bo, PENDING, track=2)) == []  # the one before was recognised
    scene.frames(21, faces=0, track=0)
    scene.frames(2, HIT, PENDING, track=3)
    scene.frames(21, faces=0, track=0)  # the one before had gone
    assert final(scene.frames(15, HIT, PENDING, track=4)) == []


def test_alternating_denials_are_each_said_once_a_pause() -> None:
    scene = Scene(patience(pause_s=3.0))
    scene.frames(6, MISS)
    heard = [scene.frame(MISS, faces=1 + number // 4 % 2, track=1) for number in range(20)]
    assert final(heard) == [Reason.MANY_FACES]


def test_nobody_there_waits() -> None:
    scene = Scene(around=replace(AROUND, door_ready=False))
    decisions = scene.frames(20, faces=0, track=0, quality=None)
    assert {(d.outcome, d.reason) for d in decisions} == {(Outcome.WAIT, Reason.NO_FACE)}


def test_repeated_and_stale_frames_deny() -> None:
    scene = Scene()
    scene.frames(2, HIT)
    scene.sequence -= 1
    assert scene.frame(HIT).reason is Reason.REPEATED_FRAME
    late = Scene()
    late.frames(2, HIT)
    late.at += STEP
    evidence = Evidence(late.at, 99, faces=1, quality=GOOD, liveness=LIVE, track=1)
    stale = late.judge.observe(evidence, HIT, replace(AROUND, now=moment(late.at + 0.6)))
    assert (stale.outcome, stale.reason) == (Outcome.DENY, Reason.STALE_FRAME)


def test_the_first_late_frames_after_a_start_turn_nobody_away() -> None:
    judge = Judge(PATIENCE)

    def frame(at: float, late_s: float) -> Decision:
        evidence = Evidence(at, round(at * 100), faces=1, quality=GOOD, liveness=LIVE, track=1)
        return judge.observe(evidence, HIT, replace(AROUND, now=moment(at + late_s)))

    assert frame(100.0, 2.0).outcome is Outcome.WAIT
    assert frame(102.0, 0.6).outcome is Outcome.WAIT
    never_in_time = frame(103.1, 0.6)
    assert (never_in_time.outcome, never_in_time.reason) == (Outcome.DENY, Reason.STALE_FRAME)


def test_a_frozen_picture_is_stale_however_new_its_frames() -> None:
    scene = Scene()
    scene.frames(2, HIT)
    frozen = Evidence(
        scene.at + STEP, 99, faces=1, quality=GOOD, liveness=LIVE, track=1, unchanged_s=0.6
    )
    decision = scene.judge.observe(frozen, HIT, replace(AROUND, now=moment(frozen.captured_at)))
    assert decision.reason is Reason.STALE_FRAME


def test_the_schedule_is_asked_for_the_person_matched() -> None:
    scene = Scene(around=replace(AROUND, schedule=Schedule({"ann": ()})))
    assert final(scene.frames(5, HIT)) == [Reason.OUTSIDE_SCHEDULE]


def test_in_lock_down_nobody_is_granted_and_no_failure_is_counted_or_forgotten() -> None:
    failed = Lockout(RULES).failed("Ann", moment(0))
    scene = Scene(around=replace(AROUND, locked_down=True, lockout=failed))
    (decision,) = [d for d in scene.frames(20, HIT) if d.outcome is not Outcome.WAIT]
    assert (decision.outcome, decision.reason) == (Outcome.DENY, Reason.LOCK_DOWN)
    assert failed.after(decision, "Ann", moment(9)) == failed


def test_a_lockout_denies_and_is_no_failure() -> None:
    locked = Lockout(RULES, {"": Tally(5, moment(100), 30.0)})
    scene = Scene(around=replace(AROUND, lockout=locked))
    decisions = scene.frames(5, HIT)
    assert final(decisions) == [Reason.LOCKED_OUT]
    assert not any(counts(d) for d in decisions)


scenes = st.lists(
    st.tuples(
        st.sampled_from([HIT, MISS, None, replace(HIT, person="Bo"), replace(HIT, person=None)]),
        st.sampled_from([LIVE, PENDING, Liveness(LivenessState.FAILED)]),
        st.integers(0, 3),  # track
        st.sampled_from([0, 1, 1, 1, 2]),  # faces
        st.sampled_from([GOOD, GOOD, POOR, None]),
        st.sampled_from([0.05, 0.05, 0.05, 0.7, -0.1]),  # age
        st.sampled_from([1, 1, 1, 1, 0]),  # sequence step
        st.booleans() | st.just(True),
        st.sampled_from(["Ann", "Ann", "Ann", None]),
    ),
    max_size=60,
)


@given(scenes)
def test_whatever_happens_a_grant_has_all_it_needs(scene: list[tuple[Any, ...]]) -> None:
    judge = Judge(patience(cooldown_s=0.5, pause_s=0.5))
    at, sequence = 0.0, 0
    run: list[Match] = []  # comparisons of the present track and claim
    key: object = None
    for match, liveness, track, faces, quality, age, step, door, claim in scene:
        at, sequence = at + STEP, sequence + step
        evidence = Evidence(at, sequence, faces, quality=quality, liveness=liveness, track=track)
        around = replace(
            AROUND, now=moment(at + age), door_ready=door, claim=claim, claim_needed=True
        )
        decision = judge.observe(evidence, match, around)
        if faces == 1 and key != (track, claim):
            key, run = (track, claim), []
        if faces == 1 and quality is GOOD and match is not None:
            run.append(match)
        if decision.outcome is Outcome.GRANT:
            assert faces == 1
            assert quality is GOOD
            assert liveness is LIVE
            assert 0 <= age <= 0.5
            assert step == 1
            assert door
            assert claim == "Ann"
            assert run[-3:] == [HIT] * 3


def test_the_blink_of_somebody_else_lets_nobody_in() -> None:
    scene = Scene(around=replace(AROUND, alive={"Bo"}))
    assert final(scene.frames(8, HIT)) == []
    scene.around = replace(AROUND, alive={"Ann"})
    assert final(scene.frames(2, HIT)) == [Reason.GRANTED]


# Tries that are broken off

ASKED = Liveness(LivenessState.PENDING, instruction="look up, then back", challenge=1, doubted=True)


class Tries(Scene):
    """Somebody comes and goes; each time is a track of its own."""

    def once(
        self,
        seconds: float,
        liveness: Liveness = PENDING,
        gone_s: float = 3.0,
        match: Match = HIT,
    ) -> list[Reason]:
        """One try: what was decided, and what was said of its being broken off."""
        heard = self.frames(round(seconds / STEP), match, liveness, track=self.sequence)
        heard += self.frames(round(gone_s / STEP), faces=0, track=0)
        left = self.judge.broken_off()
        assert left is None or counts(left.decision)
        return final(heard) + ([left.decision.reason] if left else [])


def test_a_picture_shown_and_taken_away_again_and_again_fails_each_time() -> None:
    tries = Tries()
    assert [tries.once(8) for _ in range(4)] == [[Reason.NOT_LIVE]] * 4


def test_who_leaves_an_instruction_unanswered_has_failed() -> None:
    tries = Tries()
    assert [tries.once(2.5, ASKED) for _ in range(4)] == [[Reason.LIVENESS_FAILED]] * 4


def test_where_everybody_is_asked_a_passer_by_has_not_failed_and_who_does_it_again_has() -> None:
    tries, asked = Tries(), replace(ASKED, doubted=False)
    assert tries.once(2.5, asked) == []
    tries.at += 3600
    assert tries.once(2.5, asked) == []
    assert tries.once(2.5, asked) == [Reason.LIVENESS_FAILED]


def test_every_visit_is_told_once_with_its_share_of_a_try() -> None:
    tries = Tries()
    assert tries.once(2) == []
    (visit,) = tries.judge.visits()
    assert visit.person == "Ann"
    assert visit.share == pytest.approx(0.3, abs=0.15)
    assert tries.once(8) == [Reason.NOT_LIVE]
    assert [visit.share for visit in tries.judge.visits()] == [1.0]
    assert tries.once(1, LIVE) == [Reason.GRANTED]
    assert tries.judge.visits() == []


def test_a_picture_that_was_doubted_is_a_whole_try_however_short() -> None:
    """Films of a second and a half, timed to the blink, were forty tries a day that nobody saw."""
    tries = Tries()
    for _ in range(3):
        assert tries.once(1.5, replace(PENDING, doubted=True)) == []
    assert [visit.share for visit in tries.judge.visits()] == [1.0, 1.0, 1.0]
    assert tries.once(1.5) == [Reason.NOT_LIVE]  # of all four
    assert [visit.share < 0.3 for visit in tries.judge.visits()] == [True]


def test_whom_the_guard_did_not_let_through_need_not_step_away_to_try_again() -> None:
    scene = Scene()
    assert final(scene.frames(3, HIT)) == [Reason.GRANTED]
    assert final(scene.frames(200, HIT)) == []
    scene.judge.turned_away("Bo")
    assert final(scene.frames(5, HIT)) == []
    scene.judge.turned_away("Ann")
    paused = scene.frames(round(PATIENCE.pause_s / STEP) - 1, HIT)
    assert {(d.reason, d.hint) for d in paused} == {(Reason.MATCH_PENDING, Hint.WAIT)}
    assert final(scene.frames(5, HIT)) == [Reason.GRANTED]


def test_where_somebody_is_doubted_a_challenge_opens_and_a_blink_does_not() -> None:
    scene = Scene(around=replace(AROUND, wary_of={"Ann"}))
    assert final(scene.frames(8, HIT)) == []
    assert scene.judge.regards({"Ann"}) == (1, Regard(wary=True, longer=True))
    assert final(scene.frames(2, HIT, replace(LIVE, answered=True))) == [Reason.GRANTED]


def test_who_withdraws_as_fast_as_may_be_fails_after_some_tries() -> None:
    tries = Tries()
    heard = [tries.once(1.0, ASKED) for _ in range(12)]
    assert heard.count([Reason.LIVENESS_FAILED]) >= 4


def test_who_withdraws_without_leaving_fails_at_the_fourth_challenge() -> None:
    """A frame in the dark, or a hand for a moment, brought fifty others within one try."""
    tries, heard = Tries(), 0
    for number in range(1, 30):
        asked = replace(ASKED, challenge=number, doubted=False)
        assert tries.judge.regards(())[1].longer is (number > 1)
        told = final(tries.frames(5, HIT, asked, track=number))
        tries.frames(4, faces=0, track=0)
        heard += 1
        if told:
            break
    assert (told, heard) == ([Reason.NOT_LIVE], MAX_CHALLENGES + 1)
    assert final(tries.frames(60, HIT, replace(ASKED, challenge=99))) == []


def hears(scene: Scene) -> bool:
    return scene.judge.regards(())[1].hears


def test_who_is_not_known_yet_or_was_decided_upon_hears_no_challenge() -> None:
    """Who heard it and resembled nobody had not tried, and may have chosen not to."""
    scene, heard = Scene(), []
    for match in (MISS, MISS, MISS, HIT):
        scene.frame(match, PENDING)
        heard.append(hears(scene))
    assert heard == [False, False, False, True]
    assert final(scene.frames(1, HIT, Liveness(LivenessState.FAILED))) == [Reason.LIVENESS_FAILED]
    assert not hears(scene)
    scene.frames(10, HIT, PENDING, track=2)  # nor does another track while the door rests
    assert not hears(scene)
    scene.frames(round(PATIENCE.pause_s / STEP), HIT, PENDING, track=2)
    assert hears(scene)


@pytest.mark.parametrize(
    ("around", "said"),
    [
        (replace(AROUND, lockout=Lockout(RULES, {"": Tally(5, moment(100), 30.0)})), "locked_out"),
        (AROUND, "granted"),
    ],
)
def test_nobody_hears_a_challenge_by_which_they_cannot_come_in(
    around: Circumstances, said: str
) -> None:
    """On another track while a lockout lasts it was drawn and counted nowhere; and whoever has just
    been let in was asked again when they turned round."""
    scene = Scene(around=around)
    assert final(scene.frames(10, HIT)) == [said]
    scene.frames(10, HIT, PENDING, track=2)
    assert not hears(scene)


DOUBTED = replace(PENDING, doubted=True)


@pytest.mark.parametrize("between", [{"faces": 0, "track": 0}, {"faces": 2, "track": 0}])
def test_what_spoke_against_a_picture_counts_on_its_next_track(between: dict[str, int]) -> None:
    """A hand before the lens, or a second face, and a film began with a clean slate."""
    scene = Scene(patience(crowd_s=1.0))
    scene.frames(10, HIT, DOUBTED)
    scene.frames(5, **between)
    assert final(scene.frames(10, HIT, track=2)) == []
    assert scene.judge.regards(()) == (2, Regard(wary=True))
    assert final(scene.frames(2, HIT, replace(LIVE, answered=True), track=2)) == [Reason.GRANTED]


def test_it_counts_until_they_have_gone() -> None:
    scene = Scene()
    scene.frames(10, HIT, DOUBTED)
    scene.frames(30, faces=0, track=0)
    assert final(scene.frames(5, HIT, track=2)) == [Reason.GRANTED]


def test_nor_is_it_forgotten_because_they_were_turned_away() -> None:
    scene = Scene()
    scene.frames(10, HIT, DOUBTED)
    failed = Liveness(LivenessState.FAILED)
    assert final(scene.frames(1, HIT, failed)) == [Reason.LIVENESS_FAILED]
    assert final(scene.frames(round(PATIENCE.pause_s / STEP) + 20, HIT)) == []
    assert final(scene.frames(1, HIT, replace(LIVE, answered=True))) == [Reason.GRANTED]


def test_who_leaves_as_soon_as_an_instruction_shows_fails_the_third_time() -> None:
    """A program that reads it within a frame heard ten of them for one failure."""
    tries = Tries()
    asked = [replace(ASKED, challenge=number, doubted=False) for number in range(1, 7)]
    heard = [
        tries.frames(5, HIT, PENDING, track=n) and tries.once(0.1, one)
        for n, one in enumerate(asked)
    ]
    assert heard == [[], [], [Reason.LIVENESS_FAILED]] * 2


def test_tries_without_a_gap_between_them_fail_when_an_attempts_time_is_over() -> None:
    tries = Tries()
    heard = [reason for _ in range(8) for reason in tries.once(8, gone_s=0.7)]
    assert set(heard) == {Reason.NOT_LIVE}
    assert len(heard) >= 4


def test_a_stranger_too_brief_to_be_denied_has_failed_all_the_same() -> None:
    """A film that cuts from face to face had as many tries as it had faces, and no lockout."""
    tries = Tries(around=replace(AROUND, claim=None))
    assert [tries.once(0.5, LIVE, 6.0, MISS) for _ in range(3)] == [[Reason.NO_MATCH]] * 3
    said = [reason for _ in range(20) for reason in tries.once(0.5, LIVE, 0.3, MISS)]
    assert said == [Reason.NO_MATCH] * 3  # once a pause


def test_another_card_makes_no_try_of_before_undone() -> None:
    tries = Tries()
    tries.frames(4, MISS)
    tries.around = replace(AROUND, claim="Bo")
    tries.frames(4, replace(MISS, person="Bo"))
    left = tries.judge.broken_off()
    assert left is not None
    assert (left.decision.reason, left.decision.match) == (Reason.NO_MATCH, MISS)


@pytest.mark.parametrize(
    ("seconds", "match", "liveness"),
    [(0.2, MISS, LIVE), (0.5, MISS, PENDING), (0.5, None, LIVE), (1.0, HIT, LIVE)],
    ids=["compared too rarely", "without life", "not compared", "let in"],
)
def test_who_could_not_have_been_let_in_or_was_has_not_failed(
    seconds: float, match: Match, liveness: Liveness
) -> None:
    tries = Tries()
    assert Reason.NO_MATCH not in tries.once(seconds, liveness, match=match)


def test_a_stranger_who_was_denied_and_leaves_has_failed_once() -> None:
    tries = Tries()
    assert tries.once(2.0, LIVE, match=MISS) == [Reason.NO_MATCH]


def test_whoever_comes_during_a_lockout_makes_it_no_longer() -> None:
    tries, lockout = Tries(), Lockout(RULES)
    for _ in range(RULES.max_failures):
        lockout = lockout.failed(DEVICE, moment(tries.at))
    tries.around = replace(AROUND, lockout=lockout)
    assert tries.once(0.5, LIVE, match=MISS) == [Reason.LOCKED_OUT]


def test_two_people_in_turn_are_two_tries() -> None:
    tries, bo = Tries(), replace(HIT, person="Bo")
    tries.around = replace(AROUND, claim=None)
    tries.once(6, gone_s=0.3)
    tries.frames(10, bo, PENDING, track=99)
    left = tries.judge.broken_off()
    assert left is not None
    assert left.decision.match == HIT
    assert left.at == pytest.approx(106)


TURNED = replace(MISS, person=None)
"""What a comparison says of a head that is turned away: nobody's."""


Shown = tuple[int, Match | None, int]
"""So many frames of a match on a track."""


def failures(tries: Tries, *shown: Shown) -> list[Reason]:
    """What is counted of one try, whose instruction was seen for 2.5 s before all this."""
    told = [*tries.frames(10, HIT, PENDING), *tries.frames(25, HIT, ASKED)]
    for count, match, track in shown:
        told += tries.frames(count, match, replace(ASKED, challenge=0), track=track)
    told += tries.frames(50, faces=0, track=0)
    left = tries.judge.broken_off()
    told += [left.decision] if left else []
    return [decision.reason for decision in told if counts(decision)]


@pytest.mark.parametrize(
    "shown",
    [
        [(15, TURNED, 1)],
        [(15, TURNED, 2)],
        [(18, None, 1), (8, TURNED, 1)],
        [(30, None, 2), (8, TURNED, 2)],
        [(5, None, 2), (8, TURNED, 3)],
    ],
    ids=["same track", "another track", "late", "unseen for long", "a third track"],
)
def test_who_turns_away_from_an_instruction_fails_once(shown: list[Shown]) -> None:
    """They resemble nobody any more, and are denied for that: it is no second failure to leave."""
    tries = Tries()
    assert failures(tries, *shown) == [Reason.NO_MATCH]
    assert tries.judge.visits(), "and yet nobody was proved to be alive"


def test_who_turns_away_and_is_not_compared_until_it_has_failed_fails_once_and_by_name() -> None:
    tries = Tries()
    tries.frames(10, HIT, PENDING)
    tries.frames(40, None, ASKED)
    denied = tries.frames(30, None, Liveness(LivenessState.FAILED, doubted=True))
    assert [d.match for d in denied if counts(d)] == [HIT]
    tries.frames(50, faces=0, track=0)
    assert tries.judge.broken_off() is None


def test_a_stranger_who_steps_in_makes_no_try_of_before_undone() -> None:
    tries = Tries(around=replace(AROUND, claim=None))
    assert tries.once(4) == []
    assert final(tries.frames(8, TURNED, PENDING, track=98)) == [Reason.NO_MATCH]
    assert tries.once(2) == [Reason.NOT_LIVE]


def test_a_failed_challenge_is_one_failure_however_short_the_pause() -> None:
    scene = Scene(patience(pause_s=1.0))
    failed = Liveness(LivenessState.FAILED)
    assert final(scene.frames(round(RETRY_S / STEP), HIT, failed)) == [Reason.LIVENESS_FAILED]


def test_who_walks_past_has_not_tried() -> None:
    tries = Tries()
    assert tries.once(2) == []
    tries.at += 3600
    assert tries.once(2) == []
    tries.at += 3600
    assert tries.once(4) == []


def test_who_walks_past_after_others_has_not_tried_what_they_have() -> None:
    tries = Tries(around=replace(AROUND, claim=None))
    people = [replace(HIT, person=name) for name in ("Ann", "Bo", "Cy", "Di")]
    assert [tries.once(2.2, match=each) for each in people] == [[]] * 4
    assert [tries.once(2.2, match=each) for each in people] == [[]] * 4
    assert [tries.once(2.2, match=each) for each in people] == [[Reason.NOT_LIVE]] * 4


def test_a_stranger_between_two_tries_makes_neither_undone() -> None:
    tries = Tries(around=replace(AROUND, claim=None))
    assert tries.once(4) == []
    assert tries.once(3, LIVE, match=MISS) == [Reason.NO_MATCH]
    assert tries.once(4) == [Reason.NOT_LIVE]


def test_who_comes_back_in_time_and_lives_has_not_failed() -> None:
    tries = Tries()
    assert tries.once(6, gone_s=1.5) == []
    assert tries.once(1, LIVE) == [Reason.GRANTED]
    assert tries.once(4) == []  # nothing of before a grant counts


def test_who_was_asked_has_time_for_it_over_a_track_that_breaks() -> None:
    tries = Tries()
    assert tries.once(15, ASKED, gone_s=0.5) == []
    assert tries.once(1, replace(LIVE, answered=True)) == [Reason.GRANTED]


def test_a_second_face_beside_somebody_is_not_their_leaving() -> None:
    tries = Tries(patience(pause_s=60.0))
    tries.frames(30, HIT, ASKED)
    tries.frames(30, HIT, faces=2)
    assert tries.judge.broken_off() is None


def test_a_stranger_who_goes_has_not_tried() -> None:
    tries = Tries()
    tries.frames(5, MISS, ASKED)
    tries.frames(40, faces=0, track=0)
    assert tries.judge.broken_off() is None
