"""Pictures of eyelid courses, one a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.evaluate.plots import figure_of, save

if TYPE_CHECKING:
    from pathlib import Path

    from edge.evaluate.liveness import Row, Trace


def draw(row: Row, trace: Trace, path: Path) -> None:
    """Opening of both eyes and how surely they are shut, with labelled and found blinks.

    Raises:
        UsageError: matplotlib is missing, or the file cannot be written.
    """
    figure = figure_of(12, 4)
    upper, lower = figure.subplots(2, sharex=True)
    shown = ~(trace.opening != trace.opening).any(axis=1)  # frames without a face are NaN
    frames = shown.nonzero()[0]
    for axes, values, name in ((upper, trace.opening, "opening"), (lower, trace.shut, "shut")):
        axes.plot(frames, values[shown, 0], label="right eye", color="#1b5c7f", linewidth=0.9)
        axes.plot(frames, values[shown, 1], label="left eye", color="#b5482a", linewidth=0.9)
        for first, last in trace.labelled:
            axes.axvspan(first - 0.5, last + 0.5, color="#e0b040", alpha=0.4, linewidth=0)
        for first, last in trace.found:
            axes.axvspan(first, last, ymax=0.06, color="#1b7f5c", linewidth=0)
        axes.set_ylabel(name)
    upper.set_ylim(0, 0.6)
    upper.legend(loc="upper right")
    lower.set_xlabel("frame; yellow: labelled blinks, green: found")
    upper.set_title(
        f"{row.file}, {row.kind} {row.species}: {row.found} of {row.labelled_blinks} blinks found, "
        f"{len(row.false)} false"
    )
    save(figure, path)
