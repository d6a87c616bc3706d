"""Labelled clips: a CSV list, the films beside it, and how a camera would have sampled them."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from edge.config.seeing import CameraSection
from edge.errors import CameraError, UsageError, reason_of
from edge.evaluate.tables import read_table
from edge.records import Frame
from edge.vision.camera.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from edge.records import Pixels

Span = tuple[int, int]
"""First and last frame, 0-based, both included."""
_COLUMNS = {"file", "person", "kind", "species", "fps", "blinks", "labelled", "notes"}
_PARTIAL = re.compile(r"half|partial|likely|possible|flutter|unclear")


@dataclass(frozen=True, slots=True)
class Clip:
    """One row of the list."""

    path: Path
    person: str
    genuine: bool
    species: str
    fps: float
    blinks: tuple[tuple[int, int, int], ...]
    """Start, shut and end frames."""
    excused: tuple[Span, ...]
    """Partial blinks that the notes name."""
    labelled: bool
    """Whether all blinks in it are listed."""
    source: str = ""
    """Where it is from, without its own name there; rates are given by source as well."""
    rotate: int = 0
    """Quarter turns counter-clockwise until the face stands upright, in degrees."""


def read_clips(path: Path) -> list[Clip]:
    """The clips of a CSV file; they lie beside it.

    Raises:
        UsageError: it cannot be read, or a row is not what it should be.
    """
    try:
        rows = read_table(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the list of clips {path} cannot be read: {reason_of(error)}") from error
    missing = _COLUMNS - set(rows[0] if rows else ())
    if missing:
        raise UsageError(f"{path} has no column {', '.join(sorted(missing))}, or no row.")
    clips = []
    for number, row in enumerate(rows, start=2):
        try:
            clips.append(_clip(path.parent, row))
        except ValueError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
    return clips


def _clip(folder: Path, row: dict[str, str]) -> Clip:
    if row["kind"] not in {"genuine", "attack"}:
        raise ValueError(f"kind is genuine or attack, not {row['kind']!r}")
    fps = float(row["fps"].replace(",", "."))
    if not 0 < fps < inf:
        raise ValueError(f"fps is the film's frames a second, not {row['fps']!r}")
    rotate = int(row.get("rotate") or 0)
    if rotate % 90:
        raise ValueError(f"rotate is 0, 90, 180 or 270 degrees, not {rotate}")
    blinks = []
    for text in filter(None, row["blinks"].split(";")):
        numbers = [int(part) for part in text.split("-")]
        if len(numbers) != 3:
            raise ValueError(f"a blink is START-SHUT-END, not {text!r}")
        blinks.append((numbers[0], numbers[1], numbers[2]))
    return Clip(
        path=folder / row["file"],
        person=row["person"],
        genuine=row["kind"] == "genuine",
        species=row["species"],
        fps=fps,
        blinks=tuple(blinks),
        excused=_excused(row["notes"]),
        labelled=row["labelled"] == "y",
        source=_collection(row.get("source") or row["person"]),
        rotate=rotate,
    )


def _collection(source: str) -> str:
    """Of `OWNER/NAME path/file`, what clips of one origin share."""
    return source.split(" ", maxsplit=1)[0].split("/", maxsplit=1)[0]


def _excused(notes: str) -> tuple[Span, ...]:
    """Frames `A-B` or `A-B-C` in clauses of the notes that speak of partial or doubtful blinks."""
    spans = []
    for clause in re.split(r"[;,]", notes):
        if _PARTIAL.search(clause):
            for text in re.findall(r"\d+(?:-\d+)+", clause):
                numbers = [int(part) for part in text.split("-")]
                spans.append((numbers[0], numbers[-1]))
    return tuple(spans)


def film(clip: Clip) -> Iterator[Pixels]:
    """The frames of a clip, RGB, upright.

    Raises:
        CameraError: it cannot be opened.
    """
    if not clip.path.is_file():
        raise CameraError(f"the clip {clip.path} cannot be opened. Is it beside the list?")
    # The list says how its pictures as they are stored are to be turned.
    source = open_source(CameraSection(source=str(clip.path)), upright=False)
    try:
        while (pixels := source.read()) is not None:
            yield np.ascontiguousarray(np.rot90(pixels, clip.rotate // 90))
    finally:
        source.close()


def sampled(frames: Iterable[Pixels], fps: float, wanted: float | None) -> Iterator[Frame]:
    """The frames that a camera of `wanted` frames a second would have seen; None: all."""
    due = 0.0
    for number, pixels in enumerate(frames):
        if wanted is not None and wanted < fps:
            if number < int(due):
                continue
            due += fps / wanted
        yield Frame(pixels, number / fps, number)
