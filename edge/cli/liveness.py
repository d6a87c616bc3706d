"""How well liveness tells people from pictures: evaluate liveness."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, complaints, read_config, show
from edge.cli.measure import evaluate_app
from edge.errors import UsageError
from edge.evaluate import traces
from edge.evaluate.liveness import evaluate_liveness

if TYPE_CHECKING:
    from edge.evaluate.intervals import Share
    from edge.evaluate.liveness import LivenessReport


@evaluate_app.command("liveness")
def liveness(  # noqa: PLR0913 - one option each
    clips: Annotated[Path, typer.Option(help="CSV list of labelled clips, with the clips.")],
    *,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.json and a picture of each clip.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=1, help="Resample clips to this rate; default: their own.")
    ] = None,
    attacks: Annotated[
        int, typer.Option(min=0, help="Attacks to make of each family from the genuine clips.")
    ] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Blinks found and missed, attacks and people accepted, on labelled clips."""
    settings = read_config(config)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=complaints, transient=True) as progress:
        task = progress.add_task("films", total=None)
        found = evaluate_liveness(
            clips,
            settings,
            fps=fps,
            attacks_each=attacks,
            jobs=jobs,
            advance=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if report is not None:
        _write(found, report)
    show(found.as_dict(), as_json=json, text=_table(found))


def _write(found: LivenessReport, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json_module.dumps(found.as_dict(), indent=2) + "\n"
        (folder / "report.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be written: {error.strerror}") from error
    for row in found.rows:
        traces.draw(row, found.traces[row.file], folder / f"{row.file}.png")


def _table(found: LivenessReport) -> Table:
    table = Table("figure", "value", "95 % interval", "of")
    _add(table, "labelled blinks found", found.recall)
    minutes = found.counted_s / 60
    rate = f"{found.false_blinks / minutes:.2f} a minute" if minutes else "-"
    table.add_row("false blinks", rate, "", f"{found.false_blinks} in {minutes:.1f} minutes")
    _add(table, "people refused (BPCER)", found.bpcer)
    for name, share in found.apcer.items():
        _add(table, f"attacks accepted (APCER), {name}", share)
    times = sorted(found.seconds_to_live)
    if times:
        table.add_row("median time to live", f"{times[len(times) // 2]:.1f} s", "", "")
    table.add_row("challenge guessed", f"{found.guess_probability:.2%}", "", "computed")
    return table


def _add(table: Table, name: str, share: Share) -> None:
    value = "-" if share.value is None else f"{share.value:.1%}"
    interval = f"{share.low:.1%} to {share.high:.1%}"
    table.add_row(name, value, interval, f"{share.hits} of {share.count}")
