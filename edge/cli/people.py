"""People: enrol, list, remove, rename, claim."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, app, complaints, read_config, show
from edge.errors import EnrolmentError, UsageError
from edge.ledger.ledger import Ledger
from edge.ledger.vault import proper_name
from edge.records import Event, EventKind, Frame, Hint, LivenessState, Reason
from edge.sight.camera import IMAGE_SUFFIXES, Camera, read_image, replay
from edge.sight.clock import wall_trusted
from edge.sight.enrolment import FEWEST, WANTED, Collector, capture, find_duplicate
from edge.sight.pipeline import Pipeline, Stages
from edge.sight.reference import open_vault, read_calibration
from edge.wire import Channel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config import Config

people_app = typer.Typer(help="Who is enrolled here.", no_args_is_help=True)
app.add_typer(people_app, name="people")

_CAMERA_TIMEOUT_S = 60.0


@app.command()
def enroll(  # noqa: PLR0913 - one option each
    name: Annotated[str, typer.Argument(help="The person's name.")],
    *,
    sources: Annotated[
        list[Path] | None,
        typer.Option("--from", help="Images, folders of images, or films of that person alone."),
    ] = None,
    camera: Annotated[bool, typer.Option("--camera", help="Use the door's own camera.")] = False,
    first: Annotated[
        float | None, typer.Option(min=0.1, help="Use only the first so many seconds of a film.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="Renew somebody's template.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Make a template from several good, different captures of one face."""
    if camera == bool(sources):
        raise UsageError("say where the face comes from: either --from FILE... or --camera")
    name = proper_name(name)
    settings = read_config(config)
    calibration = read_calibration(settings)
    stages = Stages.load(settings)
    with open_vault(settings) as vault:
        collector, fewest = (
            (_from_camera(settings, stages), FEWEST)
            if camera
            else _from_files(settings, stages, sources or [], first)
        )
        template = collector.template(name, fewest)
        others = vault.templates(stages.embedder.model_sha256)
        threshold = calibration.threshold_for(settings.match.false_match_rate)
        twin = find_duplicate(template, others, threshold)
        if twin is not None:
            raise EnrolmentError(
                f"this face is already enrolled as {twin}. Remove {twin} first, or rename: "
                f"edge-door people rename {twin!r} {name!r}"
            )
        known = any(person.name.casefold() == name.casefold() for person in vault.people())
        (vault.replace if replace and known else vault.add)(template)
    _note(settings, Reason.ENROLLED, name)
    result = {"ok": True, "name": name, "captures": len(template.vectors)}
    weak = " One picture makes a weak template: add more." if len(template.vectors) == 1 else ""
    show(result, as_json=json, text=f"{name} is enrolled: {len(template.vectors)} captures.{weak}")


@people_app.command("list")
def list_people(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Everybody enrolled."""
    with open_vault(read_config(config)) as vault:
        people = vault.people()
    table = Table("name", "enrolled", "captures", "model")
    for person in people:
        day = datetime.fromtimestamp(person.enrolled).astimezone()
        table.add_row(person.name, f"{day:%Y-%m-%d %H:%M}", str(person.captures), person.model[:12])
    listed = [
        {"name": p.name, "enrolled": p.enrolled, "captures": p.captures, "model": p.model}
        for p in people
    ]
    show({"people": listed}, as_json=json, text=table if people else "Nobody is enrolled.")


@people_app.command()
def remove(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget a person; their key is destroyed."""
    settings = read_config(config)
    with open_vault(settings) as vault:
        vault.remove(name)
    _note(settings, Reason.REMOVED, name)
    show({"ok": True, "removed": name}, as_json=json, text=f"{name} is forgotten.")


@people_app.command()
def rename(old: str, new: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Change a person's name."""
    settings = read_config(config)
    with open_vault(settings) as vault:
        vault.rename(old, new)
    _note(settings, Reason.RENAMED, new)
    show({"ok": True, "old": old, "new": new}, as_json=json, text=f"{old} is now {new}.")


@app.command()
def claim(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Tell the running door who stands there: their template alone is compared."""
    settings = read_config(config)
    with Channel.connect(settings.sight_socket) as channel:
        channel.send({"op": "claim", "person": name})
        answer = channel.receive(2.0)
    if answer is None or answer["op"] != "ok":
        raise UsageError(answer["message"] if answer else "sight does not answer")
    seconds = settings.match.claim_timeout_s
    show(
        {"ok": True, "person": name, "seconds": seconds},
        as_json=json,
        text=f"{name} is expected at the door for {seconds:g} s.",
    )


def _from_files(
    config: Config, stages: Stages, sources: list[Path], first: float | None
) -> tuple[Collector, int]:
    pipeline = Pipeline(stages, config)
    collector = Collector()
    with _progress() as progress:
        for path in sources:
            task = progress.add_task(path.name, total=None, hint="")
            for frame in _frames(config, path, first):
                taken = capture(frame, pipeline, stages)
                collector.add(taken)
                progress.update(task, advance=1, hint=taken.hint.value)
                if collector.full:
                    break
            progress.update(task, total=progress.tasks[task].completed, hint="")
    stills = sum(path.suffix.lower() in IMAGE_SUFFIXES for path in sources)
    only_stills = stills == len(sources)
    return collector, min(FEWEST, stills) if only_stills else FEWEST


def _frames(config: Config, path: Path, first: float | None) -> Iterator[Frame]:
    if path.suffix.lower() in IMAGE_SUFFIXES or not path.exists():
        return iter([Frame(read_image(path), 0.0, 1)])
    section = config.camera.model_copy(update={"source": str(path)})
    frames = replay(section)
    if first is None:
        return frames
    return takewhile(lambda frame: frame.captured_at < first, frames)


def _from_camera(config: Config, stages: Stages) -> Collector:
    """Captures count only once the person has shown life."""
    pipeline = Pipeline(stages, config)
    collector = Collector()
    alive = False
    deadline = time.monotonic() + _CAMERA_TIMEOUT_S
    with Camera(config.camera) as camera, _progress() as progress:
        task = progress.add_task("captures", total=WANTED, hint="look at the camera and blink")
        after = 0
        while len(collector.embeddings) < WANTED and time.monotonic() < deadline:
            frame = camera.newest(after, timeout_s=1.0)
            if frame is None:
                continue
            after = frame.sequence
            evidence = pipeline.step(frame)
            alive = alive or evidence.liveness.state is LivenessState.LIVE
            if not alive:
                progress.update(task, hint=Hint.BLINK.value)
                continue
            taken = capture(frame, pipeline, stages)
            collector.add(taken)
            hint = taken.hint.value or "turn your head a little"
            progress.update(task, completed=len(collector.embeddings), hint=hint)
    if not alive:
        raise EnrolmentError("no blink was seen in a minute, so nobody was enrolled. Try again.")
    return collector


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[hint]}"))
    return Progress(*columns, TimeElapsedColumn(), console=complaints, transient=True)


def _note(config: Config, reason: Reason, person: str) -> None:
    """Changes to who may enter belong into the ledger too."""
    event = Event(
        kind=EventKind.PEOPLE,
        reason=reason,
        at=time.monotonic(),
        wall=time.time(),
        wall_trusted=wall_trusted(),
        device=config.device.id,
        person=person,
    )
    with Ledger.open(config.ledger_db, config.device.id) as ledger:
        ledger.append(event)
