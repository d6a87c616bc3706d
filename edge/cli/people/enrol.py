"""Enrolment: one person from files or the camera, or many from a folder of folders."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge.cli.base import (
    ConfigOption,
    JsonOption,
    app,
    believed_config,
    complaints,
    progress,
    seconds_of,
    show,
)
from edge.cli.people.destination import consent_to, place_of
from edge.errors import EdgeDoorError, EnrolmentError, NotThereError, UsageError
from edge.names import proper_name
from edge.ops.enrol import Enrolled, collect_from_camera, enrol_files
from edge.ops.offer import Wish
from edge.ops.owner import give_up_reading
from edge.ops.pictures import Sources, opened, people_below
from edge.ops.preview import preview
from edge.vision.enrolment import WANTED
from edge.vision.stages import Stages
from edge.words import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from edge.cli.people.destination import Place
    from edge.config import Config
    from edge.ops.pictures import Progress as Tell
    from edge.ops.pictures import Refused
    from edge.records import Frame, Template

PREVIEWS_A_SECOND = 5
EVERY = 5
"""Frames between two previews: a terminal over SSH follows no faster."""
_SHOWN = 20
"""So many refused files are named; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Capture:
    """How the template is made."""

    name: str
    sources: Sources
    camera: bool


@app.command()
def enroll(
    name: Annotated[
        str | None, typer.Argument(help="The person's name; left out, --from names many.")
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Pictures, folders of pictures, or films of that person alone."),
    ] = None,
    *,
    sources: Annotated[
        list[Path] | None,
        typer.Option("--from", help="The same; without NAME, a folder with a folder of each."),
    ] = None,
    camera: Annotated[bool, typer.Option("--camera", help="Use the door's own camera.")] = False,
    first: Annotated[
        float | None, typer.Option(min=0.1, help="Use only the first so many seconds of a film.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Renew somebody's template.")] = False,
    lookalike: Annotated[
        list[str] | None,
        typer.Option(help="Somebody whom this face resembles and who is another person."),
    ] = None,
    reason: Annotated[
        str,
        typer.Option(help="Why that is known, or why --replace brings another face; recorded."),
    ] = "",
    for_group: Annotated[
        list[str] | None,
        typer.Option(
            help="For the people office and the doors of this group, not this door alone."
        ),
    ] = None,
    schedule: Annotated[
        list[str] | None, typer.Option(help="With --for-group: such as `mon-fri 7:00-19:00`.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(
            help="With --for-group: a visitor's end, local time; a day alone is its first minute."
        ),
    ] = None,
    card: Annotated[
        list[str] | None, typer.Option(help="With --for-group: a card's number.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Make a template from several good, different captures of one face."""
    given = [*(files or []), *(sources or [])]
    _refuse_contradictions(name, given, camera=camera)
    consent = consent_to(lookalike, reason, replace=replace)
    wish = _wish(for_group, schedule, until, card)
    if name is None and (card or lookalike):
        raise UsageError("--card and --lookalike are one person's: give a NAME")
    settings = believed_config(config, own=True, reading=bool(given))
    if name is not None:
        name = proper_name(name)
    people = people_below(given[0]) if name is None else {name: tuple(given)}
    sources_of = {who: opened(Sources(paths, first)) for who, paths in people.items()}
    give_up_reading()
    place = place_of(settings, wish, consent)
    if name is None:
        _enroll_many(settings, sources_of, place, as_json=json)
        return
    if problem := sources_of[name].problem:
        raise UsageError(problem)
    capture = Capture(name, sources_of[name], camera)
    _enroll_person(settings, capture, place, as_json=json)


def _enroll_person(settings: Config, capture: Capture, place: Place, *, as_json: bool) -> None:
    place.require_free(capture.name)
    kept: dict[str, str] = {}

    def keep(made: Template) -> None:
        kept.update(place.keep(made))

    found = (_from_camera if capture.camera else _from_files)(settings, capture, keep)
    done = place.done.format(captures=counted(found.captures, "capture"))
    lines = [f"{capture.name} {done} {place.next_step}".rstrip()]
    lines += [f"  not taken: {refused.sentence}" for refused in _some(found.refused)]
    if found.warning:
        lines.append(f"  {found.warning}")
    show(_as_dict(found) | kept, as_json=as_json, text="\n".join(lines))


def _refuse_contradictions(name: str | None, given: Sequence[Path], *, camera: bool) -> None:
    if name is None:
        if len(given) != 1 or camera:
            raise UsageError(
                "say who it is: edge-door enroll NAME FILE..., or for many people at once "
                "edge-door enroll --from FOLDER, which holds a folder of pictures for each"
            )
    elif camera == bool(given):
        seems = f" ({name} is a file: put the name before it)" if Path(name).exists() else ""
        raise UsageError(f"say where the face comes from: either FILE... or --camera{seems}")


def _wish(
    groups: Sequence[str] | None,
    schedule: Sequence[str] | None,
    until: datetime | None,
    cards: Sequence[str] | None,
) -> Wish | None:
    """What is asked of the people office; None: this door alone enrols."""
    if groups:
        end = None if until is None else seconds_of(until)
        return Wish(tuple(groups), tuple(schedule or ()), end, tuple(cards or ()))
    if schedule or until or cards:
        raise UsageError("--schedule, --until and --card go with --for-group")
    return None


def _from_files(settings: Config, capture: Capture, keep: Callable[[Template], object]) -> Enrolled:
    stages = Stages.load(settings)
    with _bar() as (tell, _):
        found = enrol_files(settings, stages, capture.name, capture.sources, keep, tell)
    if found.problem:
        named = "".join(f"\n  {refused.sentence}" for refused in found.refused)
        raise EnrolmentError(f"{capture.name} is not enrolled: {found.problem.rstrip('.')}.{named}")
    return found


def _from_camera(
    settings: Config, capture: Capture, keep: Callable[[Template], object]
) -> Enrolled:
    stages = Stages.load(settings)
    try:
        with _bar() as (tell, look):
            template = collect_from_camera(settings, stages, tell, look).template(capture.name)
    except NotThereError as error:
        raise UsageError(f"{error}. Is [camera] source right?") from error
    keep(template)
    return Enrolled(capture.name, len(template.vectors))


def _enroll_many(
    settings: Config, people: Mapping[str, Sources], place: Place, *, as_json: bool
) -> None:
    found = _each(settings, people, place)
    out = [one.name for one in found if one.problem]
    table = _table(found)
    table.caption = (
        f"{len(found) - len(out)} of {len(found)} people are enrolled. {place.next_step}".rstrip()
    )
    result = {"ok": not out, "people": [_as_dict(one) for one in found], "not_enrolled": out}
    show(result, as_json=as_json, text=table)
    if out:
        raise typer.Exit(1)


def _each(settings: Config, people: Mapping[str, Sources], place: Place) -> list[Enrolled]:
    stages = Stages.load(settings)
    found = []
    with progress("people", len(people)) as update:
        for name, sources in people.items():
            update(description=name)
            try:
                place.require_free(name)
                one = enrol_files(settings, stages, name, sources, place.keep, lambda *_: None)
            except EdgeDoorError as error:
                one = Enrolled(name, 0, problem=str(error))
            found.append(one)
            update(advance=1)
    return found


def _table(found: Sequence[Enrolled]) -> Table:
    table = Table("name", "captures", "not taken, and why")
    for one in found:
        whys = [
            refused.sentence.replace(refused.file, Path(refused.file).name)
            for refused in _some(one.refused)
        ]
        told = [one.problem] if one.problem else [one.warning] if one.warning else []
        table.add_row(one.name, str(one.captures or "-"), "\n".join([*told, *whys]))
    return table


def _as_dict(found: Enrolled) -> dict[str, object]:
    return asdict(found) | {"warning": found.warning}


def _some(refused: Sequence[Refused]) -> list[Refused]:
    return list(refused[:_SHOWN])


@contextmanager
def _bar() -> Iterator[tuple[Tell, Callable[[Frame], None]]]:
    """Captures so far, what is read or what the person may do, and what the camera sees."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[hint]}", markup=False),
    )
    bar = Progress(*columns, TimeElapsedColumn(), console=complaints)
    task = bar.add_task("", total=WANTED, hint="")
    with Live(
        bar, console=complaints, transient=True, refresh_per_second=PREVIEWS_A_SECOND
    ) as live:

        def tell(what: str, done: int, hint: str) -> None:
            bar.update(task, description=what, completed=min(done, WANTED), hint=hint)

        def look(frame: Frame) -> None:
            if complaints.is_terminal and frame.sequence % EVERY == 0:
                live.update(Group(preview(frame.pixels), bar))

        yield tell, look
