"""What every call goes through: arguments held against what they may be, one thread at a time."""

from __future__ import annotations

import functools
import inspect
import threading
from typing import TYPE_CHECKING

from edge.faces.arguments import refuse_wrong_values
from edge.vision.opencv import settled

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")

TURN = threading.RLock()
"""Interpreters of networks are for one thread, and OpenCV's settings are the process's."""


def checked(function: Callable[P, T]) -> Callable[P, T]:
    """Arguments of another kind are refused with a sentence, before anything is done."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checking(*args: P.args, **options: P.kwargs) -> T:
        refuse_wrong_values(function.__name__, signature.bind(*args, **options))
        return function(*args, **options)

    return checking


def one_at_a_time(function: Callable[P, T]) -> Callable[P, T]:
    """As `checked`, and calls of several threads wait for each other."""

    @functools.wraps(function)
    def taking_turns(*args: P.args, **options: P.kwargs) -> T:
        with TURN, settled():
            return function(*args, **options)

    return checked(taking_turns)
