"""Whatever happens to the guard in whatever state: the relay goes off in time."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edge.door.warden import SILENCE_S
from edge.records import Reason
from edge.wire.messages import AskState, LockState, State
from tests.support.guarding import CONTACT, RELAY, REX, RunningGuard
from tests.support.waiting import PATIENCE_S

PROGRAM = str(Path(__file__).parents[1] / "support" / "faulty_guard.py")
STATES = ("LOCKED", "UNLOCKING", "UNLOCKED", "OPEN", "HELD", "FORCED", "FAULT")
FAULTS = ("SIGKILL", "SIGSTOP", "SIGSEGV", "exit", "_exit", "exception", "memory")
SEEDS = 5
KILL_S = 0.1
FREEZE_S = 2.0


def bring_to(guard: RunningGuard, state: str) -> None:
    """Lead the door into a state; with the relay energised where the state allows that."""
    if state == "FORCED":
        guard.board.set_input(CONTACT, high=True)
    elif state == "FAULT":
        guard.board.set_input(RELAY, high=True)  # a short circuit
        guard.hear(State, lock=LockState.FAULT)
        guard.board.set_input(REX, high=False)
        guard.happened(Reason.UNLOCKED)
        return
    elif state == "LOCKED":
        guard.say(AskState())
    else:
        guard.unlock()
        if state in ("OPEN", "HELD"):
            guard.happened(Reason.UNLOCKED)
            guard.board.set_input(CONTACT, high=True)
    guard.hear(State, lock=LockState(state))


def strike(guard: RunningGuard, fault: str) -> None:
    number = getattr(signal, fault, signal.SIGUSR1)
    guard.process.send_signal(number)


def one_run(state: str, fault: str, seed: int) -> tuple[float, float, float]:
    """How long the relay was on past the pulse, past the fault, and the machine's part, seconds."""
    chance = random.Random(f"{state} {fault} {seed}")
    program = (PROGRAM, fault if fault.islower() else "exit")
    with RunningGuard(program=program) as guard:
        guard.hear(State)
        bring_to(guard, state)
        time.sleep(chance.uniform(0.0, 0.08 if state == "UNLOCKING" else 0.3))
        struck_at = time.monotonic()
        strike(guard, fault)
        code = guard.process.wait(timeout=PATIENCE_S)
        guard.wait_off()
        assert code != 0
        changes = guard.board.changes(RELAY)
        assert not changes[-1].on
        pulse_s = guard.settings.rules.pulse_s
        past_pulse = max([0.0, *(pulse - pulse_s for pulse in guard.board.pulses(RELAY))])
        last_on = max((change.at for change in changes if change.on), default=0.0)
        off_at = min(change.at for change in changes if not change.on and change.at > last_on)
        return past_pulse, max(0.0, off_at - struck_at), guard.late(0.0)


def check(state: str, fault: str, seed: int) -> tuple[float, float]:
    past_pulse, past_fault, late = one_run(state, fault, seed)
    allowed = late + (FREEZE_S if fault == "SIGSTOP" else KILL_S)
    assert past_pulse <= allowed, f"{state}, {fault}, {seed}: on {past_pulse:.3f} s past the pulse"
    assert past_fault <= allowed, (
        f"{state}, {fault}, {seed}: off {past_fault:.3f} s after the fault"
    )
    return past_pulse, past_fault


@pytest.mark.parametrize("fault", FAULTS)
def test_the_relay_goes_off_after_every_fault_while_energised(fault: str) -> None:
    check("UNLOCKED", fault, seed=0)


@pytest.mark.parametrize("state", STATES)
def test_the_relay_goes_off_after_a_kill_in_every_state(state: str) -> None:
    check(state, "SIGKILL", seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_fault_in_every_state(capsys: pytest.CaptureFixture[str]) -> None:
    runs = [(state, fault, seed) for state in STATES for fault in FAULTS for seed in range(SEEDS)]
    assert len(runs) >= 200
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda run: check(*run), runs))
    for kind in ("kill", "freeze"):
        of_kind = [
            result
            for run, result in zip(runs, results, strict=True)
            if (run[1] == "SIGSTOP") == (kind == "freeze")
        ]
        past_pulse, past_fault = (max(column) for column in zip(*of_kind, strict=True))
        with capsys.disabled():
            print(
                f"\n{kind}: {len(of_kind)} runs; relay on at most {past_pulse:.3f} s past the "
                f"pulse, {past_fault:.3f} s past the fault"
            )


def test_the_guard_does_not_run_without_its_warden() -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
        killed_at = time.monotonic()
        os.kill(guard.warden(), signal.SIGKILL)
        assert guard.process.wait(timeout=PATIENCE_S) == 1
        assert time.monotonic() - killed_at < guard.late(1)
        assert not guard.board.on(RELAY)


def test_a_frozen_warden_ends_the_guard() -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        os.kill(guard.warden(), signal.SIGSTOP)
        stopped_at = time.monotonic()
        assert guard.process.wait(timeout=PATIENCE_S) == 1
        assert time.monotonic() - stopped_at < guard.late(2 * SILENCE_S)
        assert guard.process.stderr
        assert "the warden does not answer" in guard.process.stderr.read()
        assert not guard.board.on(RELAY)


def test_ctrl_z_does_not_stop_the_end_of_a_pulse() -> None:
    with RunningGuard() as guard:
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
        for pid in (guard.process.pid, guard.warden()):
            os.kill(pid, signal.SIGTSTP)
        guard.happened(Reason.LOCKED)
        assert guard.board.pulses(RELAY) == [guard.lasting(0.6, KILL_S)]


def fill(pipe: str) -> None:
    log = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(log, b"x" * 4096)
    os.close(log)


@pytest.mark.parametrize("fault", ["SIGSTOP", "exception"])
def test_a_log_that_nobody_reads_holds_up_neither_guard_nor_warden(fault: str) -> None:
    with RunningGuard(program=(PROGRAM, "exception")) as guard:
        guard.hear(State)
        fill(f"/proc/{guard.process.pid}/fd/2")
        guard.hang_up()  # of which it would like to tell
        time.sleep(0.1)
        guard.unlock()
        guard.happened(Reason.LOCKED)
        assert guard.board.pulses(RELAY) == [guard.lasting(0.6, KILL_S)]
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
        strike(guard, fault)
        assert guard.process.wait(timeout=PATIENCE_S) != 0
        guard.wait_off()


def test_a_restarted_guard_begins_with_the_relay_off() -> None:
    with RunningGuard() as guard:
        guard.hear(State)
        guard.unlock()
        guard.happened(Reason.UNLOCKED)
        guard.process.kill()
        guard.process.wait()
        guard.hang_up()
        assert guard.process.stderr
        guard.process.stderr.close()
        guard.process = guard.start()
        own = [each for each in guard.board.changes(RELAY) if each.pid == guard.process.pid]
        assert not own[0].on
        assert guard.hear(State).relay is False
