"""Two pictures, and how fast it is here: verify, bench."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import (
    ConfigOption,
    JsonOption,
    ModelOption,
    app,
    believed_config,
    complaints,
    read_config,
    show,
    with_model,
)
from edge.cli.places import to_draw, to_fill, to_look_in, to_read
from edge.errors import UsageError, reason_of
from edge.evaluate import plots
from edge.evaluate.bench import STEPS, Bench
from edge.evaluate.bench import bench as measure_speed
from edge.evaluate.peers import Taken, beside
from edge.evaluate.tune import tune as tune_threads
from edge.faces import FaceReader
from edge.faces import verify as verify_pictures
from edge.faces.reader import PICTURES_FMR
from edge.ops.owner import acting_as_owner, become_owner
from edge.vision.models.threads import keep, tuned_file
from edge.vision.pictures import read_image

if TYPE_CHECKING:
    from edge.config import Config

DIFFERENT = 3
"""Exit code of `verify` for two people: neither done as hoped nor failed."""

_BAR = 40  # characters of the longest bar


@app.command()
def verify(
    one: Annotated[Path, typer.Argument(help="A picture of one person.", callback=to_read)],
    other: Annotated[Path, typer.Argument(help="Another.", callback=to_read)],
    *,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the comparison into this PNG.", callback=to_draw)
    ] = None,
    model: ModelOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Do two pictures show the same person?

    Exit code 0: the same; 3: not the same; 1: they cannot be compared. `--json` has the fields of
    Python's `verify`: `similarity` against `required`, or `distance` against `threshold`.
    """
    settings = with_model(believed_config(config), model)
    found = verify_pictures(one, other, config=settings)
    relation = "the same person" if found.verified else "not the same person"
    verdict = (
        f"{relation}: similarity {found.similarity:.3f}, needed {found.required:.3f} "
        f"(at most 1 in {1 / PICTURES_FMR:,.0f} strangers passes)"
    )
    if plot is not None:
        _draw(one, other, f"{verdict}\ncosine distance {found.distance:.3f}", plot, settings)
    told = {"ok": found.verified, **found}
    show(told, as_json=json, text=verdict[0].upper() + verdict[1:])
    if not found.verified:
        raise typer.Exit(DIFFERENT)


def _draw(one: Path, other: Path, verdict: str, path: Path, config: Config) -> None:
    reader = FaceReader(config)
    looks = [reader.only(read_image(image), str(image)) for image in (one, other)]
    vectors = [reader.embed(look).vector for look in looks]
    plots.comparison([look.aligned.pixels for look in looks], vectors, verdict, path)


@app.command()
def bench(
    *,
    threads: Annotated[
        int, typer.Option(min=1, max=16, help="Threads of one inference, where --tune kept none.")
    ] = 1,
    steps: Annotated[int, typer.Option(min=10, help="Frames to measure.")] = STEPS,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of portraits; default: two from Python packages.", callback=to_look_in
        ),
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Beside dlib, MediaPipe and OpenCV, where installed.")
    ] = False,
    tune: Annotated[
        bool, typer.Option("--tune", help="Find the threads of each network, and keep them here.")
    ] = False,
    yunet: Annotated[
        Path | None, typer.Option(help="With --peers: YuNet's ONNX file.", callback=to_read)
    ] = None,
    sface: Annotated[
        Path | None, typer.Option(help="With --peers: SFace's ONNX file.", callback=to_read)
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """How fast every stage is on this machine, next to the models in floating point.

    Of the default embedder's two networks one is shipped in floating point.
    """
    settings = read_config(config)
    models = settings.models.model_copy(update={"threads": threads})
    settings = settings.model_copy(update={"models": models})
    if tune:
        _tune(settings, json=json)
        return
    if (yunet is None) != (sface is None):
        raise UsageError("--yunet and --sface belong together")
    if peers:
        onnx = (yunet, sface) if yunet and sface else None
        with complaints.status("measuring"):
            taken = beside(settings, images, steps, onnx)
        result = {"peers": [asdict(one) for one in taken], "steps": steps}
        show(result, as_json=json, text=_side_by_side(taken))
        return
    with complaints.status("measuring"):
        measured = measure_speed(settings, images, steps)
    show(measured.as_dict(), as_json=json, text=_speed(measured))


def _tune(config: Config, *, json: bool) -> None:
    with acting_as_owner(config.paths.state):
        to_fill(tuned_file(config).parent)
    with complaints.status("measuring"):
        found = tune_threads(config)
    become_owner(config.paths.state)
    try:
        keep(config, {one.sha256: one.threads for one in found})
    except OSError as error:
        raise UsageError(f"{tuned_file(config)} cannot be written: {reason_of(error)}.") from error
    table = Table("network", "threads", "median on 1, 2, ...", title=str(tuned_file(config)))
    for one in found:
        table.add_row(one.model, str(one.threads), ", ".join(f"{ms:.2f} ms" for ms in one.ms))
    tuned = [{"model": one.model, "threads": one.threads, "ms": one.ms} for one in found]
    show({"file": str(tuned_file(config)), "tuned": tuned}, as_json=json, text=table)


def _side_by_side(taken: list[Taken]) -> Table:
    longest = max(one.mean_ms for one in taken)
    table = Table("", "what it says", "mean", "median", "", title="processor time a frame")
    for one in taken:
        bar = "\u2588" * max(1, round(_BAR * one.mean_ms / longest))
        table.add_row(one.name, one.does, f"{one.mean_ms:.2f} ms", f"{one.median_ms:.2f} ms", bar)
    return table


def _speed(measured: Bench) -> Table:
    title = f"{measured.runtime}, {measured.threads} thread(s), {measured.steps} frames"
    table = Table("stage", "median", "95 %", "99 %", "in float where shipped", "model", title=title)
    models = measured.chosen.models
    by_stage = {
        "detect": models["detector"],
        "landmarks": models["landmarks"],
        "eyelids": models["eyelids"],
        "embed": models["embedder"],
    }
    for name, timing in (measured.chosen.stages | {"whole step": measured.chosen.step}).items():
        in_float = measured.floats.stages.get(name, measured.floats.step)
        figures = (timing.p50, timing.p95, timing.p99, in_float.p50)
        table.add_row(name, *(f"{ms:.2f} ms" for ms in figures), by_stage.get(name, ""))
    for runtime, (chosen, floats) in measured.others.items():
        figures = (chosen.step.p50, chosen.step.p95, chosen.step.p99, floats.step.p50)
        table.add_row(f"whole step, {runtime}", *(f"{ms:.2f} ms" for ms in figures), "")
    for name, timing in measured.embedders.items():
        spans = (timing.p50, timing.p95, timing.p99)
        table.add_row(name, *(f"{ms:.2f} ms" for ms in spans), "", "face to vector")
    table.add_row("outside the kernels", f"{measured.overhead_share:.1%}")
    table.add_row("loading", f"{measured.load_ms:.0f} ms")
    table.add_row("memory", f"{measured.rss_mb:.0f} MiB")
    return table
