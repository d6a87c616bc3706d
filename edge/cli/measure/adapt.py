"""Adapt the embedder to a site's own people and camera; undo it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.access.calibration import to_json
from edge.cli.base import ConfigOption, JsonOption, app, progress, read_config, show
from edge.cli.places import to_draw, to_fill, to_look_in, write
from edge.errors import UsageError
from edge.evaluate import plots
from edge.evaluate.adapt import COMPARED_FMR, FOLDS, STEPS, Trial, carried, cross_validated, learn
from edge.evaluate.people import Faces, Listed, person_of
from edge.evaluate.verification import encode
from edge.folders import make_folder
from edge.vision.calibrated import read_calibration, shipped_calibration
from edge.vision.models.adapted import forget, remember
from edge.vision.models.manifest import read_manifest, shipped_models
from edge.vision.pictures import images_in


@app.command()
def adapt(
    *,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of folders: one for each person, named anyhow.", callback=to_look_in
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What to call the adapted embedder.")] = "adapted",
    undo: Annotated[bool, typer.Option("--undo", help="Forget it.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Picture of before and after (PNG).", callback=to_draw)
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Learn a projection from this site's own labelled captures; kept only if it helps."""
    if undo == (images is not None):
        raise UsageError("say what to do: either --images FOLDER or --undo")
    settings = read_config(config)
    folder = settings.models_folder or shipped_models()
    if images is None:
        forget(folder, name)
        shipped_calibration(folder, name).unlink(missing_ok=True)
        show({"forgotten": name}, as_json=json, text=f"{name} is forgotten.")
        return
    manifest = read_manifest(folder)
    base = manifest.embedder(settings.models.embedder)
    if base.projection is not None:
        raise UsageError(f"{base.name} is adapted already: choose another [models] embedder")
    there = manifest.ensembles.get(name)
    if there is None or there.projection is None:  # what was learnt before is learnt anew
        manifest.require_free(name)
    to_fill(folder)
    before = read_calibration(settings)
    names = [str(path.relative_to(images)) for path in images_in(images, "*/*")]
    with progress("pictures", len(names)) as update:
        encoded = encode(settings, images, names, lambda: update(advance=1))
    listed = [Listed(each, person_of(each)) for each in encoded.names]
    faces = Faces.of(encoded.vectors, listed)
    with progress("learning", (FOLDS + 1) * STEPS) as update:
        trial = cross_validated(faces, lambda: update(advance=1))
        projection = learn(faces, advance=lambda: update(advance=1)) if trial.better else None
    if report is not None:
        plots.before_and_after(trial, report)
    result = _as_dict(trial, faces) | {"adopted": projection is not None}
    text = _told(trial, faces)
    if projection is None:
        show(result, as_json=json, text=f"{text}\nThat does not help; nothing was changed.")
        return
    adapted = remember(folder, name, base, projection)
    path = shipped_calibration(folder, name)
    make_folder(path.parent)
    write(path, to_json(carried(before, faces, projection, adapted.sha256)).encode())
    text += (
        f"\n{name} is there. To use it: [models] embedder = {name!r}, and enrol everybody again."
        f"\nTo undo: edge-door adapt --undo --name {name}, and name the embedder of before."
    )
    show(result | {"embedder": name, "sha256": adapted.sha256}, as_json=json, text=text)


def _as_dict(trial: Trial, faces: Faces) -> dict[str, object]:
    return {
        "people": len(faces.pictures),
        "pictures": len(faces),
        "false_match_rate": COMPARED_FMR,
        "fnmr_before": trial.before.as_dict(),
        "fnmr_after": trial.after.as_dict(),
    }


def _told(trial: Trial, faces: Faces) -> str:
    before, after = (
        f"{rate.value:.1%} ({rate.low:.1%} to {rate.high:.1%})"
        for rate in (trial.before, trial.after)
    )
    return (
        f"{len(faces)} pictures of {len(faces.pictures)} people. Of people it had not seen, at a "
        f"false-match rate of {COMPARED_FMR:g}: {before} of the pairs turned away before, "
        f"{after} after."
    )
