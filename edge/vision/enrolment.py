"""Several good, different captures of one face become one template."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import EnrolmentError
from edge.records import Hint, Template
from edge.vision.faces.quality import assess_for_enrolment
from edge.vision.pipeline import people_in
from edge.vision.still import faces_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import Embedding, Floats, Frame
    from edge.vision.pipeline import Pipeline
    from edge.vision.stages import Stages

WANTED = 8
"""Vectors in a template: more add little, and every one is a further chance for a stranger."""
FEWEST = 3
"""From a camera. Files may be fewer, since a person chose them; fewer make a weak template."""
TOO_ALIKE = 0.005
"""Captures are the same picture again within this share of the way from equality to a mismatch:
how far apart cosines lie differs between embedders."""
_POOL = 64
"""Captures looked at before the most different ones are chosen."""


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """What one frame gave: an embedding, or the hint that says why not."""

    embedding: Embedding | None
    hint: Hint


def capture(frame: Frame, pipeline: Pipeline, stages: Stages, *, picture: bool = False) -> Capture:
    """Try to take one capture: exactly one face, and good enough for a template.

    `picture`: it stands alone, and is looked at in parts too, so that no group passes for one.
    """
    found = faces_in(frame, stages, near=True) if picture else stages.detector.detect(frame)
    faces = people_in(found)
    if len(faces) != 1:
        return Capture(None, Hint.ONE_AT_A_TIME if faces else Hint.MOVE_TO_CENTRE)
    look = pipeline.look(frame, faces[0])
    quality = assess_for_enrolment(look.quality, look.landmarks, look.aligned)
    if quality.ok:
        return Capture(stages.embedder.embed(frame, look.landmarks, look.aligned), Hint.NONE)
    covered = quality.hint is Hint.UNCOVER_FACE
    turned = covered and _better_turned(frame, look.landmarks.presence, pipeline, stages)
    return Capture(None, Hint.UPSIDE_DOWN if turned else quality.hint)


def _better_turned(frame: Frame, presence: float, pipeline: Pipeline, stages: Stages) -> bool:
    """Whether the mesh believes more in the face when the picture is turned round."""
    turned = replace(frame, pixels=np.ascontiguousarray(frame.pixels[::-1, ::-1]))
    faces = people_in(stages.detector.detect(turned))
    return len(faces) == 1 and pipeline.look(turned, faces[0]).landmarks.presence > presence


class Collector:
    """Keeps captures that differ, until there are enough of them to choose from."""

    def __init__(self, threshold: float) -> None:
        """Two captures match from the similarity `threshold` on."""
        self._threshold = threshold
        self._too_alike = 1.0 - TOO_ALIKE * (1.0 - threshold)
        self.embeddings: list[Embedding] = []
        self.refused: dict[Hint, int] = {}

    @property
    def full(self) -> bool:
        """More would not change the choice."""
        return len(self.embeddings) >= _POOL

    def add(self, taken: Capture) -> bool:
        """Keep a capture unless it failed or repeats another: whether it was kept."""
        if taken.embedding is None:
            self.refused[taken.hint] = self.refused.get(taken.hint, 0) + 1
            return False
        vector = taken.embedding.vector
        if any(float(vector @ known.vector) > self._too_alike for known in self.embeddings):
            return False
        self.embeddings.append(taken.embedding)
        return True

    def template(self, name: str, fewest: int = FEWEST) -> Template:
        """The template of everything collected.

        Raises:
            EnrolmentError: too few captures, or they show different people.
        """
        if len(self.embeddings) < fewest:
            raise EnrolmentError(self._too_few(fewest))
        vectors = np.stack([e.vector for e in self.embeddings])
        kept = vectors[_inliers(vectors, self._threshold)]
        if len(kept) < max(fewest, (len(vectors) + 1) // 2):
            found = f"only {len(kept)} show the same face" if len(kept) else "most show no one face"
            raise EnrolmentError(
                f"of {len(vectors)} captures {found}. "
                "Enrol one person at a time, from pictures of that person alone."
            )
        chosen = kept[_most_different(kept, WANTED)]
        return Template(name, chosen, self.embeddings[0].model)

    def others(self) -> list[int]:
        """Which embeddings show somebody else than most do, by their index."""
        if not self.embeddings:
            return []
        inliers = set(_inliers(np.stack([e.vector for e in self.embeddings]), self._threshold))
        return [index for index in range(len(self.embeddings)) if index not in inliers]

    def _too_few(self, fewest: int) -> str:
        count = len(self.embeddings)
        reasons = ", ".join(f"{hint.value} ({n}x)" for hint, n in self.refused.items())
        why = f" What was missing: {reasons}." if reasons else ""
        return (
            f"only {count} usable and different captures, {fewest} are needed.{why} "
            "Show one face, near, in good light, and turn the head a little."
        )


def _inliers(vectors: Floats, threshold: float) -> Sequence[int]:
    """Rows that match at least half of the other rows: others show someone else.

    Their median would not do: of two, one that matches and one that does not, it is their mean.
    """
    similarity = vectors @ vectors.T
    np.fill_diagonal(similarity, -1.0)
    matching = (similarity >= threshold).sum(axis=1)
    return [int(row) for row in np.flatnonzero(2 * matching >= len(vectors) - 1)]


def _most_different(vectors: Floats, count: int) -> list[int]:
    """Farthest-point choice: start at the most typical row, add what is least covered so far."""
    similarity = vectors @ vectors.T
    chosen = [int(similarity.sum(axis=1).argmax())]
    while len(chosen) < min(count, len(vectors)):
        covered = similarity[:, chosen].max(axis=1)
        covered[chosen] = np.inf
        chosen.append(int(covered.argmin()))
    return chosen
