"""The demo with a real camera and the person in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.ops.demo.broker import EmbeddedBroker, Subscriber
from edge.ops.demo.show import (
    PULSE_TOLERANCE_S,
    Announcer,
    Result,
    relay_pulses,
    run_door,
    write_config,
)
from edge.ops.enrol import collect_from_camera, save
from edge.records import EventKind, Reason
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_TRY_S = 60.0


def play_live(folder: Path, camera: str, say: Callable[[str], None]) -> Result:
    """Enrol whoever stands there, then open the fake door for them when they blink.

    Raises:
        EnrolmentError: nobody could be enrolled.
        CameraError: the camera cannot be opened, or ended.
    """
    with EmbeddedBroker() as broker:
        config, config_path = write_config(folder, camera, broker.port)
        stages = Stages.load(config)
        say("look at the camera, blink, then turn your head a little")
        said = ""

        def tell(_what: str, _done: int, hint: str) -> None:
            nonlocal said
            if hint != said:
                said = hint
                say(f"  {hint}")

        template = collect_from_camera(config, stages, tell).template("you")
        save(config, template)
        say(f"enrolled you from {len(template.vectors)} captures; blink to open the door")
        with Subscriber(config.mqtt, f"{config.mqtt.base_topic}/{config.device.id}/#") as reader:
            announcer = Announcer((), say, until_grant=True)
            events = run_door(config, config_path, _TRY_S, announcer)
            received = len(reader.received)
    pulses = relay_pulses(config)
    access = [e.event.reason for e in events if e.event.kind is EventKind.ACCESS]
    denied = [reason.value for reason in access if reason is not Reason.GRANTED]
    granted = len(access) - len(denied)
    problems = [] if granted else [f"no grant within {_TRY_S:g} s"]
    if any(pulse > config.door.pulse_s + PULSE_TOLERANCE_S for pulse in pulses):
        problems.append(f"relay pulses {pulses} s, longer than {config.door.pulse_s} s")
    counts = {reason: denied.count(reason) for reason in denied}
    return Result(granted, counts, pulses, received, not problems, problems)
