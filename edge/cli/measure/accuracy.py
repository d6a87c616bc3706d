"""Accuracy on labelled pictures, and the thresholds that follow from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.table import Table

from edge.access.calibration import to_json
from edge.access.cohort import NOBODY, Cohort
from edge.cli.base import (
    ConfigOption,
    JsonOption,
    ModelOption,
    app,
    progress,
    read_config,
    show,
    with_model,
    write_report,
)
from edge.cli.places import to_fill, to_look_in, to_read, to_write, write
from edge.errors import CalibrationError
from edge.evaluate import plots
from edge.evaluate.calibrate import Assurance, cohort_of, rule
from edge.evaluate.calibrate import calibrate as make_calibration
from edge.evaluate.degrade import degradations
from edge.evaluate.degraded import Degraded, degraded
from edge.evaluate.pairs import read_pairs
from edge.evaluate.people import Faces, Listed, person_of, read_people
from edge.evaluate.rule import GroupReport, RuleReport, group_reports, rule_report
from edge.evaluate.stats import all_impostors
from edge.evaluate.verification import Encoded, Report, encode, judge
from edge.vision.calibrated import read_calibration
from edge.vision.enrolment import WANTED
from edge.vision.models.ensemble import Ensemble
from edge.vision.models.manifest import read_manifest
from edge.vision.pictures import images_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import Config

evaluate_app = typer.Typer(help="How accurate it is.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate")

ImagesOption = Annotated[
    Path,
    typer.Option("--images", help="Folder of NAME/NAME_0001.jpg pictures.", callback=to_look_in),
]
PairsOption = Annotated[
    Path, typer.Option("--pairs", help="List in the format of LFW's pairs.txt.", callback=to_read)
]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Processes; default one a core.")]


@evaluate_app.command("verification")
def evaluate_verification(
    images: ImagesOption,
    pairs: PairsOption,
    *,
    model: ModelOption = None,
    all_impostors: Annotated[
        bool, typer.Option("--all-impostors", help="Score every pair of two people.")
    ] = False,
    groups: Annotated[
        Path | None,
        typer.Option(
            help="Table image,person,group: rates by group, and the door's own rule.",
            callback=to_read,
        ),
    ] = None,
    captures: Annotated[
        int, typer.Option(min=1, max=WANTED, help="In a template, with --groups.")
    ] = WANTED,
    probes: Annotated[int, typer.Option(min=1, help="In an attempt, with --groups.")] = 3,
    degrade: Annotated[
        list[str] | None,
        typer.Option(help="Make the pictures worse in this way (again for more; `all`)."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.json and curves (PNG).", callback=to_fill)
    ] = None,
    jobs: JobsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Error rates on labelled pictures, on the product's own path."""
    settings = with_model(read_config(config), model)
    listed, fmr = read_pairs(pairs), settings.match.false_match_rate
    worse = degradations([] if degrade == ["all"] else degrade) if degrade else {}
    encoded = _encode(settings, images, listed.images, jobs)
    judged = judge(_embedder(settings).name, listed, encoded, every_impostor=all_impostors)
    result, tables = judged.as_dict(), [_table(judged)]
    by_group: list[GroupReport] = []
    if groups is not None:
        measured = read_calibration(settings).rule
        faces = _faces(settings, groups, jobs)
        by_group = group_reports(faces, measured, fmr)
        attempts = rule_report(faces, measured, fmr, captures, probes)
        result |= {"rule": attempts.as_dict(), "groups": [one.as_dict() for one in by_group]}
        tables += [_rule_table(attempts), _group_table(by_group, fmr)]
    if worse:
        calibration, names = read_calibration(settings), encoded.names
        with progress("worse pictures", len(names)) as update:
            findings = degraded(
                settings, images, names, worse, calibration, lambda: update(advance=1)
            )
        result |= {"degraded": [one.as_dict() for one in findings]}
        tables.append(_degraded_table(findings))
    if report is not None:
        write_report(result, report)
        plots.det_curve(judged, report / "det.png")
        plots.histogram(judged, report / "histogram.png")
        if by_group:
            plots.group_rates(by_group, fmr, report / "groups.png")
    show(result, as_json=json, text=Group(*tables))


@app.command()
def calibrate(
    images: ImagesOption,
    pairs: PairsOption,
    out: Annotated[Path, typer.Option(help="The calibration file to write.", callback=to_write)],
    *,
    about: Annotated[
        str | None, typer.Option(help="Which pictures these are; default: the list's name.")
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(
            help="Table image,person,group: for the door's rule, strangers of one group are "
            "compared. Default: the pictures above, everybody of one group.",
            callback=to_read,
        ),
    ] = None,
    cohort: Annotated[
        Path | None,
        typer.Option(
            help="Folder of thousands of other faces of all groups: who resembles many of them "
            "needs more to match. Default: the cohort of this model's calibration, if it has one.",
            callback=to_look_in,
        ),
    ] = None,
    model: ModelOption = None,
    jobs: JobsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Measure the threshold for each false-match rate, from every pair of two people."""
    settings = with_model(read_config(config), model)
    entry = _embedder(settings)
    encoded = _encode(settings, images, read_pairs(pairs).images, jobs)
    known, owners = encoded.people
    enrolled = encoded.enrolled
    impostors = all_impostors(encoded.vectors[enrolled], owners[enrolled])
    made_from = (
        f"{int(enrolled.sum())} images of {len(known)} people ({about or pairs.name}), "
        "every pair of two people"
    )
    made = make_calibration(impostors, entry.sha256, made_from)
    if people is None:
        named = [Listed(name, person_of(name)) for name in encoded.names]
        met, strangers = Faces.of(encoded.vectors, named), "strangers of all groups"
    else:
        met = _faces(settings, people, jobs)
        strangers = f"strangers of one group ({', '.join(met.names)})"
    crowd = _cohort(settings, cohort, jobs)
    made = replace(made, measured_rule=rule(met, crowd, f"{len(met)} faces, {strangers}"))
    write(out, to_json(made).encode())
    claim = Assurance(len(impostors))
    table = Table("false-match rate", "at most (95 %)", "threshold", "", title=entry.name)
    for point in made.pictures.points:
        note = "from the fitted tail" if point.extrapolated else ""
        table.add_row(f"{point.fmr:g}", f"{point.upper:.2g}", f"{point.threshold:.4f}", note)
    result = {
        "file": str(out),
        "model": entry.name,
        "impostor_pairs": len(impostors),
        "counted_down_to": claim.counted_down_to,
        "rule_of_3": claim.rule_of_3,
    }
    show(result, as_json=json, text=table)


def _embedder(config: Config) -> Ensemble:
    return read_manifest(config.models_folder).embedder(config.models.embedder)


def _encode(config: Config, images: Path, names: Sequence[str], jobs: int | None) -> Encoded:
    with progress("pictures", len(names)) as update:
        return encode(config, images, names, lambda: update(advance=1), jobs)


def _faces(config: Config, table: Path, jobs: int | None) -> Faces:
    """The labelled pictures of a table; their paths count from its folder."""
    listed = read_people(table)
    by_name = {one.image: one for one in listed}
    encoded = _encode(config, table.parent, list(by_name), jobs)
    return Faces.of(encoded.vectors, [by_name[name] for name in encoded.names])


def _cohort(config: Config, folder: Path | None, jobs: int | None) -> Cohort:
    """Made of a folder's faces; or the one in use, where it is this model's."""
    if folder is not None:
        names = [str(path.relative_to(folder)) for path in images_in(folder, "**/*")]
        encoded = _encode(config, folder, names, jobs)
        return cohort_of(encoded.vectors[encoded.enrolled])
    try:
        return read_calibration(config).rule.cohort
    except CalibrationError:
        return NOBODY


def _table(report: Report) -> Table:
    table = Table("figure", "value", "95 % interval, or how", title=report.model)
    table.add_row("accuracy", f"{report.accuracy:.2%}", report.rule)
    folds = "the list's own" if report.folded else "dealt in order"
    spread = f"± {report.fold_deviation:.2%} standard error; {folds}"
    table.add_row("accuracy in ten folds", f"{report.fold_accuracy:.2%}", spread)
    table.add_row("equal error rate", f"{report.eer:.2%}", "")
    table.add_row("d'", f"{report.d_prime:.2f}", "")
    for name, rate in report.fnmr_at.items():
        bound = "" if report.counted(name) else " (too few impostor pairs to count this rate)"
        interval = f"{rate.low:.2%} to {rate.high:.2%}{bound}"
        table.add_row(f"FNMR at FMR {name}", f"{rate.value:.2%}", interval)
    found = f"{len(report.failures)} of {report.images} pictures"
    table.add_row("failure to enrol", f"{report.failure_to_enrol:.2%}", found)
    table.add_row("genuine pairs", f"{len(report.genuine.scores)}", "")
    table.add_row("impostor pairs", f"{len(report.impostors)}", "")
    for name in report.missing:
        table.add_row("missing picture", name, f"{report.skipped_pairs} pairs left out")
    return table


def _rule_table(found: RuleReport) -> Table:
    title = f"{found.probes} probes against {found.captures} captures at {found.fmr:g}"
    table = Table("figure", "value", "95 % interval", "attempts", "people", title=title)
    for name, rate in (("turned away", found.fnmr), ("strangers of one group", found.observed)):
        interval = f"{rate.low:.3%} to {rate.high:.3%}"
        table.add_row(name, f"{rate.value:.4%}", interval, str(rate.attempts), str(rate.people))
    return table


def _group_table(groups: list[GroupReport], fmr: float) -> Table:
    title = f"strangers of one group, one picture against one: times the {fmr:g} asked"
    table = Table("group", "times", "95 % interval", "faces", title=title)
    for one in groups:
        interval = f"{one.fmr.low / fmr:.0f} to {one.fmr.high / fmr:.0f}"
        table.add_row(one.name, f"{one.over_asked:.1f}", interval, str(one.faces))
    return table


def _degraded_table(found: list[Degraded]) -> Table:
    names = ("pictures", "judged", "enrolled", "turned away", "strangers alike, enrolled", "times")
    table = Table(*names, title="pictures made worse")
    for one in found:
        away = f"{one.fnmr.value:.1%} ({one.fnmr.low:.1%} to {one.fnmr.high:.1%})"
        alike = f"{one.collapse.value:.2g} ({one.collapse.low:.2g} to {one.collapse.high:.2g})"
        row = (one.name, f"{one.judged:.0%}", f"{one.enrolled:.0%}", away, alike)
        table.add_row(*row, f"{one.over_asked:.1f}")
    return table
