from __future__ import annotations

import base64
import itertools
import json
import math
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.access.calibration import Calibration, Curve, Point, Rule, from_json, to_json
from edge.access.cohort import Cohort
from edge.access.command import (
    MAX_VALID_S,
    Counters,
    Receiver,
    public_text,
    sign_command,
    verify_command,
)
from edge.access.lockout import DEVICE, PIN, Lockout, LockoutRules, counts
from edge.access.matcher import match, ranked, turned_away
from edge.access.schedule import Schedule, Verdict, parse
from edge.clock import now
from edge.errors import (
    CalibrationError,
    CommandError,
    LedgerError,
    ModelError,
    VaultError,
)
from edge.moment import Moment
from edge.records import Decision, Embedding, Match, Outcome, Reason, Template
from edge.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = "a" * 64

# Calibration

CALIBRATION = Calibration(
    model=MODEL,
    pictures=Curve(
        (
            Point(1e-2, 1.1e-2, 0.30),
            Point(1e-3, 1.3e-3, 0.40),
            Point(1e-4, 2e-4, 0.55),
            Point(1e-6, 1e-5, 0.70, extrapolated=True),
        )
    ),
    impostor_pairs=100_000,
    made_from="nobody: a test",
)


# Against two captures less is needed than against one and half the rate; (0, 1) is a crowd.
RULE = Rule(
    (
        (1, CALIBRATION.pictures),
        (2, Curve((Point(1e-2, 1.1e-2, 0.33), Point(1e-4, 2e-4, 0.45)))),
    ),
    Cohort(np.array([(0, 1), (-1, 0)], np.float32), share=0.5, nearest=1),
    made_from="nobody: a test",
)
RULED = replace(CALIBRATION, measured_rule=RULE)


def test_a_calibration_survives_its_file() -> None:
    assert from_json(to_json(CALIBRATION), "x.json") == CALIBRATION
    again = from_json(to_json(RULED), "x.json")
    assert (again.pictures, again.rule.curves) == (RULED.pictures, RULE.curves)
    assert np.allclose(again.rule.cohort.vectors, RULE.cohort.vectors, atol=0.01)


def test_a_calibration_of_pairs_alone_is_read_as_before() -> None:
    old = json.loads(to_json(CALIBRATION)) | {"format": 1, "captures": 1}
    assert from_json(json.dumps(old), "x.json") == CALIBRATION


def test_thresholds_are_linear_in_the_logarithm_of_the_rate() -> None:
    assert CALIBRATION.threshold_for(1e-3) == pytest.approx(0.40)
    assert CALIBRATION.threshold_for(10**-2.5) == pytest.approx(0.35)
    assert CALIBRATION.pictures.at(10**-3.5).upper == pytest.approx(math.sqrt(1.3e-3 * 2e-4))
    assert CALIBRATION.threshold_for(0.5) == 0.30


def test_only_points_beyond_the_counted_ones_say_extrapolated() -> None:
    assert not CALIBRATION.pictures.at(1e-4).extrapolated
    assert CALIBRATION.pictures.at(0.9e-4).extrapolated
    assert CALIBRATION.pictures.at(1e-6).extrapolated


def test_a_rate_below_the_measured_is_refused() -> None:
    with pytest.raises(CalibrationError, match=r"1e-07 .* measured for \(1e-06\)"):
        CALIBRATION.pictures.at(1e-7)


@given(st.floats(1e-6, 1e-2), st.floats(1e-6, 1e-2))
def test_a_smaller_rate_never_has_a_lower_threshold(one: float, two: float) -> None:
    assert CALIBRATION.threshold_for(min(one, two)) >= CALIBRATION.threshold_for(max(one, two))


def test_another_models_calibration_is_refused() -> None:
    CALIBRATION.require(MODEL)
    with pytest.raises(CalibrationError, match="made for the model aaaaaaaaaaaa"):
        CALIBRATION.require("b" * 64)


def spoiled(change: Callable[[dict[str, Any]], object]) -> str:
    data = json.loads(to_json(RULED))
    change(data)
    return json.dumps(data)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a calibration"),
        ("[]", "is not a calibration"),
        ("null", "is not a calibration"),
        ("[" * 100_000, "is not a calibration"),
        (spoiled(lambda d: d.update(format=3)), "its format is 3"),
        (spoiled(lambda d: d.pop("points")), "points is missing"),
        (spoiled(lambda d: d["points"][0].pop("upper")), "upper is missing"),
        (spoiled(lambda d: d.update(points=[])), "`points` is empty"),
        (spoiled(lambda d: d.update(points=3)), "is not a calibration"),
        (spoiled(lambda d: d.update(points=["x"])), "is not a calibration"),
        (spoiled(lambda d: d.update(model_sha256="abc")), "64 hex digits"),
        (spoiled(lambda d: d.update(impostor_pairs=0)), "1 or more"),
        (spoiled(lambda d: d.update(rule={})), "made_from is missing"),
        (spoiled(lambda d: d["rule"].update(captures={})), "must rise from 1"),
        (spoiled(lambda d: d["rule"]["captures"].pop("1")), "must rise from 1"),
        (spoiled(lambda d: d["rule"]["cohort"].update(vectors="AAAA")), "are not 2 of equal"),
        (spoiled(lambda d: d["rule"]["cohort"].update(vectors="AAAAAA==")), "a vector of zeros"),
        (spoiled(lambda d: d["rule"]["cohort"].update(vectors="?")), "is not a calibration"),
        (spoiled(lambda d: d["rule"]["cohort"].update(share=2)), "share <= 1"),
        (spoiled(lambda d: d["points"][0].update(threshold=math.nan)), "not a finite number"),
        (spoiled(lambda d: d["points"][0].update(fmr=0)), "0 < fmr"),
        (spoiled(lambda d: d["points"][0].update(upper=0.001)), "0 < fmr <= upper"),
        (spoiled(lambda d: d["points"].reverse()), "the next must be smaller"),
        (spoiled(lambda d: d["points"][1].update(threshold=0.1)), "its threshold higher"),
        (spoiled(lambda d: d["points"][0].update(extrapolated="no")), "true or false"),
    ],
)
def test_a_damaged_calibration_gets_a_sentence(text: str, said: str) -> None:
    with pytest.raises(CalibrationError, match=r"^x\.json") as caught:
        from_json(text, "x.json")
    assert said in str(caught.value)


# Matcher


def unit(*values: float) -> NDArray[Any]:
    vector = np.asarray(values, dtype=np.float32)
    return vector / np.linalg.norm(vector)


def towards(cosine: float) -> NDArray[Any]:
    """A unit vector at this cosine from (1, 0)."""
    return np.asarray([cosine, math.sqrt(1 - cosine**2)], dtype=np.float32)


def mirrored(cosine: float) -> NDArray[Any]:
    """One such vector, on the other side of (1, 0)."""
    return np.array([[cosine, -math.sqrt(1 - cosine**2)]], np.float32)


PROBE = Embedding(unit(1, 0), MODEL)


def enrolled(person: str, *cosines: float, model: str = MODEL) -> Template:
    return Template(person, np.stack([towards(cosine) for cosine in cosines]), model)


def test_the_captures_count_together() -> None:
    def similarity(*vectors: NDArray[Any]) -> float:
        return match(
            PROBE, [Template("Ann", np.stack(vectors), MODEL)], CALIBRATION, 1e-2
        ).similarity

    assert similarity(towards(0.5)) == pytest.approx(0.5)
    assert similarity(towards(0.5), mirrored(0.5)[0]) == pytest.approx(1.0)  # their middle
    assert similarity(towards(0.5), towards(-0.5)) == pytest.approx(0.0, abs=1e-6)


def test_the_best_template_is_named_with_its_threshold() -> None:
    found = match(PROBE, [enrolled("Ann", 0.3), enrolled("Bo", 0.6)], CALIBRATION, 2e-3)
    assert (found.person, found.false_match_rate) == ("Bo", 1e-3)
    assert found.similarity == pytest.approx(0.6)
    assert found.threshold == pytest.approx(0.40)
    assert found.matched


def test_the_threshold_rises_with_people_and_captures() -> None:
    def threshold(people: int, captures: int) -> float:
        templates = [enrolled(str(n), *[0.5] * captures) for n in range(people)]
        return match(PROBE, templates, CALIBRATION, 1e-3).threshold

    assert threshold(1, 1) == pytest.approx(CALIBRATION.threshold_for(1e-3))
    assert threshold(10, 1) == pytest.approx(CALIBRATION.threshold_for(1e-4))
    assert threshold(2, 5) == pytest.approx(CALIBRATION.threshold_for(1e-4))


def test_more_people_would_turn_more_captures_away() -> None:
    def captures(*cosines: float) -> Template:
        """One that lies so far from all others, which are the same."""
        same = [PROBE.vector] * 4
        return Template("Ann", np.array([*same, *enrolled("Ann", *cosines).vectors]), MODEL)

    assert turned_away([enrolled("Ann", 0.9)], CALIBRATION, 1e-3) == 0.0  # nothing to hold it to
    one_of_five = captures(0.45)
    assert turned_away([one_of_five], CALIBRATION, 1e-2) == 0.0
    assert turned_away([one_of_five], CALIBRATION, 1e-4) == pytest.approx(0.2)


def test_the_rule_as_measured_comes_before_a_share_for_every_capture() -> None:
    plain = replace(RULE, cohort=Cohort(RULE.cohort.vectors, share=0.0, nearest=1))
    ruled = replace(CALIBRATION, measured_rule=plain)

    def threshold(captures: int) -> float:
        return match(PROBE, [enrolled("Ann", *[0.5] * captures)], ruled, 1e-4).threshold

    assert threshold(1) == pytest.approx(0.55)
    assert threshold(2) == pytest.approx(0.45)
    with pytest.raises(CalibrationError, match="below what"):
        threshold(3)  # two thirds of the rate, which was not measured


def test_a_face_in_a_crowd_needs_more() -> None:
    lonely, crowded = (
        enrolled("Ann", 0.8),
        Template("Bo", mirrored(0.8), MODEL),
    )
    found = {m.person: m for m in ranked(PROBE, [lonely, crowded], RULED, 2e-3)}
    assert found["Ann"].similarity == pytest.approx(found["Bo"].similarity)
    assert found["Ann"].threshold > found["Bo"].threshold  # (0, 1) is near Ann
    assert found["Ann"].threshold == pytest.approx(0.40 + 0.25 * 0.6)


def test_the_nearest_by_margin_is_named_not_the_nearest_by_cosine() -> None:
    crowded = enrolled("Ann", 0.80)
    lonely = Template("Bo", mirrored(0.78), MODEL)
    assert match(PROBE, [crowded, lonely], RULED, 2e-3).person == "Bo"


def test_the_rate_of_strangers_stays_within_the_budget() -> None:
    # Scores whose distribution is known: 32 dimensions, uniform directions.
    random = np.random.default_rng(7)

    def directions(count: int) -> NDArray[Any]:
        vectors = random.normal(size=(count, 32)).astype(np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    scores = np.sort(directions(400_000)[:, 0])[::-1]  # cosine to any fixed direction
    rates = (1e-1, 1e-2, 1e-3, 1e-4)
    points = tuple(Point(r, r, float(scores[int(r * len(scores))])) for r in rates)
    calibration = Calibration(MODEL, Curve(points), len(scores), "uniform directions")
    for people, captures in ((1, 1), (1, 5), (10, 3)):
        templates = [Template(str(n), directions(captures), MODEL) for n in range(people)]
        probes = directions(1000)
        hits = sum(
            match(Embedding(probe, MODEL), templates, calibration, 0.02).matched for probe in probes
        )
        assert hits / len(probes) < 0.02 + 4 * math.sqrt(0.02 / len(probes))


def test_nobody_enrolled_matches_nobody() -> None:
    found = match(PROBE, [], CALIBRATION, 1e-3)
    assert found.person is None
    assert not found.matched


def test_models_do_not_mix() -> None:
    with pytest.raises(CalibrationError):
        match(replace_model(PROBE), [], CALIBRATION, 1e-3)
    with pytest.raises(VaultError, match="Ann was enrolled with the model bbbbbbbbbbbb"):
        match(PROBE, [enrolled("Ann", 0.5, model="b" * 64)], CALIBRATION, 1e-3)


def replace_model(probe: Embedding) -> Embedding:
    return Embedding(probe.vector, "b" * 64)


@pytest.mark.parametrize("vector", [[2, 0], [0, 0], [math.nan, 0], [math.inf, 0]])
def test_a_probe_that_is_no_unit_vector_is_refused(vector: list[float]) -> None:
    probe = Embedding(np.asarray(vector, dtype=np.float32), MODEL)
    with pytest.raises(ModelError, match="unit length"):
        match(probe, [enrolled("Ann", 0.5)], CALIBRATION, 1e-3)


# Schedule

BERLIN = ZoneInfo("Europe/Berlin")


def wall(text: str, *, trusted: bool = True) -> Moment:
    return Moment("b", 0, datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp(), trusted)


def ask(lines: list[str], when: str) -> Verdict:
    return parse({"*": lines}, "Europe/Berlin").verdict("Ann", wall(when))


@pytest.mark.parametrize(
    ("line", "when", "inside"),
    [  # 2026-01-05 is a Monday
        ("mon-fri 07:00-19:00", "2026-01-05 07:00", True),
        ("mon-fri 07:00-19:00", "2026-01-05 06:59:59", False),
        ("mon-fri 07:00-19:00", "2026-01-05 18:59:59", True),
        ("mon-fri 07:00-19:00", "2026-01-05 19:00", False),
        ("mon-fri 07:00-19:00", "2026-01-10 12:00", False),
        ("Sat,Sun 9:00 - 12:00", "2026-01-11 11:59", True),
        ("sat-mon 00:00-24:00", "2026-01-05 23:59:59", True),
        ("sat-mon 00:00-24:00", "2026-01-06 00:00", False),
        ("fri 22:00-06:00", "2026-01-09 23:00", True),
        ("fri 22:00-06:00", "2026-01-10 05:59", True),
        ("fri 22:00-06:00", "2026-01-10 06:00", False),
        ("fri 22:00-06:00", "2026-01-09 05:00", False),
        ("sun 22:00-06:00", "2026-01-05 05:00", True),  # over the end of the week
        ("daily 06:00-22:00", "2026-01-07 12:00", True),
        ("mon\u2013fri 06:00\u201322:00", "2026-01-07 12:00", True),  # as editors write it
        ("daily 02:00-03:00", "2026-03-29 03:00", False),  # the hour that summer time skips
        ("daily 02:00-03:00", "2026-10-25 02:30", True),
        ("always", "2026-01-07 03:00", True),
    ],
)
def test_windows(line: str, when: str, inside: bool) -> None:
    assert ask([line], when) is (Verdict.ALLOWED if inside else Verdict.OUTSIDE)


def test_several_windows_add_up_and_none_closes() -> None:
    assert ask(["mon 08:00-09:00", "mon 10:00-11:00"], "2026-01-05 10:30") is Verdict.ALLOWED
    assert ask([], "2026-01-05 10:30") is Verdict.OUTSIDE


def test_schedules_follow_the_systems_time_zone_when_it_is_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schedule = parse({"*": ["daily 09:00-17:00"]})
    noon = wall("2026-01-05 12:00")  # of Berlin: 11:00 UTC, 20:00 in Tokyo
    with monkeypatch.context() as patch:
        for zone, verdict in (("UTC", Verdict.ALLOWED), ("Asia/Tokyo", Verdict.OUTSIDE)):
            patch.setenv("TZ", zone)
            now()  # as whoever asks for the time does
            assert schedule.verdict("Ann", noon) is verdict, zone
    time.tzset()


def test_a_person_of_their_own_else_everybody_else_always() -> None:
    schedule = parse({"*": [], "Ann": ["always"], "Bo": ["mon 10:00-11:00"]}, "Europe/Berlin")
    monday = wall("2026-01-05 10:30")
    asked = {name: schedule.verdict(name, monday) for name in ("ANN", "bo", "Cleo")}
    assert asked == {
        "ANN": Verdict.ALLOWED,
        "bo": Verdict.ALLOWED,
        "Cleo": Verdict.OUTSIDE,
    }
    assert Schedule({}).verdict("Cleo", monday) is Verdict.ALLOWED


def test_a_window_needs_a_clock_that_is_set() -> None:
    unset = wall("2026-01-05 10:30", trusted=False)
    schedule = parse({"*": ["daily 00:00-24:00"], "Ann": ["always"]}, "Europe/Berlin")
    assert schedule.verdict("Bo", unset) is Verdict.CLOCK_UNTRUSTED
    assert schedule.verdict("Ann", unset) is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("mon-fri", "is not like"),
        ("mon 7-19", "is not like"),
        ("mon 07:00-19:00 or later", "is not like"),
        ("mo-fr 07:00-19:00", "days are mon tue"),
        ("mon-fri-sat 07:00-19:00", "days are mon tue"),
        (", 07:00-19:00", "days are mon tue"),
        ("mon 25:00-26:00", "there is no time 25:00"),
        ("mon 07:60-08:00", "there is no time 07:60"),
        ("mon 07:00-24:01", "there is no time 24:01"),
        ("mon 07:00-07:00", "is empty"),
        ("mon 24:00-08:00", "is empty"),
        ("mon \u0661\u0662:00-13:00", "is not like"),
    ],
)
def test_a_window_that_is_none_gets_a_sentence(line: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"schedule\.Ann: ") as caught:
        parse({"Ann": [line]})
    assert said in str(caught.value)


@pytest.mark.parametrize("name", ["Jose\u0301", " JOS\u00c9 ", "jos\u00e9"])
def test_a_schedule_holds_however_its_name_is_written(name: str) -> None:
    rules = parse({name: ["mon-fri 08:00-18:00"]}, "Europe/Berlin")
    sunday = datetime(2026, 11, 29, 3, 0, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    assert (
        rules.verdict("Jos\u00e9", Moment("b", 0.0, sunday, wall_trusted=True)) is Verdict.OUTSIDE
    )


def test_one_person_cannot_have_two_schedules() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse({"Anna": ["always"], "anna ": ["mon 07:00-08:00"]})


def test_always_stands_alone() -> None:
    with pytest.raises(ValueError, match="stands alone"):
        parse({"*": ["always", "mon 07:00-08:00"]})


@pytest.mark.parametrize("zone", ["Berlin", "", "../etc/passwd", "Europe/Berlin\0", "/etc"])
def test_an_unknown_time_zone_gets_a_sentence(zone: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        parse({}, zone)


# Moments and lockout


def at(
    seconds: float, boot: str = "b1", *, wall: float | None = None, trusted: bool = True
) -> Moment:
    return Moment(boot, seconds, 1.7e9 + seconds if wall is None else wall, trusted)


FAILED = Decision(
    Outcome.DENY,
    Reason.NO_MATCH,
    match=Match("Ann", similarity=0.1, threshold=0.5, false_match_rate=0),
)
GRANTED = Decision(
    Outcome.GRANT,
    Reason.GRANTED,
    match=Match("Ann", similarity=0.9, threshold=0.5, false_match_rate=0),
)
RULES = LockoutRules(max_failures=3, lockout_s=30, lockout_max_s=100, forget_s=600)


def failed(times: int, claim: str | None = "Ann", start: float = 0) -> Lockout:
    lockout = Lockout(RULES)
    for number in range(times):
        lockout = lockout.after(FAILED, claim, at(start + number))
    return lockout


def test_enough_failures_lock_and_each_further_one_doubles() -> None:
    assert failed(2).locked_s("Ann", at(1)) == 0
    assert failed(3).locked_s("Ann", at(2)) == 30
    assert failed(3).locked_s("Ann", at(31.9)) == pytest.approx(0.1)
    assert failed(3).locked_s("Ann", at(32)) == 0
    assert failed(4).locked_s("Ann", at(3)) == 60
    assert failed(5).locked_s("Ann", at(4)) == 100
    assert failed(5000).locked_s("Ann", at(4999)) == 100


def test_a_grant_clears_the_person_and_the_device() -> None:
    lockout = failed(2).after(GRANTED, "Ann", at(10)).after(FAILED, "Ann", at(11))
    assert lockout.tallies["Ann"].failures == lockout.tallies[DEVICE].failures == 1


def test_anothers_grant_does_not_clear_the_person() -> None:
    bo = replace(GRANTED, match=replace(GRANTED.match, person="Bo"))  # type: ignore[type-var]
    lockout = failed(2).after(bo, "Bo", at(10)).after(FAILED, "Ann", at(11))
    assert lockout.locked_s("Ann", at(11)) == 30
    assert lockout.locked_s("Bo", at(11)) == 0


def test_trying_many_names_locks_the_device() -> None:
    lockout = Lockout(RULES)
    for number, name in enumerate(("Ann", "Bo", "Cleo")):
        lockout = lockout.after(FAILED, name, at(number))
    assert lockout.locked_s("Dan", at(2)) == 30
    assert lockout.locked_s(None, at(2)) == 30


def test_wrong_pins_lock_the_keypad_and_not_the_camera() -> None:
    lockout = Lockout(RULES)
    for number in range(3):
        lockout = lockout.failed(PIN, at(number))
    assert lockout.left_s(PIN, at(2)) == 30
    assert lockout.locked_s("Ann", at(2)) == 0
    assert lockout.cleared(PIN).left_s(PIN, at(2)) == 0


def test_a_right_pin_clears_the_wrong_ones_once_in_a_while() -> None:
    guessed = Lockout(RULES).failed(PIN, at(0)).failed(PIN, at(1))
    cleared = guessed.pin_of("Ann", at(2))
    assert PIN not in cleared.tallies
    again = cleared.failed(PIN, at(3)).pin_of("Ann", at(4))
    assert again.tallies[PIN].failures == 1
    assert PIN not in again.pin_of("Bo", at(5)).tallies
    late = at(2 + RULES.forget_s + 1)
    assert PIN not in again.failed(PIN, late).pin_of("Ann", late).tallies


def test_a_right_pin_after_none_that_was_wrong_is_nothing_to_remember() -> None:
    assert Lockout(RULES).pin_of("Ann", at(0)).tallies == {}


def test_no_name_stays_for_ever() -> None:
    lockout = failed(4, "Ann").failed(PIN, at(5)).pin_of("Ann", at(6))
    assert lockout.failed("Bo", at(10_000)).tallies.keys() == {"Bo"}


@pytest.mark.parametrize("reason", list(Reason))
def test_only_a_comparison_that_failed_counts(reason: Reason) -> None:
    with_match = replace(FAILED, reason=reason)
    counted = reason in (Reason.NO_MATCH, Reason.NOT_LIVE, Reason.LIVENESS_FAILED)
    assert counts(with_match) is counted
    assert not counts(replace(with_match, match=None))
    assert not counts(replace(with_match, outcome=Outcome.WAIT))
    assert (Lockout(RULES).after(with_match, None, at(0)).tallies != {}) is counted


def test_failures_are_forgotten_after_a_while() -> None:
    lockout = failed(2).after(FAILED, "Ann", at(602))
    assert lockout.tallies["Ann"].failures == 1
    assert failed(2).after(FAILED, "Ann", at(600)).tallies["Ann"].failures == 3


def test_the_state_survives_its_json() -> None:
    lockout = failed(4)
    assert Lockout.from_json(lockout.to_json(), RULES) == lockout


@pytest.mark.parametrize("text", ["", "[]", "3", '{"a": 1}', '{"a": {"failures": 1}}'])
def test_a_damaged_state_is_refused(text: str) -> None:
    with pytest.raises(LedgerError, match="lockout is damaged"):
        Lockout.from_json(text, RULES)


def resumed(lockout: Lockout, now: Moment) -> Lockout:
    return Lockout.from_json(lockout.to_json(), RULES).resumed(now)


def test_a_restart_of_the_program_shortens_nothing() -> None:
    lockout = resumed(failed(3), at(12))
    assert lockout.locked_s("Ann", at(12)) == 20


def test_a_reboot_counts_only_time_between_two_trusted_clocks() -> None:
    lockout = failed(3)  # locked at 2 for 30
    start = 1.7e9 + 2
    off_ten = at(5, "b2", wall=start + 10)
    assert resumed(lockout, off_ten).locked_s("Ann", off_ten) == pytest.approx(20)
    unset = at(5, "b2", wall=start + 10, trusted=False)
    assert resumed(lockout, unset).locked_s("Ann", unset) == 30
    back = at(5, "b2", wall=start - 1000)
    assert resumed(lockout, back).locked_s("Ann", back) == 30
    later = at(35, "b2", wall=0)
    assert resumed(lockout, back).locked_s("Ann", later) == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pass", "reboot", "set back", "set ahead", "restart"]),
            st.floats(0, 50),
        ),
        max_size=12,
    )
)
def test_no_restart_and_no_clock_set_back_shortens_a_lockout(
    steps: list[tuple[str, float]],
) -> None:
    lockout = failed(5)  # 100 s from second 4 on
    boot, mono, shift, passed = 1, 4.0, 0.0, 0.0
    for step, seconds in steps:
        passed += seconds
        mono += seconds
        trusted = step != "set ahead"  # a clock set by hand is not a synchronised one
        if step == "reboot":
            boot, mono = boot + 1, 1.0
        if step == "set back":
            shift -= seconds
        if step == "set ahead":
            shift += 1e6
        now = Moment(f"b{boot}", mono, 1.7e9 + 4 + passed + shift, trusted)
        if step == "set ahead":
            shift -= 1e6
        if step in ("reboot", "restart"):
            lockout = resumed(lockout, now)
        assert lockout.locked_s("Ann", now) >= 100 - passed - 1e-5


# Signed commands

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = public_text(KEY)
RECEIVER = Receiver("door1", (PUBLIC,), (Action.UNLOCK, Action.LOCK))
ISSUED = 1_700_000_000
NOW = at(3)
NONCE = "0" * 32


def signed(**changes: object) -> str:
    values: dict[str, Any] = {
        "key": KEY,
        "device": "door1",
        "action": Action.UNLOCK,
        "counter": 7,
        "issued": ISSUED,
        "nonce": NONCE,
    }
    return sign_command(**{**values, **changes})


def resigned(**changes: object) -> str:
    """A command with fields that `sign_command` would not make, properly signed."""
    fields = json.loads(signed())
    del fields["signature"]
    fields.update(changes)
    canonical = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    fields["signature"] = base64.b64encode(KEY.sign(canonical)).decode()
    return json.dumps(fields)


def test_a_proper_command_is_followed_once() -> None:
    command, seen = verify_command(signed(), RECEIVER, Counters(), NOW)
    assert (command.action, command.key, command.counter) == (Action.UNLOCK, PUBLIC, 7)
    seen = Counters.from_json(seen.to_json())
    with pytest.raises(CommandError, match="was used already"):
        verify_command(signed(), RECEIVER, seen, NOW)
    with pytest.raises(CommandError, match="was used already"):
        verify_command(signed(counter=6, nonce="1" * 32), RECEIVER, seen, NOW)
    assert verify_command(signed(counter=8), RECEIVER, seen, NOW)[1].last == {PUBLIC: 8}


def test_keys_count_on_their_own() -> None:
    other = Ed25519PrivateKey.generate()
    receiver = replace(RECEIVER, keys=(PUBLIC, public_text(other)))
    _, seen = verify_command(signed(counter=100), receiver, Counters(), NOW)
    command, _ = verify_command(signed(key=other, counter=1), receiver, seen, NOW)
    assert command.key == public_text(other)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (signed(device="door2"), "is for 'door2'"),
        (signed(action=Action.ALWAYS_OPEN), "not permitted"),
        (resigned(action="open sesame"), "not permitted"),
        (signed(key=Ed25519PrivateKey.from_private_bytes(b"x" * 32)), "no operator's here"),
        (signed(issued=ISSUED - 120), "expired 63 s ago"),
        (signed(issued=ISSUED + 60), "from the future"),
        (resigned(expires=ISSUED + MAX_VALID_S + 1), "at most 60 s"),
        (resigned(expires=ISSUED), "at most 60 s"),
        (resigned(expires=ISSUED + 10.0), "expires is not a whole number"),
        (resigned(issued=-(10**400), expires=60 - 10**400), "issued is larger than any number"),
        (resigned(counter=True), "counter is not a whole number"),
        (resigned(counter=0), "between 1 and"),
        (resigned(counter=2**60), "between 1 and"),
        (resigned(nonce="x" * 32), "32 hex digits"),
        (resigned(extra=1), "exactly the fields"),
        ("", "not JSON"),
        ("[]", "exactly the fields"),
        ("null", "exactly the fields"),
        ("[" * 4000, "not JSON"),
        (signed()[:-1] + ',"device":"door1"}', "stands there twice"),
        ("x" * 5000, "longer than 4096"),
    ],
)
def test_any_other_command_is_refused(text: str, said: str) -> None:
    with pytest.raises(CommandError) as caught:
        verify_command(text, RECEIVER, Counters(), NOW)
    assert said in str(caught.value)


def test_a_clock_that_is_not_set_refuses_all() -> None:
    with pytest.raises(CommandError, match="clock is not set"):
        verify_command(signed(), RECEIVER, Counters(), replace(NOW, wall_trusted=False))


def test_no_key_configured_refuses_all() -> None:
    with pytest.raises(CommandError, match="no operator's here"):
        verify_command(signed(), replace(RECEIVER, keys=()), Counters(), NOW)


def test_every_changed_character_is_refused_or_changes_nothing() -> None:
    text = signed()
    genuine, _ = verify_command(text, RECEIVER, Counters(), NOW)
    for index, other in itertools.product(range(len(text)), '0aZ"} '):
        changed = text[:index] + other + text[index + 1 :]
        try:
            command, _ = verify_command(changed, RECEIVER, Counters(), NOW)
        except CommandError:
            continue
        assert command == genuine  # a space between fields


@given(
    st.dictionaries(
        st.sampled_from([*json.loads(signed()), "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()),
    )
)
def test_no_rubbish_is_followed_or_crashes(changes: dict[str, object]) -> None:
    fields = {**json.loads(signed()), **changes}
    text = json.dumps(fields)
    if fields == json.loads(signed()):
        return
    with pytest.raises(CommandError):
        verify_command(text, RECEIVER, Counters(), NOW)


@given(st.text())
def test_no_text_is_followed_or_crashes(text: str) -> None:
    with pytest.raises(CommandError):
        verify_command(text, RECEIVER, Counters(), NOW)
