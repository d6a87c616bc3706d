"""Checks of the program itself: Python, runtime, models, calibration."""

from __future__ import annotations

import platform
import struct
import sys
from typing import TYPE_CHECKING

from edge.errors import ModelError
from edge.ops.doctor.check import Check, fail, ok, warn
from edge.sight.pace import NEEDED_FPS
from edge.vision.calibrated import threshold
from edge.vision.capacity import frames_a_second
from edge.vision.models.chosen import chosen
from edge.vision.models.known import WrongAnswerError, read_known
from edge.vision.models.loader import Loader
from edge.vision.models.manifest import read_manifest, shipped_models
from edge.vision.models.runtimes import AUTO, RUNTIMES, choose

if TYPE_CHECKING:
    from edge.config import Config

OLDEST = (3, 10)
_BITS = 64


def python(_config: Config) -> Check:
    """New enough, and 64 bits."""
    bits = struct.calcsize("P") * 8
    sentence = f"Python {platform.python_version()}, {bits} bits, {platform.machine()}"
    if sys.version_info < OLDEST or bits != _BITS:
        wanted = ".".join(map(str, OLDEST))
        return fail("python", sentence, f"Use a 64-bit system with Python {wanted} or newer.")
    return ok("python", sentence)


def runtime(config: Config) -> Check:
    """Something that runs models."""
    wanted = [r for r in RUNTIMES if config.models.runtime in {AUTO, r.name}]
    found = next((runtime for runtime in wanted if runtime.missing() is None), None)
    if found is None:
        package, best = wanted[0].package, RUNTIMES[0].package
        return fail(
            "runtime",
            f"{package} cannot be used: {wanted[0].missing()}",
            f'Run: {sys.executable} -m pip install {best}, and set [models] runtime = "auto"',
        )
    return ok("runtime", f"{found.name} runs the models")


def models(config: Config) -> Check:
    """Every file is the one that the manifest names, and gives its known answers."""
    manifest = read_manifest(config.models_folder)
    chosen(config)  # a configured name that does not exist raises
    folder = config.models_folder or shipped_models()
    wrong, load = [], Loader(folder, choose(config.models.runtime))
    for entry in manifest.models.values():
        try:
            load(entry)
        except WrongAnswerError as error:
            return fail("models", str(error), "Try the other runtime: [models] runtime.")
        except ModelError:
            wrong.append(entry.path.name)
    if wrong:
        sentence = f"missing or altered: {', '.join(wrong)}"
        return fail("models", sentence, "Put the originals back, or install edge-door again.")
    known = read_known(folder)
    unknown = [name for name, entry in manifest.models.items() if entry.sha256 not in known]
    if unknown:
        sentence = f"no known answers of {', '.join(unknown)}: wrong ones would not be noticed"
        return warn("models", sentence, "Add the file again with `edge-door models add`.")
    return ok("models", f"{len(manifest.models)} files, and the runtime computes them as it should")


def calibration(config: Config) -> Check:
    """Made for the embedder in use, and reaching the false-match rate that is asked for."""
    rate = config.match.false_match_rate
    return ok(
        "calibration", f"similarity {threshold(config):.3f} for a false-match rate of {rate:g}"
    )


def speed(config: Config) -> Check:
    """Frames are judged often enough to see blinks."""
    rate = frames_a_second(config)
    sentence = f"about {rate:.0f} frames a second can be judged here, blinks need {NEEDED_FPS:g}"
    if rate < NEEDED_FPS:
        return warn("speed", sentence, "See `edge-door bench`, and `edge-door bench --tune`.")
    return ok("speed", sentence)
