"""A board that is too slow, hot or short of memory does less, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from edge.sight.thrift import COOL_C, HOT_C, LOOK_EVERY_S, Thrift


class Board:
    """What the kernel would tell."""

    def __init__(self, folder: Path) -> None:
        self.thermal, self.meminfo = folder / "thermal", folder / "meminfo"
        self.zone = self.thermal / "thermal_zone0" / "temp"
        self.zone.parent.mkdir(parents=True)
        (self.thermal / "thermal_zone1").mkdir()
        self.is_warm(50.0)
        self.has(1000)

    def is_warm(self, degrees: float) -> None:
        self.zone.write_text(f"{round(degrees * 1000)}\n")

    def has(self, free_mb: int, of_mb: int = 2000) -> None:
        self.meminfo.write_text(
            f"MemTotal: {of_mb * 1024} kB\nMemAvailable: {free_mb * 1024} kB\nHugePages_Total: 0\n"
        )

    def thrift(self, profile: Literal["auto", "full", "light"] = "auto") -> Thrift:
        return Thrift(profile, self.thermal, self.meminfo)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


COOL = {"eased": 0.0, "backed_off": 0.0, "temperature_c": 0.0, "memory_free_mb": 0.0}


def judged(thrift: Thrift, fps: float, seconds: float, begin: float = 0.0) -> int:
    times = [begin + number / fps for number in range(round(fps * seconds))]
    return sum(not thrift.passes_over(at) for at in times)


def test_nothing_is_left_out_where_nothing_is_wrong(board: Board) -> None:
    thrift = board.thrift()
    assert judged(thrift, 30, 10) == 300
    assert not thrift.eased
    figures = {"temperature_c": 50.0, "memory_free_mb": 1000.0}
    assert thrift.current() == {"eased": 0.0, "backed_off": 0.0} | figures


@pytest.mark.parametrize("fps", [30, 24, 20, 15])
def test_a_hot_board_judges_fewer_frames_but_enough_for_blinks(board: Board, fps: float) -> None:
    thrift = board.thrift()
    board.is_warm(HOT_C)
    rate = judged(thrift, fps, 10) / 10
    assert 13 <= rate <= 16
    assert thrift.eased
    assert thrift.current()["backed_off"] == 1.0


def test_it_goes_on_when_the_board_has_cooled_down(board: Board) -> None:
    thrift = board.thrift()
    board.is_warm(HOT_C)
    judged(thrift, 30, 1)
    board.is_warm(COOL_C)
    judged(thrift, 30, 1, begin=LOOK_EVERY_S + 1)
    assert thrift.current()["backed_off"] == 1.0  # not before it is below
    board.is_warm(COOL_C - 1)
    judged(thrift, 30, 1, begin=2 * LOOK_EVERY_S + 3)
    assert thrift.current() | {"temperature_c": 0.0, "memory_free_mb": 0.0} == COOL


def test_little_memory_backs_off_too(board: Board) -> None:
    thrift = board.thrift()
    board.has(80)
    assert judged(thrift, 30, 4) < 70
    assert thrift.current()["memory_free_mb"] == 80.0


def test_a_slow_board_stays_eased_without_leaving_frames_out(board: Board) -> None:
    thrift = board.thrift()
    thrift.too_slow()
    assert thrift.eased
    assert judged(thrift, 10, 5) == 50


def test_the_profile_decides(board: Board) -> None:
    board.is_warm(HOT_C + 5)
    full, light = board.thrift("full"), board.thrift("light")
    full.too_slow()
    assert judged(full, 30, 5) == 150
    assert (full.eased, light.eased) == (False, True)


def test_a_machine_that_tells_nothing_is_taken_as_it_is(tmp_path: Path) -> None:
    thrift = Thrift("auto", tmp_path / "none", tmp_path / "none")
    assert judged(thrift, 30, 6) == 180
    assert thrift.current() == {"eased": 0.0, "backed_off": 0.0}
