"""Roll-outs on an installed machine: broker, path unit, root's unit, and sight started anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulated import container

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.emulated, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def results(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if why := container.missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("results")
    with container.scripted("bookworm", checkout, "rolled_out.sh", {}, folder):
        yield folder


def found(results: Path, name: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((results / f"{name}.json").read_text())
    return said


def test_the_whole_way_was_gone(results: Path) -> None:
    assert (results / "done").exists(), (results / "log").read_text()[-6000:]


@pytest.mark.parametrize("version", [2, 3, 4], ids=["configuration", "models", "program"])
def test_a_roll_out_is_in_force_and_the_door_runs_by_it(results: Path, version: int) -> None:
    told = found(results, str(version))
    assert told["ok"], told
    assert [door["state"] for door in told["doors"]] == ["in force"]
    assert found(results, f"{version}-in-force")["version"] == version
    assert (results / f"{version}-units").read_text().split() == ["active"] * 3
    assert ("99.0" in (results / f"{version}-program").read_text()) == (version == 4)


def test_the_configuration_is_the_one_that_came(results: Path) -> None:
    assert (results / "renamed").read_text().strip() == "1"


@pytest.mark.parametrize("version", [5, 6], ids=["of another door", "broken program"])
def test_what_a_door_refuses_halts_and_leaves_it_as_it_was(results: Path, version: int) -> None:
    told = found(results, str(version))
    assert not told["ok"]
    assert told["why"].startswith("door1: ")
    assert found(results, f"{version}-in-force")["version"] == 4
    assert (results / f"{version}-units").read_text().split() == ["active"] * 3
    assert "99.0" in (results / f"{version}-program").read_text()
