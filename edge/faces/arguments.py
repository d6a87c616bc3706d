"""What the arguments of the Python interface may be, and a sentence for what they are not."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np

from edge.config import Config
from edge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from inspect import BoundArguments

    Check = Callable[[object], bool]


_WHOLE, _NUMBER = (int, np.integer), (int, float, np.integer, np.floating)
_FARTHEST = 2.0
"""Of unit vectors, in each of the metrics."""


def _flag(value: object) -> bool:
    return isinstance(value, bool | np.bool_)


def _text(value: object) -> bool:
    return isinstance(value, str) and (not value or value.isprintable())


def _path(value: object) -> bool:
    return isinstance(value, str | PathLike)


_WANTED: dict[str, tuple[Check, str]] = {
    "actions": (
        lambda value: isinstance(value, Sequence) and all(map(_text, value)),
        "a word, or several in a list",
    ),
    "config": (
        lambda value: isinstance(value, Config),
        "an `edge.config.Config`, such as `edge.config.load(PATH)` gives",
    ),
    "db_path": (_path, "the path of a folder of pictures"),
    "detector_backend": (_text, "the name of a detector"),
    "distance_metric": (_text, "cosine, euclidean or euclidean_l2"),
    "enforce_detection": (_flag, "True or False"),
    "max_faces": (
        lambda value: isinstance(value, _WHOLE) and bool(value >= 1),
        "a whole number from 1 on",
    ),
    "model_name": (_text, "the name of an embedder"),
    "silent": (_flag, "True or False"),
    "source": (
        lambda value: _path(value) or (isinstance(value, _WHOLE) and bool(value >= 0)),
        "what `[camera] source` takes, or the number of a V4L2 device",
    ),
    "threshold": (
        lambda value: isinstance(value, _NUMBER) and bool(0 <= value <= _FARTHEST),
        "a distance of unit vectors: a number from 0 to 2",
    ),
}
"""By the argument's name, which means the same in every function."""


def refuse_wrong_values(function: str, given: BoundArguments) -> None:
    """Hold what was given against what each argument may be; None where that is the default.

    Raises:
        UsageError: one is something else; says what it should be.
    """
    for name, value in given.arguments.items():
        if name in _WANTED and value is not given.signature.parameters[name].default:
            fits, wanted = _WANTED[name]
            if not fits(value):
                raise UsageError(f"{function}({name}={_short(value)}): {name} is {wanted}.")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
