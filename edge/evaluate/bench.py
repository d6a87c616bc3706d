"""How fast is it? Every stage and the whole step, the chosen models and their float twins.

All variants see each frame in turn, so that a busy moment of the machine falls on all alike.
"""

from __future__ import annotations

import platform
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from typing_extensions import override

from edge.errors import UsageError
from edge.records import Frame
from edge.vision.budget import Unhurried
from edge.vision.faces.shortlist import EMBED_EVERY_S
from edge.vision.models.entries import (
    DetectorEntry,
    EmbedderEntry,
    Entry,
    EyelidsEntry,
    LandmarksEntry,
    role_of,
)
from edge.vision.models.manifest import read_manifest
from edge.vision.models.runtimes import available, choose
from edge.vision.pictures import images_in, read_image
from edge.vision.pipeline import Pipeline
from edge.vision.portraits import portraits
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.config import Config
    from edge.evaluate.stats import Series
    from edge.records import Pixels
    from edge.vision.models.manifest import Manifest
    from edge.vision.models.runtime import Network, Runtime
    from edge.vision.pipeline import Look

STEPS = 120
WARM_UP = 5
_FRAME_S = EMBED_EVERY_S * 1.1  # so that the embedder runs on every frame
_SHIFT = 6
_SIZE = (640, 480)
_FLOATS = ("float32", "float16")
_ROLES: dict[str, type[Entry]] = {
    role_of(kind): kind for kind in (DetectorEntry, LandmarksEntry, EyelidsEntry, EmbedderEntry)
}


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds of many runs."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One set of models on one runtime."""

    models: dict[str, str]
    """Name of the model in each role."""
    stages: dict[str, Timing]
    step: Timing


@dataclass(frozen=True, slots=True)
class Bench:
    """What one machine does."""

    chosen: Figures
    """The models of the configuration."""
    floats: Figures
    """Their twins in floating point; the same model where there is none, or it is float itself."""
    others: dict[str, tuple[Figures, Figures]]
    """The same two on the other runtimes, by name."""
    embedders: dict[str, Timing]
    """From a located face to its vector, by each int8 embedder of the manifest."""
    overhead_share: float
    """Share of a step that was not spent inside the models' kernels.

    Measured with the chosen models alone, as a door runs them: a twin between two steps leaves cold
    caches to what is outside more than to the kernels. Over two steps at a time, since the passive
    checks look on every second one, and over the quickest quarter of these pairs, which other
    programs disturbed least. Outside are all pictures cut out for the networks, and the stopwatch.
    """
    runtime: str
    threads: int
    steps: int
    load_ms: float
    """From nothing to models ready for the first frame."""
    rss_mb: float
    """Resident memory of the process with the chosen models at work."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "stages": _side_by_side(self.chosen, self.floats),
            "step": _timing(self.chosen.step, self.floats.step),
            "overhead_share": round(self.overhead_share, 4),
            "rss_mb": round(self.rss_mb, 1),
            "load_ms": round(self.load_ms, 1),
            "embedders": {
                n: {"p50_ms": round(t.p50, 4), "p95_ms": round(t.p95, 4)}
                for n, t in self.embedders.items()
            },
            "models": self.chosen.models,
            "float_models": self.floats.models,
            "runtime": self.runtime,
            "runtimes": {
                name: {"stages": _side_by_side(*pair), "step": _timing(pair[0].step, pair[1].step)}
                for name, pair in self.others.items()
            },
            "threads": self.threads,
            "steps": self.steps,
            "machine": platform.machine(),
        }


def _side_by_side(chosen: Figures, floats: Figures) -> dict[str, dict[str, float]]:
    return {name: _timing(timing, floats.stages[name]) for name, timing in chosen.stages.items()}


def _timing(chosen: Timing, in_float: Timing) -> dict[str, float]:
    values = {"p50_ms": chosen.p50, "p95_ms": chosen.p95, "p99_ms": chosen.p99}
    return {k: round(v, 4) for k, v in (values | {"float_p50_ms": in_float.p50}).items()}


@dataclass
class Stopwatch(Unhurried):
    """Seconds of each stage, each step, and of each step's kernels."""

    stages: dict[str, list[float]] = field(default_factory=dict)
    steps: list[float] = field(default_factory=list)
    kernels: list[float] = field(default_factory=list)
    _running: tuple[str, float] = ("", 0.0)

    @override
    def __call__(self, stage: str) -> Stopwatch:
        """Time one stage at a time; less is measured with it than with a generator."""
        self._running = stage, time.perf_counter()
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        name, begin = self._running
        self.stages.setdefault(name, []).append(time.perf_counter() - begin)

    def clear(self) -> None:
        """Forget what was measured: the warm-up is over."""
        self.stages.clear()
        self.steps.clear()
        self.kernels.clear()


class _Kernels:
    """A runtime whose networks note the time that they spend computing."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.name, self.package, self.missing = runtime.name, runtime.package, runtime.missing
        self.spent_s = 0.0

    def load(self, content: bytes, threads: int) -> Network:
        return _Timed(self._runtime.load(content, threads), self)


class _Timed:
    def __init__(self, network: Network, kernels: _Kernels) -> None:
        self._network, self._kernels = network, kernels
        self.inputs, self.outputs = network.inputs, network.outputs
        self.stored_types = network.stored_types
        self.put, self.read = network.put, network.read

    def compute(self) -> None:
        begin = time.perf_counter()
        self._network.compute()
        self._kernels.spent_s += time.perf_counter() - begin


class _Variant:
    """One set of models on one runtime, with its own follower of faces."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.watch = Stopwatch()
        self._kernels = _Kernels(choose(config.models.runtime))
        self._stages = Stages.load(config, self._kernels)
        self._pipeline = Pipeline(self._stages, config, self.watch)

    def look(self, frame: Frame) -> Look:
        return self._pipeline.look(frame, self._stages.detector.detect(frame)[0])

    def step(self, frame: Frame) -> None:
        kernels, begin = self._kernels.spent_s, time.perf_counter()
        evidence = self._pipeline.step(frame)
        self.watch.steps.append(time.perf_counter() - begin)
        self.watch.kernels.append(self._kernels.spent_s - kernels)
        if evidence.embedding is None:
            raise UsageError(
                f"the picture cannot be used for the measurement: {evidence.faces} faces, and the "
                "way must be free for exactly one to the end. Give portraits of one person each."
            )

    def figures(self, manifest: Manifest) -> Figures:
        section = self.config.models
        return Figures(
            models={
                role: manifest.serving(kind, getattr(section, role)).name
                for role, kind in _ROLES.items()
            },
            stages={name: _timed(spans) for name, spans in self.watch.stages.items()},
            step=_timed(self.watch.steps),
        )


def outside(watch: Stopwatch) -> float:
    """See `Bench.overhead_share`."""
    steps, kernels = _in_pairs(watch.steps), _in_pairs(watch.kernels)
    quick = steps <= np.percentile(steps, 25)
    return float(1.0 - kernels[quick].sum() / steps[quick].sum())


def _in_pairs(spans: list[float]) -> Series:
    return np.array(spans[: len(spans) // 2 * 2]).reshape(-1, 2).sum(axis=1)


def _timed(spans: list[float]) -> Timing:
    p50, p95, p99 = np.percentile(np.array(spans) * 1e3, [50, 95, 99])
    return Timing(float(p50), float(p95), float(p99))


def bench(config: Config, pictures: Path | None = None, steps: int = STEPS) -> Bench:
    """Measure on this machine.

    Args:
        config: Names the models, the runtime and the number of threads.
        pictures: A folder of portraits; default: two portraits from Python packages.
        steps: Frames measured.

    Raises:
        UsageError: there is no portrait to measure on, or it shows no single good face.
        ModelError: see `Stages.load`.
    """
    manifest = read_manifest(config.models_folder)
    shown = portraits() if pictures is None else read_all(pictures)
    begin = time.perf_counter()
    alone = _Variant(config)
    load_ms = (time.perf_counter() - begin) * 1e3
    _interleaved((alone,), frames_of(shown, WARM_UP + steps))
    rss_mb = _resident_mb()
    runtime, *others = _runtimes(config)
    chosen, floats = _pair(config, manifest, runtime)
    _interleaved((chosen, floats), frames_of(shown, WARM_UP + steps))
    # One runtime after the other: a door's caches hold one set of models, or at most its twin's.
    pairs = {name: _pair(config, manifest, name) for name in others}
    for pair in pairs.values():
        _interleaved(pair, frames_of(shown, WARM_UP + steps))
    looks = map(chosen.look, frames_of(shown, steps + WARM_UP))
    return Bench(
        chosen=chosen.figures(manifest),
        floats=floats.figures(manifest),
        others={n: (a.figures(manifest), b.figures(manifest)) for n, (a, b) in pairs.items()},
        embedders=_embedders(config, manifest, looks),
        overhead_share=outside(alone.watch),
        runtime=runtime,
        threads=config.models.threads,
        steps=steps,
        load_ms=load_ms,
        rss_mb=rss_mb,
    )


def _interleaved(variants: tuple[_Variant, ...], frames: Iterator[Frame]) -> None:
    """Show every frame to all of them in turn; the first few only warm them up."""
    for number, frame in enumerate(frames):
        for variant in variants:
            if number == WARM_UP:
                variant.watch.clear()
            variant.step(frame)


def _embedders(config: Config, manifest: Manifest, looks: Iterable[Look]) -> dict[str, Timing]:
    runtime = choose(config.models.runtime)
    embedders = {
        each.name: Stages.embedder_of(_with_models(config, embedder=each.name), manifest, runtime)
        for each in manifest.embedders
        if each.precision == "int8"
    }
    spans: dict[str, list[float]] = {name: [] for name in embedders}
    for look in looks:
        for name, embedder in embedders.items():
            begin = time.perf_counter()
            embedder.embed(look.frame, look.landmarks, look.aligned)
            spans[name].append(time.perf_counter() - begin)
    return {name: _timed(taken[WARM_UP:]) for name, taken in spans.items()}


def read_all(folder: Path) -> list[Pixels]:
    """The pictures of a folder.

    Raises:
        UsageError: it is none.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder of portraits")
    return [read_image(path) for path in images_in(folder)]


def frames_of(pictures: list[Pixels], count: int) -> Iterator[Frame]:
    """As from a camera of 640x480: each portrait for a share of the time, swaying a little.

    One by one, since a camera's frame too has just been written when it is looked at.
    """
    fitted = [_fitted(picture) for picture in pictures]
    for number in range(count):
        sway = abs(number % (4 * _SHIFT) - 2 * _SHIFT) - _SHIFT
        pixels = np.roll(fitted[number * len(fitted) // count], sway, axis=1)
        yield Frame(pixels, number * _FRAME_S, number + 1)


def _fitted(picture: Pixels) -> Pixels:
    width, height = _SIZE
    scale = min(width / picture.shape[1], height / picture.shape[0])
    shrunk = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - shrunk.shape[0]) // 2, (width - shrunk.shape[1]) // 2
    canvas[top : top + shrunk.shape[0], left : left + shrunk.shape[1]] = shrunk
    return canvas


def _runtimes(config: Config) -> list[str]:
    """The configured runtime, then the others that import here."""
    first = choose(config.models.runtime)
    return [first.name, *(runtime.name for runtime in available() if runtime is not first)]


def _pair(config: Config, manifest: Manifest, runtime: str) -> tuple[_Variant, _Variant]:
    there = _with_models(config, runtime=runtime)
    return _Variant(there), _Variant(in_float(there, manifest))


def in_float(config: Config, manifest: Manifest) -> Config:
    """The same models in floating point, as far as the manifest has them."""
    twins = {
        role: _twin(manifest, kind, getattr(config.models, role)) for role, kind in _ROLES.items()
    }
    return _with_models(config, **twins)


def _twin(manifest: Manifest, kind: type[Entry], name: str | None) -> str:
    serving = manifest.serving(kind, name)
    stem = serving.name.removesuffix(f"-{serving.precision}")
    twins = [f"{stem}-{precision}" for precision in _FLOATS]
    if serving.precision in _FLOATS:
        return serving.name
    known = manifest.models.keys() | manifest.ensembles.keys()
    return next((twin for twin in twins if twin in known), serving.name)


def _with_models(config: Config, **changed: str) -> Config:
    return config.model_copy(update={"models": config.models.model_copy(update=changed)})


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20
