"""Guesses about people: age, gender, emotion, race, by networks that somebody added as files.

None comes with edge-door, and no door asks: `edge.faces.analyze` alone does, for who asked it by
name. The answers have deepface's keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.errors import ModelError, UsageError
from edge.vision.faces.aligner import align
from edge.vision.models.entries import AttributeEntry
from edge.vision.models.loader import Loader
from edge.vision.models.manifest import read_manifest
from edge.vision.models.runtimes import choose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import Config
    from edge.faces.results import Guess
    from edge.records import Floats
    from edge.vision.models.model import Model
    from edge.vision.pipeline import Look

QUESTIONS = ("age", "gender", "emotion", "race")


class Attribute:
    """One network that answers one question."""

    def __init__(self, model: Model[AttributeEntry]) -> None:
        self._model = model

    def shares(self, look: Look) -> Floats:
        """float32 `(n,)`: how likely it finds each answer."""
        alignment, size = self._model.entry.alignment, self._model.size
        face = align(look.frame, look.landmarks, alignment, size)
        return self._model.run(face.pixels)["shares"].ravel()

    def guess(self, look: Look) -> dict[str, Guess]:
        """`age` in years; else per cent by answer, and the `dominant_` one."""
        output, shares = self._model.entry.output, self.shares(look)
        if not output.labels:
            return {output.answers: round(float(shares @ np.arange(len(shares))))}
        by_label = zip(output.labels, (100 * shares).tolist(), strict=True)
        return {
            output.answers: dict(by_label),
            f"dominant_{output.answers}": output.labels[int(shares.argmax())],
        }


def attributes(config: Config, questions: Sequence[str]) -> list[Attribute]:
    """The networks that answer these questions.

    Raises:
        UsageError: there is no such question.
        ModelError: nobody has added a network for it, or its file is not the one that was added.
    """
    folder = config.models_folder
    load, known = Loader(folder, choose(config.models.runtime)), read_manifest(folder)
    added: dict[str, AttributeEntry] = {e.output.answers: e for e in known.of(AttributeEntry)}
    for question in questions:
        if question not in QUESTIONS:
            raise UsageError(f"analyze() knows no {question!r}: actions are {', '.join(QUESTIONS)}")
        if question not in added:
            raise ModelError(
                f"no network that guesses {question} comes with edge-door. Get its file, see that "
                f"its licence suits you, and run: edge-door models add FILE.tflite --preset "
                f"{question}"
            )
    return [Attribute(load(added[question])) for question in questions]
