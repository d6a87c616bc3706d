"""Whether the clock is set: what the kernel says, and a word where nobody may ask it."""

from __future__ import annotations

import ctypes
import errno
from typing import TYPE_CHECKING

import pytest

from edge import clock

if TYPE_CHECKING:
    from collections.abc import Callable


class Kernel:
    """Answers adjtimex as it is told."""

    def __init__(self, state: int) -> None:
        self._state = state

    def adjtimex(self, _: object) -> int:
        if self._state < 0:
            ctypes.set_errno(errno.EPERM)
        return self._state


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda state: monkeypatch.setattr(clock, "_LIBC", Kernel(state))


@pytest.mark.parametrize(("state", "trusted"), [(0, True), (4, True), (5, False)])
def test_the_kernel_says_whether_it_is_set(
    state: int, trusted: bool, kernel: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    kernel(state)
    assert clock.wall_trusted() is trusted
    assert not caplog.records


def test_a_sandbox_in_which_nobody_may_ask_is_told_once(
    kernel: Callable[[int], None], caplog: pytest.LogCaptureFixture
) -> None:
    kernel(-1)
    assert [clock.wall_trusted() for _ in range(3)] == [False] * 3
    (record,) = caplog.records
    assert (
        "nobody may ask here whether the clock is set (Operation not permitted)" in record.message
    )
