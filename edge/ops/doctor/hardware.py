"""Checks of camera, pins, and what the kernel does with a line whose process has died."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from edge.door.launch import on_a_pi
from edge.door.pins.rpi_api import LIBRARIES, library
from edge.errors import CameraError
from edge.installed import with_pins
from edge.ops.boot import boot_file, boot_lines, lines_in
from edge.ops.doctor.check import Check, fail, ok, warn
from edge.ops.doctor.system import ask_sight
from edge.vision.camera.sources import open_source
from edge.vocabulary import Reason
from edge.words import meaning

if TYPE_CHECKING:
    from types import ModuleType

    from edge.config import Config
    from edge.config.door import DoorSection

MODULES = Path("/sys/module")
_TRIES = 30
_NETWORKED = (
    "Look at the address in [camera] source. Under systemd sight reaches it with the drop-in "
    "systemd/edge-door-sight-rtsp.conf alone, which names it too."
)
_ALONE = (
    "See it with `sudo edge-door watch`; cover or move the picture or mirror, or turn the camera "
    "so that only who stands at the door is in view."
)


def camera(config: Config) -> Check:
    """It delivers a picture: sight says so, or, while sight is down, a try."""
    source = config.camera.source.split("://")[0]
    networked = source in ("rtsp", "rtsps")
    answer = ask_sight(config)
    if answer is not None:
        if answer.camera != "ok":
            remedy = (
                _NETWORKED if networked else "Look at its plug and cable, and at [camera] source."
            )
            return fail("camera", f"{source}: {answer.camera}", remedy)
        if answer.metrics.get("face_stays"):
            return warn("camera", f"{source}: {meaning(Reason.FACE_STAYS)}", _ALONE)
        sentence = "sight lends it to an enrolment"
        if not answer.camera_lent:
            sentence = "sight sees pictures from it"
    else:
        _try_camera(config)
        sentence = "it delivers pictures"
    if networked:
        sentence += "; the program that holds the face templates reaches the network for it"
        return warn("camera", sentence, "A USB or CSI camera would need no network.")
    return ok("camera", f"{source}: {sentence}")


def _try_camera(config: Config) -> None:
    source = open_source(config.camera)
    try:
        # Some cameras start with empty reads.
        if not any(source.read() is not None for _ in range(_TRIES)):
            raise CameraError(
                f"{config.camera.source.split('://')[0]} opens but delivers no picture. "
                "Is another program using it?"
            )
    finally:
        source.close()


def pins(config: Config) -> Check:
    """The backend's library imports, and the lock's lines are ours or free."""
    door = config.door
    if door.backend == "fake":
        sentence = "the pins are simulated; no lock is connected"
        return warn("pins", sentence, "Set [door] backend to rpi, jetson or gpiod, and the pins.")
    name = LIBRARIES.get(door.backend, "gpiod")
    try:
        module = library(door.backend) if door.backend in LIBRARIES else import_module(name)
    except Exception as error:  # noqa: BLE001 - what they like, where the board is not theirs
        sentence = f"{name} does not import: {error}"
        return fail("pins", sentence, f"Run: {with_pins(door.backend)}")
    if door.backend != "gpiod":
        return ok("pins", f"{name} is there; `edge-door door test` tries the wiring")
    try:
        taken = _taken(module, door)
    except FileNotFoundError:
        remedy = "Run gpiodetect to see the chips of this board, and set [door] chip."
        return fail("pins", f"{door.chip} does not exist", remedy)
    if taken:
        return fail("pins", "; ".join(taken), "Stop that program, or choose other lines.")
    return ok("pins", f"all {len(door.uses())} lines of {door.chip} are free or ours")


def _taken(gpiod: ModuleType, door: DoorSection) -> list[str]:
    with gpiod.Chip(door.chip) as chip:
        found = [(key, chip.get_line_info(line)) for key, line in door.uses()]
    return [
        f"{key} = {info.offset} is used by {info.consumer!r}"
        for key, info in found
        if info.used and info.consumer != "edge-door"
    ]


def outputs(config: Config) -> Check | None:
    """What becomes of an output when its process dies. Only a Raspberry Pi has to be told."""
    if config.door.backend == "fake" or not on_a_pi():
        return None
    return outputs_end_with_their_process(MODULES)


def boot(config: Config) -> Check | None:
    """A Raspberry Pi's boot lines are those that this configuration needs."""
    file = boot_file()
    return None if file is None or config.door.backend != "rpi" else boot_lines_follow(config, file)


def boot_lines_follow(config: Config, file: Path) -> Check:
    """Compare the lines in `file` with the configuration."""
    wanted, there = boot_lines(config), lines_in(file)
    if there == wanted:
        return ok("boot", f"{file} holds the lines that this configuration needs")
    sentence = f"{file} says {', '.join(there) or 'nothing'}, and should say {', '.join(wanted)}"
    return fail("boot", sentence, "Run: sudo edge-door boot apply, and restart the board.")


def outputs_end_with_their_process(modules: Path) -> Check:
    """Read the pin driver's parameter below `modules` (/sys/module)."""
    for parameter in sorted(modules.glob("pinctrl_*/parameters/persist_gpio_outputs")):
        if parameter.read_text(encoding="ascii").strip() in ("Y", "1"):
            return fail(
                "outputs",
                "this kernel keeps an output driven after its process has died: "
                "the door would stay open",
                "Run: sudo edge-door boot apply (it sets dtparam=strict_gpiod), and restart the "
                "board.",
            )
    return ok("outputs", "the kernel takes an output back when its process dies")
