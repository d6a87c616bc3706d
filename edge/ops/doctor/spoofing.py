"""Checks of what a film could use: a camera that is no camera, a door that cannot ask."""

from __future__ import annotations

import grp
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from edge.config.seeing import Level
from edge.ops.doctor.check import Check, fail, ok, warn
from edge.vision.liveness.limits import ASKED, PUBLIC_FILMS

if TYPE_CHECKING:
    from edge.config import Config

CLASS = Path("/sys/class/video4linux")
_DEVICE = re.compile(r"/dev/[^\s!]+")
"""Named alone, by a link such as /dev/v4l/by-id/..., or within a GStreamer pipeline."""


def instruction(config: Config) -> Check:
    """A door that may ask for a challenge has a way to say what it wants."""
    level = config.liveness.level
    remedy = (
        "Set [door] buzzer_pin, all three led pins, or [mqtt] host; "
        'or [liveness] level = "blink", which films pass.'
    )
    if level is Level.BLINK:
        return warn(
            "instruction",
            'with [liveness] level = "blink" a film of a person opens the door',
            'Set level = "auto".',
        )
    if config.can_instruct:
        return ok("instruction", "lamp, buzzer or MQTT say what a challenge asks for")
    if level is Level.AUTO:
        return warn(
            "instruction",
            "nothing can say a challenge's instruction: who looks filmed or printed is denied, "
            f"and some honest visits do ({ASKED} of {PUBLIC_FILMS} public films)",
            remedy,
        )
    sentence = f'nothing can say an instruction: with level = "{level.value}" nobody gets in'
    return fail("instruction", sentence, remedy)


def injection(config: Config) -> Check | None:
    """Pictures come from hardware on a bus, which only its group may open."""
    source, shown = config.camera.source, config.camera.shown
    if "://" in source:  # encrypted or not: FFmpeg believes every certificate
        return warn(
            "injection",
            f"{shown} comes over the network: who reaches that network can put a film in the place "
            "of its pictures",
            "Keep the camera on a network of its own with this board, or use one on its bus.",
        )
    if device := _DEVICE.search(source):
        return of_device(Path(device[0]), CLASS)
    if Path(source).exists():
        return warn(
            "injection",
            f"{shown} is no camera: a film of somebody enrolled opens the door for nobody there",
            "Name the camera in [camera] source.",
        )
    return None


def of_device(device: Path, devices: Path) -> Check:
    """Look at one V4L2 device; `devices` is /sys/class/video4linux."""
    entry = devices / device.resolve().name
    if not entry.exists():
        return warn("injection", f"{device} is not there", "Plug the camera in, then ask again.")
    where = (entry / "device").resolve()
    if "virtual" in entry.resolve().parts or not (entry / "device" / "driver").exists():
        name = (entry / "name").read_text(encoding="utf-8", errors="replace").strip()
        return fail(
            "injection",
            f"{device} ({name}) is no camera on a bus: a program writes its pictures, "
            "and a film written there looks like a person",
            "Name the real camera in [camera] source, and run: sudo modprobe -r v4l2loopback",
        )
    driver = (entry / "device" / "driver").resolve().name
    status = device.stat()
    if status.st_mode & (stat.S_IWOTH | stat.S_IROTH):
        remedy = f"Run: sudo chmod 660 {device}"
        return warn("injection", f"everybody may open {device}", remedy)
    group = grp.getgrgid(status.st_gid).gr_name
    return ok(
        "injection",
        f"{device} is hardware ({driver} on {where.name}), open to the group {group}; "
        "a gadget that only pretends to be a camera looks the same",
    )
