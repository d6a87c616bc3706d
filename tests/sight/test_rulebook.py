"""Rules that name people, while people come, go and change their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest

from edge.access.schedule import Verdict
from edge.config import parse
from edge.errors import ConfigError
from edge.ledger.ledger import Ledger
from edge.ledger.seal import Seal
from edge.moment import Moment
from edge.records import Event, EventKind, Reason
from edge.sight.journal import Journal
from edge.sight.rulebook import Rulebook

SUNDAY = datetime(2026, 11, 29, 3, 0, tzinfo=timezone.utc).timestamp()
MOMENT = Moment("b", 0.0, SUNDAY, wall_trusted=True)


@pytest.fixture
def rulebook(tmp_path: Path) -> Iterator[Rulebook]:
    access = {"schedule": {"Anna": ["mon-fri 08:00-18:00"]}, "time_zone": "UTC"}
    config = parse({"access": access}, "test")
    with Ledger.open(tmp_path / "ledger.db", "door1") as ledger:
        yield Rulebook(config, Journal(ledger, "door1"))


def verdict(rulebook: Rulebook, person: str) -> Verdict:
    return rulebook.schedule.verdict(person, MOMENT)


def test_nothing_starts_with_a_schedule_for_nobody(rulebook: Rulebook) -> None:
    with pytest.raises(ConfigError, match="Anna"):
        rulebook.know(["Annika", "Bo"], {})


def test_a_rename_behind_the_daemons_back_opens_nothing(rulebook: Rulebook) -> None:
    rulebook.know(["Anna", "Bo"], {})
    assert verdict(rulebook, "Anna") is Verdict.OUTSIDE
    rulebook.know(["Annika", "Bo"], {})
    assert verdict(rulebook, "Annika") is Verdict.OUTSIDE
    assert verdict(rulebook, "Bo") is Verdict.ALLOWED  # who was there before and is not meant


def test_the_record_says_whom_the_rules_miss_and_whom_that_keeps_out(tmp_path: Path) -> None:
    """It stood in the log of the board alone: whoever reads events saw people turned away."""
    config = parse({"access": {"schedule": {"Anna": ["daily 08:00-18:00"]}}}, "test")
    with Ledger.open(tmp_path / "ledger.db", "door1") as ledger:
        rulebook = Rulebook(config, Journal(ledger, "door1"))
        rulebook.know(["Anna", "Bo"], {})
        assert ledger.events() == []
        for _ in range(3):
            rulebook.know(["Annika", "Bo"], {})
        rulebook.know(["Bo"], {"anna": ""})  # the people office took her away
        events = [stored.event for stored in ledger.events()]
    assert {event.reason for event in events} == {Reason.RULES_NAME_NOBODY}
    assert [dict(event.detail) for event in events] == [
        {"names": "Anna", "barred": "Annika"},
        {"names": "Anna"},
    ]


def test_it_is_over_when_the_name_is_somebodys_again(rulebook: Rulebook) -> None:
    rulebook.know([], {})
    rulebook.know(["Cleo"], {})
    assert verdict(rulebook, "Cleo") is Verdict.OUTSIDE
    rulebook.know(["Anna", "Cleo"], {})
    assert verdict(rulebook, "Cleo") is Verdict.ALLOWED
    assert verdict(rulebook, "Anna") is Verdict.OUTSIDE


@pytest.mark.parametrize(
    ("level", "buzzer", "asks"),
    [("auto", 5, True), ("auto", None, False), ("challenge", 5, True), ("blink", 5, False)],
)
def test_doubt_outlives_a_restart_and_asks_where_there_is_a_way_to(
    tmp_path: Path, level: str, buzzer: int | None, *, asks: bool
) -> None:
    door = {} if buzzer is None else {"buzzer_pin": buzzer}
    config = parse({"door": door, "liveness": {"level": level}}, "test")
    with Ledger.open(tmp_path / "ledger.db", "door1") as ledger:
        journal = Journal(ledger, "door1")
        rulebook = Rulebook(config, journal)
        heard = [rulebook.doubt("Anna", 1.0) for _ in range(12)]
        assert heard.count(True) == 1  # the owner is told once
        journal.note(EventKind.SYSTEM, Reason.TRIED_OFTEN, states=rulebook.states())
        again = Rulebook(config, journal)
        assert again.wary_of() == rulebook.wary_of() == ({"Anna"} if asks else set())


def test_whom_the_office_took_away_keeps_nobody_out(
    rulebook: Rulebook, caplog: pytest.LogCaptureFixture
) -> None:
    for people in (["Bo"], ["Bo", "Cleo"], ["Bo", "Cleo"]):
        rulebook.know(people, {"anna": ""})
    assert verdict(rulebook, "Bo") is verdict(rulebook, "Cleo") is Verdict.ALLOWED
    assert caplog.text.count("the rules name Anna") == 1
    assert "nobody may not pass" not in caplog.text
    rulebook.know(["Anna", "Bo", "Cleo"], {"anna": "Anna"})
    rulebook.know(["Bo", "Cleo"], {"anna": ""})
    assert caplog.text.count("the rules name Anna") == 2


def test_whom_the_office_renamed_may_not_pass_after_a_restart_either(rulebook: Rulebook) -> None:
    """Even under a name that was another's: it is told by the number."""
    rulebook.know(["Bo", "Cleo"], {"anna": "Cleo"})
    assert verdict(rulebook, "Cleo") is Verdict.OUTSIDE
    assert verdict(rulebook, "Bo") is Verdict.ALLOWED


def test_what_the_office_did_excuses_no_other_name(rulebook: Rulebook) -> None:
    with pytest.raises(ConfigError, match="names Anna, but"):
        rulebook.know(["Bo"], {"cleo": ""})


def test_who_goes_harms_nobody_else(rulebook: Rulebook) -> None:
    rulebook.know(["Anna", "Bo"], {})
    rulebook.know(["Bo"], {})
    assert verdict(rulebook, "Bo") is Verdict.ALLOWED


def test_a_clock_that_was_set_back_is_told_once(
    rulebook: Rulebook, caplog: pytest.LogCaptureFixture
) -> None:
    later, back = replace(MOMENT, at=10.0, wall=SUNDAY + 10), replace(MOMENT, at=11.0, wall=1.0)
    for moment in (MOMENT, later, back, back):
        latest = rulebook.schedule_at(moment).latest
    assert not latest.believes(back)
    assert caplog.text.count("behind what it showed before") == 1
    rulebook.know(["Anna"], {})
    assert rulebook.schedule_at(back).latest is latest


def test_what_the_record_has_seen_counts_after_a_restart(tmp_path: Path) -> None:
    config = parse({}, "test")
    with Ledger.open(
        tmp_path / "ledger.db", "door1", Seal(bytes(32), tmp_path / "anchor")
    ) as ledger:
        ledger.append(Event(EventKind.SYSTEM, Reason.STARTED, 0.0, SUNDAY, True, "door1"))
        rulebook = Rulebook(config, Journal(ledger, "door1"))
        back = replace(MOMENT, wall=1.0)
        assert not rulebook.schedule_at(back).latest.believes(back)
