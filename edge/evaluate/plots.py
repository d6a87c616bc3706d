"""Pictures of the figures. matplotlib comes with the extra `plot` and is imported when used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.errors import UsageError, reason_of
from edge.installed import with_extra

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from edge.evaluate.adapt import Trial
    from edge.evaluate.rule import GroupReport
    from edge.evaluate.verification import Report
    from edge.records import Floats, Pixels

_SAME, _DIFFERENT, _LINE = "#1b7f5c", "#b5482a", "#444444"
_POINTS = 600


def det_curve(report: Report, path: Path) -> None:
    """FNMR over FMR, both logarithmic, with the 95 % intervals (Martin et al. 1997).

    No error at all has no logarithm and is drawn as half a pair.
    """
    figure, axes = _figure(6.0, 4.5)
    pairs = len(report.impostors)
    fmr = np.geomspace(1 / pairs, 0.5, _POINTS)
    least = 0.5 / len(report.genuine.scores)
    fnmr = [report.genuine.fnmr(report.impostors.threshold(rate)) for rate in fmr]
    axes.plot(fmr, np.maximum(fnmr, least), color=_LINE, label=report.model)
    rates = np.array([float(name) for name in report.fnmr_at])
    values = np.array([[r.value, r.low, r.high] for r in report.fnmr_at.values()]).clip(least)
    inside = rates >= 1 / pairs
    spread = np.abs(values[:, 1:].T - values[:, 0])
    axes.errorbar(
        rates[inside],
        values[inside, 0],
        yerr=spread[:, inside],
        fmt="o",
        color=_DIFFERENT,
        capsize=3,
        label="95 % interval over people",
    )
    axes.set(xscale="log", yscale="log", xlabel="false match rate", ylabel="false non-match rate")
    axes.grid(visible=True, which="both", alpha=0.2)
    axes.legend()
    save(figure, path)


def histogram(report: Report, path: Path) -> None:
    """How similar the same and different people are, and where the threshold for 1e-3 lies."""
    figure, axes = _figure(6.0, 4.0)
    edges = np.linspace(-0.4, 1.0, 71).tolist()
    for name, scores, color in (
        ("different people", report.impostors.scores, _DIFFERENT),
        ("same person", report.genuine.scores, _SAME),
    ):
        axes.hist(scores, edges, density=True, alpha=0.6, color=color, label=name)
    threshold = report.fnmr_at["1e-3"].threshold
    axes.axvline(threshold, color=_LINE, linestyle="--", label=f"FMR 1e-3: {threshold:.3f}")
    axes.set(xlabel="similarity (cosine)", ylabel="density", title=report.model)
    axes.legend()
    save(figure, path)


def group_rates(groups: list[GroupReport], fmr: float, path: Path) -> None:
    """Each group's false-match rate with its 95 % interval, logarithmic, beside the one asked."""
    figure, axes = _figure(7.0, 0.6 + 0.3 * len(groups))
    least = fmr / 10
    values = np.array([[one.fmr.value, one.fmr.low, one.fmr.high] for one in groups]).clip(least)
    spread = np.abs(values[:, 1:].T - values[:, 0])
    places = np.arange(len(groups))[::-1]
    axes.errorbar(values[:, 0], places, xerr=spread, fmt="o", color=_DIFFERENT, capsize=3)
    axes.axvline(fmr, color=_LINE, linestyle="--", label=f"asked: {fmr:g}")
    axes.set_yticks(places, [one.name for one in groups])
    axes.set(xscale="log", xlabel="false match rate, strangers of one group")
    axes.grid(visible=True, axis="x", alpha=0.2)
    axes.legend()
    save(figure, path)


def before_and_after(trial: Trial, path: Path) -> None:
    """How far genuine pairs of people not learnt from lie above the threshold."""
    figure, axes = _figure(6.0, 4.0)
    edges = np.linspace(-0.6, 0.8, 57).tolist()
    for name, margins, color in zip(
        ("before", "after"), trial.scores, (_DIFFERENT, _SAME), strict=True
    ):
        axes.hist(margins, edges, density=True, alpha=0.6, color=color, label=name)
    axes.axvline(0, color=_LINE, linestyle="--", label="the threshold for FMR 1e-2")
    axes.set(xlabel="similarity above the threshold", ylabel="density")
    axes.legend()
    save(figure, path)


def comparison(faces: list[Pixels], vectors: list[Floats], verdict: str, path: Path) -> None:
    """Two aligned faces, their vectors as bands of colour, and what was found."""
    figure = figure_of(8.0, 4.2)
    grid = figure.add_gridspec(2, 2, width_ratios=(1, 3), hspace=0.15, wspace=0.05)
    reach = float(max(np.abs(vector).max() for vector in vectors))
    for row, (face, vector) in enumerate(zip(faces, vectors, strict=True)):
        picture = figure.add_subplot(grid[row, 0])
        picture.imshow(face)
        picture.set_axis_off()
        band = figure.add_subplot(grid[row, 1])
        band.imshow(vector[None], aspect="auto", cmap="RdBu_r", vmin=-reach, vmax=reach)
        band.set_yticks([])
        band.set_xlabel(f"{len(vector)} numbers" if row else "")
    figure.suptitle(verdict)
    save(figure, path)


def figure_of(width: float, height: float) -> Figure:
    """An empty figure; width and height in inches.

    Raises:
        UsageError: matplotlib is missing.
    """
    try:
        from matplotlib import figure
    except ImportError as error:
        raise UsageError(f"drawing needs matplotlib. Run: {with_extra('plot')}") from error
    return figure.Figure(figsize=(width, height), dpi=130, layout="constrained")


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = figure_of(width, height)
    return figure, figure.subplots()


def save(figure: Figure, path: Path) -> None:
    """Write a figure in the format of the path's ending.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"the picture {path} cannot be written: {reason_of(error)}") from error
