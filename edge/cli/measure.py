"""Accuracy, calibration and speed: verify, evaluate, calibrate, bench."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.access.calibration import to_json
from edge.cli.base import (
    ConfigOption,
    JsonOption,
    app,
    complaints,
    progress,
    read_config,
    show,
    write_report,
)
from edge.errors import UsageError
from edge.evaluate import plots
from edge.evaluate.bench import STEPS, Bench
from edge.evaluate.bench import bench as measure_speed
from edge.evaluate.calibrate import Claim
from edge.evaluate.calibrate import calibrate as make_calibration
from edge.evaluate.peers import Taken, beside
from edge.evaluate.stats import all_impostors
from edge.evaluate.verification import Encoded, Pairs, Report, encode, judge, read_pairs
from edge.faces import FaceReader
from edge.faces import verify as verify_pictures
from edge.vision.camera import read_image
from edge.vision.models.manifest import Ensemble, read_manifest

if TYPE_CHECKING:
    from edge.config import Config

DIFFERENT = 3
"""Exit code of `verify` for two people: neither done as hoped nor failed."""

evaluate_app = typer.Typer(help="How accurate it is.", no_args_is_help=True)
app.add_typer(evaluate_app, name="evaluate")

ImagesOption = Annotated[
    Path, typer.Option("--images", help="Folder of NAME/NAME_0001.jpg pictures.")
]
PairsOption = Annotated[
    Path, typer.Option("--pairs", help="List in the format of LFW's pairs.txt.")
]
ModelOption = Annotated[str | None, typer.Option("--model", help="Embedder of the manifest.")]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Processes; default one a core.")]

_BAR = 40  # characters of the longest bar


@app.command()
def verify(
    one: Annotated[Path, typer.Argument(help="A picture of one person.")],
    other: Annotated[Path, typer.Argument(help="Another.")],
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw the comparison into this PNG.")] = None,
    model: ModelOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Do two pictures show the same person?

    Exit code 0: the same; 3: not the same; 1: they cannot be compared.
    """
    settings = _with_model(read_config(config), model)
    found = verify_pictures(one, other, config=settings)
    relation = "the same person" if found.verified else "not the same person"
    verdict = (
        f"{relation}: similarity {found.similarity:.3f}, needed {found.required:.3f} "
        f"(at most {found.false_match_rate:g} of strangers pass)"
    )
    if plot is not None:
        _draw(one, other, f"{verdict}\ncosine distance {found.distance:.3f}", plot, settings)
    result = {
        "verified": found.verified,
        "similarity": found.similarity,
        "threshold": found.required,
        "false_match_rate": found.false_match_rate,
        "model": found.model,
        "detector": found.detector,
    }
    show(result, as_json=json, text=verdict[0].upper() + verdict[1:])
    if not found.verified:
        raise typer.Exit(DIFFERENT)


def _draw(one: Path, other: Path, verdict: str, path: Path, config: Config) -> None:
    reader = FaceReader(config)
    looks = [reader.only(read_image(image), str(image)) for image in (one, other)]
    vectors = [reader.embed(look).vector for look in looks]
    plots.comparison([look.aligned.pixels for look in looks], vectors, verdict, path)


@evaluate_app.command("verification")
def evaluate_verification(  # noqa: PLR0913 - one option each
    images: ImagesOption,
    pairs: PairsOption,
    *,
    model: ModelOption = None,
    all_impostors: Annotated[
        bool, typer.Option("--all-impostors", help="Score every pair of two people.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="Folder for report.json, det.png and histogram.png.")
    ] = None,
    jobs: JobsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Error rates on labelled pictures, on the product's own path."""
    settings = _with_model(read_config(config), model)
    listed = read_pairs(pairs)
    encoded = _encode(settings, images, listed, jobs)
    judged = judge(_embedder(settings).name, listed, encoded, every_impostor=all_impostors)
    if report is not None:
        write_report(judged.as_dict(), report)
        plots.det_curve(judged, report / "det.png")
        plots.histogram(judged, report / "histogram.png")
    show(judged.as_dict(), as_json=json, text=_table(judged))


@app.command()
def calibrate(  # noqa: PLR0913 - one option each
    images: ImagesOption,
    pairs: PairsOption,
    out: Annotated[Path, typer.Option(help="The calibration file to write.")],
    *,
    about: Annotated[
        str | None, typer.Option(help="Which pictures these are; default: the list's name.")
    ] = None,
    model: ModelOption = None,
    jobs: JobsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Measure the threshold for each false-match rate, from every pair of two people."""
    settings = _with_model(read_config(config), model)
    entry = _embedder(settings)
    encoded = _encode(settings, images, read_pairs(pairs), jobs)
    known, people = encoded.people
    enrolled = encoded.enrolled
    impostors = all_impostors(encoded.vectors[enrolled], people[enrolled])
    made_from = (
        f"{int(enrolled.sum())} images of {len(known)} people ({about or pairs.name}), "
        "every pair of two people"
    )
    made = make_calibration(impostors, entry.sha256, made_from)
    try:
        out.write_text(to_json(made), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the calibration {out} cannot be written: {error.strerror}") from error
    claim = Claim(len(impostors))
    table = Table("false-match rate", "at most (95 %)", "threshold", "", title=entry.name)
    for point in made.pictures.points:
        note = "from the fitted tail" if point.extrapolated else ""
        table.add_row(f"{point.fmr:g}", f"{point.upper:.2g}", f"{point.threshold:.4f}", note)
    result = {
        "ok": True,
        "file": str(out),
        "model": entry.name,
        "impostor_pairs": len(impostors),
        "counted_down_to": claim.counted_down_to,
        "rule_of_3": claim.rule_of_3,
    }
    show(result, as_json=json, text=table)


@app.command()
def bench(  # noqa: PLR0913 - one option each
    *,
    threads: Annotated[int, typer.Option(min=1, max=16, help="Threads of one inference.")] = 1,
    steps: Annotated[int, typer.Option(min=10, help="Frames to measure.")] = STEPS,
    images: Annotated[
        Path | None, typer.Option(help="Folder of portraits; default: two from Python packages.")
    ] = None,
    peers: Annotated[
        bool, typer.Option("--peers", help="Beside dlib, MediaPipe and OpenCV, where installed.")
    ] = False,
    yunet: Annotated[Path | None, typer.Option(help="With --peers: YuNet's ONNX file.")] = None,
    sface: Annotated[Path | None, typer.Option(help="With --peers: SFace's ONNX file.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """How fast every stage is on this machine, next to the same models in floating point."""
    settings = read_config(config)
    models = settings.models.model_copy(update={"threads": threads})
    settings = settings.model_copy(update={"models": models})
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


def _side_by_side(taken: list[Taken]) -> Table:
    longest = max(one.mean_ms for one in taken)
    table = Table("", "what it says", "mean", "median", "", title="processor time a frame")
    for one in taken:
        bar = "\u2588" * max(1, round(_BAR * one.mean_ms / longest))
        table.add_row(one.name, one.does, f"{one.mean_ms:.2f} ms", f"{one.median_ms:.2f} ms", bar)
    return table


def _speed(measured: Bench) -> Table:
    title = f"{measured.runtime}, {measured.threads} thread(s), {measured.steps} frames"
    table = Table("stage", "median", "95 %", "99 %", "in float", "model", title=title)
    models = measured.chosen.models
    by_stage = {
        "detect": models["detector"],
        "landmarks": models["landmarks"],
        "eyelids": f"{models['eyelids']}, {models['shut_eyes']}",
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
    table.add_row("outside the kernels", f"{measured.chosen.overhead_share:.1%}")
    table.add_row("loading", f"{measured.load_ms:.0f} ms")
    table.add_row("memory", f"{measured.rss_mb:.0f} MiB")
    return table


def _with_model(config: Config, name: str | None) -> Config:
    if name is None:
        return config
    models = config.models.model_copy(update={"embedder": name})
    return config.model_copy(update={"models": models})


def _embedder(config: Config) -> Ensemble:
    return read_manifest(config.paths.models).embedder(config.models.embedder)


def _encode(config: Config, images: Path, listed: Pairs, jobs: int | None) -> Encoded:
    names = listed.images
    with progress("pictures", len(names)) as update:
        return encode(config, images, names, lambda: update(advance=1), jobs)


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
