"""install.sh in a fresh Debian with systemd as its first process: from nothing to an open door,
over a restart, and back to nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge.config import Config
from edge.ops.demo.film import actors, enrolment_pictures, shoot
from edge.vision.stages import Stages
from tests.emulated import container

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.emulated, pytest.mark.timeout(1200)]

# A lock that is not there, a clock that nobody sets and a configuration that nobody has sealed are
# said to be so.
EXPECTED_WARNINGS = {"injection", "pins", "clock", "seal"}
"""A film for a camera, pins that are not there, a clock that nobody sets, and no owner yet."""


@dataclass
class Found:
    """The files that the script in the guest left."""

    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def doctor(self, when: str) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.text(f"{when}-doctor.json"))
        return result


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    person, stranger = actors(Stages.load(Config()))
    enrolment_pictures(person, folder / "pictures")
    shoot(person, stranger, folder / "film.avi")
    return folder


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def found(
    request: pytest.FixtureRequest,
    clip: Path,
    checkout: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Found]:
    if why := container.missing():
        pytest.skip(why)
    results = tmp_path_factory.mktemp("results")
    with container.scripted(request.param, checkout, "installed.sh", {"/clip": clip}, results):
        yield Found(results)


def test_the_whole_way_was_gone(found: Found) -> None:
    assert found.has("done"), found.text("log")[-6000:]


@pytest.mark.parametrize("when", ["first", "upgraded", "second", "third"])
def test_units_are_active_and_doctor_is_content(found: Found, when: str) -> None:
    assert found.text(f"{when}-units").split() == ["active"] * 3
    report = found.doctor(when)
    levels = {check["name"]: check["level"] for check in report["checks"]}
    assert report["ok"], report
    assert {name for name, level in levels.items() if level != "ok"} <= EXPECTED_WARNINGS, report
    assert {"groups", "units", "people", "ledger", "broker", "door"} <= set(levels)


def test_the_units_let_programs_ask_whether_the_clock_is_set(found: Found) -> None:
    assert found.text("clock") == ""


def test_a_face_opened_the_relay_for_one_pulse(found: Found) -> None:
    rows = [json.loads(line) for line in found.text("relay.jsonl").splitlines()]
    changes = [(row["at"], row["on"]) for row in rows if row["line"] == 17 and "on" in row]
    on = next(at for at, level in changes if level)
    off = next(at for at, level in changes if at > on and not level)
    assert off - on == pytest.approx(0.6, abs=0.1)


def test_a_dead_guard_and_a_frozen_sight_are_replaced(found: Found) -> None:
    for name in ("guards", "sights"):
        before, after = found.text(name).split()
        assert after not in ("0", before)


def test_it_comes_back_after_a_restart(found: Found) -> None:
    assert found.has("granted-after-reboot")
    assert found.has("chain-whole"), found.text("verify")


def test_an_upgrade_keeps_people_and_configuration(found: Found) -> None:
    assert found.has("config-kept")
    for when in ("first", "upgraded", "second", "third"):
        people = json.loads(found.text(f"{when}-people.json"))["people"]
        assert [person["name"] for person in people] == ["Owner"]


def test_link_cannot_read_people_or_key(found: Found) -> None:
    assert not found.has("link-read")
    modes = dict(line.split(" ", 1) for line in found.text("modes").splitlines())
    for secret in ("people.db", "vault.key"):
        mode = modes[f"/var/lib/edge-door/{secret}"]
        assert mode.startswith("edge-door-sight:")
        assert mode.endswith(" 600")
    assert modes["/etc/edge-door/edge-door.toml"] == "root:edge-door 640"
    assert modes["/run/edge-door/door.sock"] == "edge-door-door:edge-door-lock 660"
    assert modes["/run/edge-door/sight.sock"] == "edge-door-sight:edge-door-ledger 660"


def test_uninstalling_leaves_what_was_asked_to_stay_and_else_nothing(found: Found) -> None:
    assert "people.db" in found.text("kept").split()
    assert found.text("left") == ""
