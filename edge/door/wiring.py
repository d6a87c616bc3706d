"""Trying the wires, with no guard running. `python -m edge.door.wiring SETTINGS [SECONDS]`.

It unlocks for a moment, lights each lamp, and then tells what the switches and readers do. The
lock's lines are guarded by a warden as in the guard itself.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from edge.door.holding import lock_lines
from edge.door.inputs import Debounced
from edge.door.machine import Door, Drive
from edge.door.readers import open_readers
from edge.door.settings import GuardSettings
from edge.door.warden import BEAT_S
from edge.errors import EdgeDoorError
from edge.interrupt import take
from edge.wire.messages import Credential

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.door.outputs import Outputs
    from edge.door.pins import Pins
    from edge.door.warden import Warden
    from edge.wire.messages import Presented

CLICK_S = 0.5
WATCH_S = 30.0
TURN_S = 0.01

MEANINGS = {
    "contact": ("the door is closed", "the door is open"),
    "rex": ("the exit button is pressed", "the exit button is not pressed"),
    "tamper": ("the case is open", "the case is closed"),
    "fire": ("fire: free exit", "no fire"),
    "interlock": ("the other door is open or unlocked", "the other door is closed and locked"),
}


def try_wiring(settings: GuardSettings, watch_s: float = WATCH_S) -> Iterator[str]:
    """Click the lock, light the lamps, and watch the inputs; yields what it does and sees.

    Raises:
        WireError: a guard serves this door; stop it first.
        PinError: a line cannot be used.
    """
    with lock_lines(settings) as (pins, outputs, warden):
        outputs.claim_others()
        yield from _click(outputs, settings, warden)
        for name, pin in settings.lamps.items():
            yield f"line {pin.line}: {name} is on for {CLICK_S:g} s"
            outputs.light(frozenset({name}))
            _pause(warden, CLICK_S)
        outputs.light(frozenset())
        yield from _watch(pins, settings, warden, watch_s)


def _pause(warden: Warden, seconds: float) -> None:
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        warden.beat(now)
        time.sleep(min(BEAT_S, end - now))


def _click(outputs: Outputs, settings: GuardSettings, warden: Warden) -> Iterator[str]:
    yield f"line {settings.relay.line}: the lock opens for {CLICK_S:g} s; listen, or pull the door"
    outputs.drive(Door(drive=Drive.UNLOCK))
    _pause(warden, CLICK_S)
    outputs.drive(Door(drive=Drive.REST))
    if settings.relock:
        run_s = settings.rules.throw_s
        yield f"line {settings.relock.line}: the motor runs shut for {run_s:g} s"
        outputs.drive(Door(drive=Drive.RELOCK))
        _pause(warden, run_s)
        outputs.drive(Door(drive=Drive.REST))


def _watch(pins: Pins, settings: GuardSettings, warden: Warden, watch_s: float) -> Iterator[str]:
    switches = {}
    for name, pin in settings.inputs.items():
        pins.claim_input(pin)
        switches[name] = Debounced(settings.debounce_s, on=pins.read(pin.line))
        yield _sight(settings, name, on=switches[name].on)
    readers = open_readers(settings.readers, pins)
    yield f"press, open and present what there is; {watch_s:g} s"
    silent = set(switches)
    end = time.monotonic() + watch_s
    beat_at = 0.0
    while (now := time.monotonic()) < end:
        if now >= beat_at:
            beat_at = now + BEAT_S
            warden.beat(now)
        for name, switch in switches.items():
            if switch.update(now, on=pins.read(settings.inputs[name].line)):
                silent.discard(name)
                yield _sight(settings, name, on=switch.on)
        edges = pins.edges()
        for reader in readers:
            yield from map(_shown, reader.claims(edges, now))
        time.sleep(TURN_S)
    for name in sorted(silent):
        yield f"line {settings.inputs[name].line}: {name} did not change"


def _sight(settings: GuardSettings, name: str, *, on: bool) -> str:
    return f"line {settings.inputs[name].line}: {MEANINGS[name][0 if on else 1]}"


def _shown(presented: Presented) -> str:
    value = presented.value
    is_card = presented.credential is Credential.CARD
    return f"card {value}" if is_card else f"a PIN of {len(value)} digits"


def main() -> int:
    """Entry point: exit code 0, or 1 when the lines cannot be used."""
    settings = GuardSettings.from_json(sys.argv[1])
    watch_s = float(sys.argv[2]) if sys.argv[2:] else WATCH_S
    try:
        take()
        for line in try_wiring(settings, watch_s):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    except EdgeDoorError as error:
        sys.stderr.write(f"edge-door: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
