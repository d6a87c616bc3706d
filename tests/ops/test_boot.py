"""A Raspberry Pi's config.txt follows the configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.config import Config, parse
from edge.errors import PinError
from edge.ops.boot import boot_lines, lines_in, write_lines
from edge.ops.doctor.hardware import boot_lines_follow
from tests.support.running import Door

BEFORE = "dtparam=audio=on\n\n[cm5]\ndtoverlay=dwc2\n"


def configured(**door: Any) -> Config:
    return parse({"door": door}, "test")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "boot/config.txt"
    path.parent.mkdir()
    path.write_text(BEFORE)
    return path


@pytest.mark.parametrize(
    ("door", "lines"),
    [
        ({}, ["gpio=17=op,dl"]),
        ({"relay_active_high": False, "relay_pin": 22}, ["gpio=22=op,dh"]),
        ({"lock": "maglock"}, ["gpio=17=op,dl"]),
        ({"lock": "maglock", "relay_contact": "NO"}, ["gpio=17=op,dh"]),
        ({"lock": "motor", "relock_pin": 18}, ["gpio=17=op,dl", "gpio=18=op,dl"]),
    ],
)
def test_the_lines_hold_the_lock_at_rest(door: dict[str, Any], lines: list[str]) -> None:
    assert boot_lines(configured(**door)) == ["dtparam=strict_gpiod", *lines]


def test_they_are_put_in_once_changed_in_place_and_taken_out(file: Path) -> None:
    assert write_lines(file, ["dtparam=strict_gpiod", "gpio=17=op,dl"])
    once = file.read_text()
    # [all] ends a filter such as [cm5], or the lines would count on that board alone.
    assert "[all]\ndtparam=strict_gpiod\ngpio=17=op,dl\n" in once
    assert once.startswith(BEFORE)
    assert not write_lines(file, ["dtparam=strict_gpiod", "gpio=17=op,dl"])
    assert file.read_text() == once
    assert write_lines(file, ["dtparam=strict_gpiod", "gpio=22=op,dh"])
    assert file.read_text() == once.replace("gpio=17=op,dl", "gpio=22=op,dh")
    assert lines_in(file) == ["dtparam=strict_gpiod", "gpio=22=op,dh"]
    assert write_lines(file, [])
    assert file.read_text() == BEFORE
    assert not write_lines(file, [])
    assert list(file.parent.iterdir()) == [file]


def test_what_others_wrote_stays_as_it_is(tmp_path: Path) -> None:
    theirs = b"# T\xfcr\nold\x0cpage\xe2\x80\xa8end\narm_64bit=1\n"
    file = tmp_path / "config.txt"
    file.write_bytes(theirs.replace(b"\n", b"\r\n"))  # as Windows writes the card
    assert write_lines(file, ["gpio=17=op,dl"])
    assert file.read_bytes().startswith(theirs)
    assert write_lines(file, [])
    assert file.read_bytes() == theirs


@pytest.mark.parametrize(
    "edited",
    [
        "# begin edge-door\ngpio=17=op,dl\narm_64bit=1\n",
        "gpio=17=op,dl\n# end edge-door\n",
        "# end edge-door\narm_64bit=1\n# begin edge-door\n",
        "# begin edge-door\narm_64bit=1\n# begin edge-door\ngpio=17=op,dl\n# end edge-door\n",
    ],
)
def test_marks_that_somebody_edited_cost_no_line_between_them(tmp_path: Path, edited: str) -> None:
    file = tmp_path / "config.txt"
    file.write_text(edited)
    with pytest.raises(PinError, match="it was edited"):
        write_lines(file, ["gpio=17=op,dl"])
    assert file.read_text() == edited


def test_a_file_that_is_not_there_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PinError, match="cannot be read"):
        write_lines(tmp_path / "config.txt", ["x"])


def test_doctor_compares_them_with_the_configuration(file: Path) -> None:
    first, moved = configured(backend="rpi"), configured(backend="rpi", relay_pin=22)
    assert boot_lines_follow(first, file).level == "fail"
    write_lines(file, boot_lines(first))
    assert boot_lines_follow(first, file).level == "ok"
    check = boot_lines_follow(moved, file)
    assert check.level == "fail"
    assert "gpio=17=op,dl" in check.sentence
    assert "gpio=22=op,dl" in check.sentence
    assert "boot apply" in check.remedy


def test_the_command_mends_what_doctor_finds(tmp_path: Path, file: Path) -> None:
    door = Door(tmp_path, "/dev/video99", door={"backend": "rpi", "relay_pin": 22})
    shown = door.command("boot", "show", "--file", str(file), "--json")
    before = json.loads(shown.stdout)
    assert (shown.returncode, before["ok"], before["there"]) == (1, False, [])
    done = door.command("boot", "apply", "--file", str(file))
    assert done.returncode == 0
    assert "restart" in done.stdout
    assert boot_lines_follow(door.config, file).level == "ok"
    assert door.command("boot", "show", "--file", str(file)).returncode == 0
    assert door.command("boot", "remove", "--file", str(file)).returncode == 0
    assert file.read_text() == BEFORE
