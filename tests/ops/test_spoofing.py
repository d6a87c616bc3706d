"""doctor on films: a virtual camera is told from a real one, and a mute door objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.config import Config, parse
from edge.ops.doctor import spoofing
from edge.ops.doctor.check import Check
from edge.ops.doctor.spoofing import injection, instruction, of_device
from edge.vision.liveness.limits import ASKED, PUBLIC_FILMS


def device(tmp_path: Path, *, virtual: bool, mode: int = 0o660) -> tuple[Path, Path]:
    """A made-up /dev/video9 and its sysfs: the node, and the class's folder."""
    node = tmp_path / "dev" / "video9"
    node.parent.mkdir()
    node.touch()
    node.chmod(mode)
    devices = tmp_path / "sys" / "class" / "video4linux"
    devices.mkdir(parents=True)
    bus = "virtual" if virtual else "usb1"
    place = tmp_path / "sys" / "devices" / bus / "video4linux" / "video9"
    place.mkdir(parents=True)
    (place / "name").write_text("Dummy video device\n")
    (devices / "video9").symlink_to(place)
    if not virtual:
        driver = tmp_path / "sys" / "bus" / "usb" / "drivers" / "uvcvideo"
        driver.mkdir(parents=True)
        port = tmp_path / "sys" / "devices" / bus / "1-1:1.0"
        port.mkdir()
        (port / "driver").symlink_to(driver)
        (place / "device").symlink_to(port)
    return node, devices


def test_a_loopback_device_is_no_camera(tmp_path: Path) -> None:
    found = of_device(*device(tmp_path, virtual=True))
    assert found.level == "fail"
    assert "Dummy video device" in found.sentence
    assert "modprobe -r v4l2loopback" in found.remedy


def test_a_camera_on_a_bus_is_one_and_its_limits_are_said(tmp_path: Path) -> None:
    found = of_device(*device(tmp_path, virtual=False))
    assert found.level == "ok"
    assert "uvcvideo on 1-1:1.0" in found.sentence
    assert "gadget" in found.sentence


def test_a_camera_that_everybody_may_open_is_told(tmp_path: Path) -> None:
    found = of_device(*device(tmp_path, virtual=False, mode=0o666))
    assert found.level == "warn"
    assert "chmod 660" in found.remedy


def test_doctor_and_the_page_state_one_figure() -> None:
    """Of people who are asked without reason, where nothing can ask them."""
    page = " ".join(Path("deploy/guide/liveness.md").read_text(encoding="utf-8").split())
    asked = (
        f"Of {PUBLIC_FILMS} public films of people who blink {PUBLIC_FILMS - ASKED} are let in at "
        f"a blink and {ASKED} asked for more"
    )
    assert asked in page
    sentence = instruction(parse({}, "test")).sentence
    assert f"({ASKED} of {PUBLIC_FILMS} public films)" in sentence


@pytest.mark.parametrize("by", ["{}", "gstreamer:v4l2src device={} ! videoconvert"])
def test_a_device_is_looked_at_however_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setattr(spoofing, "CLASS", tmp_path)
    source = by.format("/dev/v4l/by-id/usb-camera")
    found = injection(parse({"camera": {"source": source}}, "test"))
    assert found is not None
    assert found.sentence == "/dev/v4l/by-id/usb-camera is not there"


def test_pictures_of_no_device(tmp_path: Path) -> None:
    def of(source: str) -> Check | None:
        return injection(parse({"camera": {"source": source}}, "test"))

    for address in ("rtsp://me:word@camera/1", "rtsps://me:word@camera/dev/video0"):
        stream = of(address)
        assert stream is not None
        assert "a film in the place of its pictures" in stream.sentence
        assert "word" not in stream.sentence
    folder = of(str(tmp_path))
    assert folder is not None
    assert "is no camera" in folder.sentence
    assert of("picamera2") is None


@pytest.mark.parametrize(
    ("tables", "level"),
    [
        ({}, "warn"),
        ({"door": {"buzzer_pin": 5}}, "ok"),
        ({"door": {"led_red_pin": 5}}, "warn"),
        ({"door": {"led_red_pin": 5, "led_green_pin": 6, "led_blue_pin": 7}}, "ok"),
        ({"mqtt": {"host": "broker"}}, "ok"),
        ({"liveness": {"level": "both"}}, "fail"),
        ({"liveness": {"level": "blink"}}, "warn"),
    ],
)
def test_a_door_that_cannot_ask_objects(tables: dict[str, Any], level: str) -> None:
    found = instruction(parse(tables, "test"))
    assert found.level == level
    assert bool(found.remedy) is (level != "ok")


def test_the_default_asks_only_in_doubt() -> None:
    assert Config().liveness.level.value == "auto"
