"""Enrolment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from edge.cli.base import ConfigOption, JsonOption, app, complaints, own_config, show
from edge.errors import UsageError
from edge.ops.enrol import collect_from_camera, collect_from_files, save
from edge.vault.vault import proper_name
from edge.vision.enrolment import FEWEST, WANTED
from edge.vision.pipeline import Stages


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
    settings = own_config(config)
    stages = Stages.load(settings)
    with _progress() as progress:
        task = progress.add_task("", total=WANTED, hint="")

        def tell(what: str, done: int, hint: str) -> None:
            progress.update(task, description=what, completed=min(done, WANTED), hint=hint)

        if camera:
            collector, fewest = collect_from_camera(settings, stages, tell), FEWEST
        else:
            collector, fewest = collect_from_files(settings, stages, sources or [], first, tell)
    template = collector.template(name, fewest)
    save(settings, template, replace=replace)
    result = {"ok": True, "name": name, "captures": len(template.vectors)}
    weak = " One picture makes a weak template: add more." if len(template.vectors) == 1 else ""
    show(result, as_json=json, text=f"{name} is enrolled: {len(template.vectors)} captures.{weak}")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[hint]}"))
    return Progress(*columns, TimeElapsedColumn(), console=complaints, transient=True)
