"""Known answers: two drawn faces that every network is shown before it is believed.

A runtime can compute something else than it was built to, and nothing notices: LiteRT 2.1.4 on the
newest ARM vector units gave one and the same vector for every face, and the door would have opened
for everybody. So, as cryptographic modules do, each network answers what is known already. The
answers were recorded when the file was made, in `known.json` beside it, by the SHA-256 of the file:
of each output up to 64 values for each of the two pictures, and how far an answer may lie from
them, in shares of the distance between the two.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge import plain
from edge.believed import read_believed
from edge.errors import ModelError, reason_of
from edge.files import replace_file
from edge.vision.models.entries import EmbedderEntry
from edge.vision.models.model import Model
from edge.vision.models.runtimes import available

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from edge.records import Floats, Pixels
    from edge.vision.models.entries import Entry

KNOWN = "known.json"
ADDED_KNOWN = "known-added.json"
"""The same of models that this installation's owner added."""

TOLERANCE = 0.25
"""Of the distance between the two answers, or twice what the runtimes differ by where that is more:
on x86-64 they agree to 0.0001 in float16, and to 0.12 in the int8 embedders."""
_VALUES = 64
_ALIKE = 0.5
"""Two faces must differ by this share of what they differed by when the answers were recorded."""
_UNKNOWN_ALIKE = 0.001
"""And to an embedder of which nothing was recorded, by this share of the answers' size."""
_LEAST = 1e-4
"""Of an output that is the same for both pictures: this share of its size counts as apart."""
_ODDS, _LEAST_ODDS = "attack", 1.0
"""Of the log-odds of an attack: less than this is no difference, not of two faces either."""

Answers = dict[str, list[list[float]]]
"""By output: the values for either picture."""


@dataclass(frozen=True, slots=True)
class Known:
    """What one file is known to answer."""

    answers: Answers
    tolerance: float


class WrongAnswerError(ModelError):
    """A network does not compute what it did when it was made: the runtime is not to be trusted."""


def pictures(width: int, height: int) -> tuple[Pixels, Pixels]:
    """Two different faces, drawn: RGB uint8 `(height, width, 3)`, the same on every machine."""
    return (
        _face(width, height, skin=(214, 168, 140), back=(90, 110, 70), eyes=38, brow=30, lips=150),
        _face(width, height, skin=(120, 82, 60), back=(200, 205, 215), eyes=44, brow=8, lips=70),
    )


def ask(model: Model[Entry]) -> Answers:
    """What a network says of the two pictures."""
    entry = model.entry
    given: Answers = {name: [] for name in entry.tensors}
    for picture in pictures(entry.input.width, entry.input.height):
        mirrored = np.ascontiguousarray(picture[:, ::-1])
        both = [picture, mirrored] * math.ceil(entry.input.pictures / 2)
        for name, value in model.run(*both[: entry.input.pictures]).items():
            given[name].append([float(number) for number in _sample(value)])
    return given


def check(model: Model[Entry], known: Known | None, runtime: str) -> None:
    """See that a network gives the known answers, and two answers for two faces.

    Raises:
        WrongAnswerError: it does not; names the runtime.
    """
    given = ask(model)
    for name, (one, other) in given.items():
        unknown = _UNKNOWN_ALIKE * _size(one) if isinstance(model.entry, EmbedderEntry) else 0.0
        wanted = _ALIKE * _told_apart(name, known.answers[name]) if known else unknown
        if not distance(one, other) >= wanted:  # not a number is no answer either
            raise _wrong(model.entry, runtime, "gives one answer for two different faces")
    if known is not None and not (off := furthest(given, known.answers)) <= known.tolerance:
        far = f"answers wrongly (off by {off:.2f}, allowed {known.tolerance:.2f})"
        raise _wrong(model.entry, runtime, far)


def furthest(given: Answers, known: Answers) -> float:
    """How far the worst answer lies from what is known, in shares of what two faces differ by."""
    return max(
        distance(mine, kept) / max(distance(*known[name]), _least(name, kept))
        for name, answers in given.items()
        for mine, kept in zip(answers, known[name], strict=True)
    )


def _least(name: str, kept: list[float]) -> float:
    return _LEAST_ODDS if name == _ODDS else max(_LEAST * _size(kept), _LEAST)


def _told_apart(name: str, known: list[list[float]]) -> float:
    """By how much the two faces differ; 0: by too little to say anything."""
    apart = distance(*known)
    return 0.0 if name == _ODDS and apart < _LEAST_ODDS else apart


def read_known(folder: Path) -> dict[str, Known]:
    """The answers kept beside the models, by the SHA-256 of the file that gave them.

    Raises:
        ModelError: a file of answers is damaged.
    """
    found: dict[str, Known] = {}
    for name in (ADDED_KNOWN, KNOWN):
        path = folder / name
        try:
            found |= plain.read(dict[str, Known], json.loads(read_believed(path)))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(
                f"the known answers {path} cannot be read: {reason_of(error)}."
            ) from error
    return found


def remember(entry: Entry, folder: Path) -> None:
    """Record the answers of a file that was added, beside the others'.

    Raises:
        ModelError: the file of answers is damaged or cannot be written.
    """
    path = folder / ADDED_KNOWN
    try:
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        text = json.dumps({**before, **json.loads(record([entry]))})
        replace_file(path, text.encode(), 0o644)
    except (OSError, ValueError, TypeError) as error:
        raise _not_written(path, error) from error


def forget(entry: Entry, folder: Path) -> None:
    """Drop the answers of a file that was added.

    Raises:
        ModelError: the file of answers is damaged or cannot be written.
    """
    path = folder / ADDED_KNOWN
    try:
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        if kept.pop(entry.sha256, None) is not None:
            replace_file(path, json.dumps(kept).encode(), 0o644)
    except (OSError, ValueError, AttributeError) as error:
        raise _not_written(path, error) from error


def record(entries: Iterable[Entry]) -> str:
    """The text of `known.json` for these files: their answers in the best runtime here."""
    best, *others = available()
    lines = []
    for entry in entries:
        answers = {
            name: [[float(f"{number:.5g}") for number in values] for values in pair]
            for name, pair in ask(Model(entry, best)).items()
        }
        differ = [furthest(ask(Model(entry, other)), answers) for other in others]
        tolerance = max(TOLERANCE, *(2 * off for off in differ), 0.0)
        kept = {"name": entry.name, "tolerance": round(tolerance, 3), "answers": answers}
        lines.append(f"{json.dumps(entry.sha256)}: {json.dumps(kept, separators=(',', ':'))}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _not_written(path: Path, error: Exception) -> ModelError:
    return ModelError(f"the known answers {path} cannot be written: {reason_of(error)}.")


def _wrong(entry: Entry, runtime: str, what: str) -> WrongAnswerError:
    return WrongAnswerError(
        f"The network {entry.name} {what} in the runtime {runtime} on this machine, so nothing it "
        "says is believed. Install another version of the runtime, or the other one, and set "
        "[models] runtime."
    )


def _sample(value: Floats) -> Floats:
    flat = value.ravel()
    return flat[np.linspace(0, flat.size - 1, min(flat.size, _VALUES)).astype(int)]


def _size(answer: list[float]) -> float:
    return float(np.linalg.norm(answer))


def distance(one: list[float], other: list[float]) -> float:
    """Euclidean, of two answers."""
    return float(np.linalg.norm(np.subtract(one, other)))


def _face(  # noqa: PLR0913 - what a drawn face has
    width: int,
    height: int,
    *,
    skin: tuple[int, int, int],
    back: tuple[int, int, int],
    eyes: int,
    brow: int,
    lips: int,
) -> Pixels:
    """Whole numbers alone, in hundredths of the picture: no library's rounding is in it."""
    y, x = np.mgrid[0:height, 0:width]
    x, y = x * 100 // width, y * 100 // height
    canvas = np.zeros((height, width, 3), np.int64) + back

    def oval(at: tuple[int, int], across: int, down: int, colour: tuple[int, ...]) -> None:
        inside = ((x - at[0]) * down) ** 2 + ((y - at[1]) * across) ** 2 <= (across * down) ** 2
        canvas[inside] = colour

    oval((50, 52), 34, 44, skin)
    for side in (-1, 1):
        middle = 50 + side * (eyes // 2 - 3)
        oval((middle, 42), 8, 4, (235, 235, 235))
        oval((middle, 42), 3, 4, (40, 30, 25))
        oval((middle, 33), 9, 2, (brow, brow, brow))
    oval((50, 58), 4, 8, tuple(3 * part // 4 for part in skin))
    oval((50, 74), 12, 4, (lips, lips // 3, lips // 3))
    shade = 100 + (x - 50) // 2  # light from one side
    return np.clip(canvas * shade[:, :, None] // 100, 0, 255).astype(np.uint8)
