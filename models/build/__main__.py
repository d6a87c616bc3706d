"""Make the files in models/, hold the int8 ones against their float siblings, write the hashes."""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from edge.vision.faces.detector import Detector
from edge.vision.faces.landmarks import Mesh
from edge.vision.models.entries import (
    DetectorEntry,
    EmbedderEntry,
    EyelidsEntry,
    LandmarksEntry,
)
from edge.vision.models.manifest import E, Manifest, read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import choose
from models.build import gate, hashes, images, sign
from models.build.recipes import RECIPES


def _model(manifest: Manifest, kind: type[E], name: str) -> Model[E]:
    return Model(manifest.entry(kind, name), choose("litert"), threads=1)


def _sibling(name: str) -> str:
    return name.replace("-int8", "-float16")


def _make(names: list[str], manifest: Manifest, folder: Path) -> Manifest:
    """Make the files into `folder`, and siblings that are not shipped; the manifest with these."""
    models = dict(manifest.models)
    for name in names:
        if _sibling(name) not in models:
            pixels = models[name].input.model_copy(update={"mean": 0.0})  # no zero point in floats
            sibling = {"name": _sibling(name), "input": pixels}
            models[_sibling(name)] = models[name].model_copy(update=sibling)
    for name in [*names, *(models.keys() - manifest.models.keys())]:
        path = folder / f"{name}.tflite"
        path.write_bytes(RECIPES[name]())
        made = {"path": path, "sha256": hashes.sha256(path)}
        models[name] = models[name].model_copy(update=made)
        print(f"{name}: {path.stat().st_size} bytes, {made['sha256']}")
    return manifest.model_copy(update={"models": models})


def _located(manifest: Manifest, data: Path) -> gate.Located:
    """Faces to compare embedders on: LFW's, or the portraits' at many scales and angles."""
    folder = data / "lfw_view1_test" / "images"
    pictures = {
        str(path.relative_to(folder)): images.read(path) for path in sorted(folder.glob("*/*.jpg"))
    }
    if not pictures:
        random = np.random.default_rng(0)
        for number, portrait in enumerate(images.portraits() * 50):
            pictures[f"{number % 2}/{number}"] = images.view(portrait, 512, random)
    detector = Detector(_model(manifest, DetectorEntry, "blazeface-short-float16"))
    mesh = Mesh(_model(manifest, LandmarksEntry, "face-mesh-float16"))
    return gate.located(detector, mesh, pictures)


def _gates(names: list[str], manifest: Manifest, data: Path) -> dict[str, gate.Gate]:
    """Every int8 model among `names` held against its float sibling."""
    gates = {}
    pairs = [(name, _sibling(name)) for name in names if name.endswith("-int8")]
    kinds = {type(manifest.models[name]) for name, _ in pairs}
    lfw = sorted((data / "lfw_view1_test" / "images").glob("*/*.jpg"))
    if not lfw:
        print(f"no pictures in {data}: the gate looks at two portraits only, and at no TAR")
    pictures = [images.read(path) for path in lfw[::5]] or images.portraits()
    located = EmbedderEntry in kinds or EyelidsEntry in kinds
    faces = _located(manifest, data) if located else {}
    for name, sibling in pairs:
        if isinstance(manifest.models[name], EmbedderEntry):
            before, after = (_model(manifest, EmbedderEntry, each) for each in (sibling, name))
            gates[name] = gate.embedder(before, after, faces)
        elif isinstance(manifest.models[name], EyelidsEntry):
            eyes = [_model(manifest, EyelidsEntry, each) for each in (sibling, name)]
            gates[name] = gate.eyelids(eyes[0], eyes[1], faces)
        elif (kind := type(manifest.models[name])) in gate.PASSIVE:
            find = Detector(_model(manifest, DetectorEntry, "blazeface-short-float16"))
            two = [_model(manifest, kind, each) for each in (sibling, name)]
            gates[name] = gate.passive(two[0], two[1], find, pictures)
        else:
            one, other = (_model(manifest, DetectorEntry, each) for each in (sibling, name))
            gates[name] = gate.detector(one, other, pictures)
    return gates


def _report(gates: dict[str, gate.Gate]) -> bool:
    for name, result in gates.items():
        figures = ", ".join(f"{key} {value:.4g}" for key, value in result.figures.items())
        print(f"{name}: {figures}")
        for missed in result.missed:
            print(f"{name}: FAILED: {missed}")
    return not any(result.missed for result in gates.values())


def main() -> int:
    """Build or check."""
    parser = argparse.ArgumentParser(prog="python -m models.build", description=__doc__)
    old = read_manifest(hashes.MODELS)
    shipped = [name for name in RECIPES if name in old.models]
    parser.add_argument("--only", action="append", choices=shipped, metavar="NAME")
    parser.add_argument("--check", action="store_true", help="write nothing, compare the hashes")
    parser.add_argument("--data", type=Path, default=images.DATA, help="for the gate")
    parser.add_argument("--key", type=Path, help=f"the project's, to sign; else ${sign.KEY}")
    given = parser.parse_args()
    names = given.only or shipped
    with tempfile.TemporaryDirectory() as folder:
        new = _make(names, old, Path(folder))
        good = _report(_gates(names, new, given.data))
        differ = [n for n in names if new.models[n].sha256 != old.models[n].sha256]
        if given.check:
            print(f"{len(names) - len(differ)} of {len(names)} files are the same", *differ)
            good = good and not differ
        elif good:
            for name in names:
                old.models[name].path.write_bytes(new.models[name].path.read_bytes())
            hashes.write()
            sign.sign_or_say(given.key)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
