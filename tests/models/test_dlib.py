"""dlib's network in int8: what dlib itself says about two faces, and where dlib wants a face.

The reference is the mean of dlib's own vectors of a face and of its mirror image, as the file's.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import Config
from edge.records import Frame
from edge.vision.faces import embedder as embedder_module
from edge.vision.faces.aligner import align
from edge.vision.faces.embedder import Embedder
from edge.vision.models.entries import EmbedderEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import available
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from edge.records import Pixels
    from edge.vision.models.runtime import Runtime
    from edge.vision.stages import Stages

REFERENCE = Path(__file__).with_name("dlib_reference.json")
ENTRY = read_manifest().entry(EmbedderEntry, "dlib-resnet-int8")


@pytest.fixture(scope="module")
def portraits(pictures: list[Pixels]) -> dict[str, Pixels]:
    cuts = {"eileen": pictures[0][:256, 96:352], "grace": pictures[1][20:500, 20:500]}
    return {name: np.ascontiguousarray(cut) for name, cut in cuts.items()}


@pytest.fixture(scope="module")
def chips(portraits: dict[str, Pixels]) -> dict[str, Pixels]:
    """Plain cuts, so that what dlib saw is what is seen here, whatever libraries are installed."""
    return {
        "eileen": portraits["eileen"][40:190, 54:204],
        "grace": portraits["grace"][80:380:2, 110:410:2],
    }


@pytest.mark.parametrize("runtime", available(), ids=lambda runtime: runtime.name)
@pytest.mark.parametrize("name", ["eileen", "grace"])
def test_it_says_what_dlib_says(name: str, runtime: Runtime, chips: dict[str, Pixels]) -> None:
    theirs = np.array(json.loads(REFERENCE.read_text())[name])
    ours = Model(ENTRY, runtime).run(chips[name])["embedding"]
    cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
    assert cosine >= 0.995
    # dlib compares by distance, so the length matters too.
    assert np.linalg.norm(ours - theirs) <= 0.1


def test_two_people_are_further_apart_than_dlib_allows(chips: dict[str, Pixels]) -> None:
    model = Model(ENTRY)
    eileen, grace = (model.run(chips[name])["embedding"] for name in ("eileen", "grace"))
    assert np.linalg.norm(eileen - grace) > 0.6


@pytest.mark.parametrize("name", ["eileen", "grace"])
def test_the_whole_path_ends_where_dlib_s_own_ends(
    name: str, portraits: dict[str, Pixels], stages: Stages
) -> None:
    """Its detector, its five points and its network against our detector, mesh and file."""
    model = Model(ENTRY)
    frame = Frame(portraits[name], 0.0, 0)
    landmarks = stages.mesh.locate(frame, stages.detector.detect(frame)[0])
    ours = model.run(align(frame, landmarks, ENTRY.alignment, model.size).pixels)["embedding"]
    theirs = np.array(json.loads(REFERENCE.read_text())[f"{name}, found by dlib"])
    assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) >= 0.95


def test_liveness_and_quality_look_at_arcface_s_crop_all_the_same(
    portraits: dict[str, Pixels], stages: Stages
) -> None:
    """Their masks and limits know the places of that crop; dlib's network gets its own."""
    frame = Frame(portraits["eileen"], 0.0, 0)
    usual = Pipeline(stages, Config()).step(frame)
    theirs = replace(stages, embedder=Embedder([Model(ENTRY)]))
    seen = Pipeline(theirs, Config()).step(frame)
    assert seen.landmarks is not None
    assert seen.aligned is not None
    assert seen.embedding is not None
    assert np.array_equal(seen.aligned.pixels, align(frame, seen.landmarks).pixels)
    assert seen.quality == usual.quality
    own = theirs.embedder.embed(frame, seen.landmarks)
    assert np.array_equal(seen.embedding.vector, own.vector)


def test_an_embedder_of_that_crop_does_not_cut_it_out_again(
    portraits: dict[str, Pixels], stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = replace(
        stages,
        embedder=Embedder([Model(read_manifest().entry(EmbedderEntry, "mobilefacenet-int8"))]),
    )
    monkeypatch.delattr(embedder_module, "align")
    assert Pipeline(ours, Config()).step(Frame(portraits["eileen"], 0.0, 0)).embedding is not None
