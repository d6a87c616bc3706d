"""The guard and the `gpiod` backend on a simulated GPIO chip of a real kernel."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulated import machine

pytestmark = [pytest.mark.emulated, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, Any]]:
    done = machine.run_on_x86(
        ".venv/bin/python tests/emulated/trial.py "
        # The first fetches the guard's code over 9p, and waiting for the host counts as the
        # guest's time: of two pulses the later one is told.
        "pulse pulse terminate kill stop segfault 'kill both' 'exit button'"
    )
    assert done.status == 0, done.output
    return machine.trials(done.output)


def test_the_backend_keeps_the_rules_of_every_backend() -> None:
    done = machine.run_on_x86(
        # Its clock counts what it waits for the host: this test's own limit is the one that holds.
        ".venv/bin/python -m pytest --noconftest -p no:cacheprovider -rs -q --timeout 0 "
        "-k gpiod tests/door/test_pins.py"
    )
    assert done.status == 0, done.output
    assert "passed" in done.output
    assert "no simulated chip" not in done.output


def test_a_pulse_lasts_as_long_as_configured(told: dict[str, dict[str, Any]]) -> None:
    assert told["pulse"]["before"] == "driven high"
    assert 1.9 <= told["pulse"]["on_s"] <= 2.1


@pytest.mark.parametrize("trial", ["kill", "segfault", "kill both"])
def test_a_guard_that_dies_lets_go_of_the_line_within_100_ms(
    told: dict[str, dict[str, Any]], trial: str
) -> None:
    assert told[trial]["before"] == "driven high"
    assert told[trial]["after"] == "input"
    assert told[trial]["released_ms"] <= 100


def test_a_guard_that_is_told_to_stop_turns_off_first(told: dict[str, dict[str, Any]]) -> None:
    assert told["terminate"]["before"] == "driven high"
    assert told["terminate"]["after"] == "input"
    # It may have to fetch code over 9p, and waiting for the host counts as the guest's time.
    assert told["terminate"]["released_ms"] <= 500


def test_a_frozen_guard_loses_the_line_within_2_s(told: dict[str, dict[str, Any]]) -> None:
    assert told["stop"]["before"] == "driven high"
    assert told["stop"]["after"] == "input"
    assert told["stop"]["released_ms"] <= 2000


def test_the_exit_button_opens_with_sight_dead(told: dict[str, dict[str, Any]]) -> None:
    assert told["exit button"]["opened"]
    assert told["exit button"]["reaction_ms"] <= 200
    assert 1.9 <= told["exit button"]["on_s"] <= 2.1
    assert told["exit button"]["exit_code"] == 0


def test_the_boards_watchdog_acts_where_guard_and_warden_are_both_frozen() -> None:
    with pytest.raises(RuntimeError, match='"trial": "frozen", "before": "driven high"') as ended:
        machine.run_on_x86(".venv/bin/python tests/emulated/trial.py 'freeze everything'")
    assert "survived" not in str(ended.value)
