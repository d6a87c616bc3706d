"""How well liveness tells people from pictures: evaluate liveness."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, progress, read_config, show, write_report
from edge.cli.measure.accuracy import evaluate_app
from edge.cli.places import to_fill, to_read
from edge.errors import UsageError
from edge.evaluate import traces
from edge.evaluate.attacks import FAMILIES
from edge.evaluate.liveness import REPLAYS, Plan, evaluate_liveness
from edge.evaluate.liveness.crops import evaluate_crops

if TYPE_CHECKING:
    from edge.config import Config
    from edge.evaluate.intervals import Median, Share
    from edge.evaluate.liveness import LivenessReport

_FAMILIES = [*FAMILIES, REPLAYS]


@evaluate_app.command("liveness")
def liveness(
    *,
    clips: Annotated[
        Path | None,
        typer.Option(help="CSV list of labelled clips, with the clips.", callback=to_read),
    ] = None,
    crops: Annotated[
        Path | None,
        typer.Option(
            help="Archive (.npz) of face crops, for the passive checks alone.", callback=to_read
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(help="Folder for report.json and a picture of each clip.", callback=to_fill),
    ] = None,
    fps: Annotated[
        float | None, typer.Option(min=1, help="Resample clips to this rate; default: their own.")
    ] = None,
    attacks: Annotated[
        int, typer.Option(min=0, help="Attacks to make of each family from the genuine clips.")
    ] = 0,
    family: Annotated[
        list[str] | None,
        typer.Option(help=f"One of {', '.join(_FAMILIES)}; may be repeated. Default: all."),
    ] = None,
    first: Annotated[
        int,
        typer.Option(min=0, help="Number of each family's first attack: to make them in pieces."),
    ] = 0,
    only_attacks: Annotated[
        bool,
        typer.Option("--only-attacks", help="The clips lend their people, and are not judged."),
    ] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Blinks found and missed, attacks and people accepted, on labelled clips or stored crops."""
    settings = read_config(config)
    if crops is not None and clips is None:
        _show_crops(crops, settings, report, as_json=json)
        return
    if clips is None or crops is not None:
        raise UsageError("name either --clips LIST.csv or --crops FILE.npz")
    with progress("films") as update:
        found = evaluate_liveness(
            clips,
            settings,
            Plan(
                fps,
                dict.fromkeys(family or _FAMILIES, range(first, first + attacks)),
                judged=not only_attacks,
            ),
            jobs=jobs,
            advance=lambda done, total: update(completed=done, total=total),
        )
    if report is not None:
        write_report(found.as_dict(), report)
        for row in found.rows:
            traces.draw(row, found.traces[row.file], report / f"{row.file}.png")
    show(found.as_dict(), as_json=json, text=Group(_table(found), _by_source(found)))


def _show_crops(path: Path, settings: Config, report: Path | None, *, as_json: bool) -> None:
    with progress("crops") as update:
        found = evaluate_crops(
            path, settings, lambda done, total: update(completed=done, total=total)
        )
    if report is not None:
        write_report(found.as_dict(), report)
    table = Table("source", "AUC", "living faces doubted (BPCER)", "attacks not doubted (APCER)")
    for name, rates in (*found.by_source.items(), ("all", found.all)):
        auc = "-" if rates.auc is None else f"{rates.auc:.3f}"
        table.add_row(name, auc, _rate(rates.bpcer), _rate(rates.apcer))
    show(found.as_dict(), as_json=as_json, text=table)


def _rate(share: Share) -> str:
    if share.value is None:
        return "-"
    return f"{share.value:.1%} ({share.low:.1%} to {share.high:.1%}; {share.hits} of {share.count})"


def _table(found: LivenessReport) -> Table:
    table = Table("figure", "value", "95 % interval", "of")
    _add(table, "labelled blinks found", found.recall)
    minutes = found.counted_s / 60
    rate = f"{found.false_blinks / minutes:.2f} a minute" if minutes else "-"
    table.add_row("false blinks", rate, "", f"{found.false_blinks} in {minutes:.1f} minutes")
    _add(table, "people refused (BPCER)", found.rates.bpcer)
    _add(table, "people asked for more", found.rates.challenged)
    for name, share in found.apcer.items():
        _add(table, f"attacks accepted (APCER), {name}", share)
    table.add_row("median time to live", *_seconds(found.rates.live_s))
    table.add_row("challenge guessed", f"{found.guess_probability:.2%}", "", "computed")
    return table


def _by_source(found: LivenessReport) -> Table:
    table = Table("source", "refused", "asked", "attacks accepted", "time to live")
    for name, rates in found.by_source.items():
        shares = (rates.bpcer, rates.challenged, rates.apcer)
        texts = (f"{one.hits} of {one.count}" if one.count else "-" for one in shares)
        table.add_row(name, *texts, _seconds(rates.live_s)[0])
    return table


def _seconds(times: Median) -> tuple[str, str, str]:
    """Median, interval, and of how many."""
    value = "-" if times.value is None else f"{times.value:.1f} s"
    ends = times.interval
    interval = "" if ends is None else f"{ends[0]:.1f} to {ends[1]:.1f} s"
    return value, interval, f"{len(times.values)} clips"


def _add(table: Table, name: str, share: Share) -> None:
    value = "-" if share.value is None else f"{share.value:.1%}"
    interval = f"{share.low:.1%} to {share.high:.1%}"
    table.add_row(name, value, interval, f"{share.hits} of {share.count}")
