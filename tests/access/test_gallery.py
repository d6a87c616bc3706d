"""Templates in one block are compared as each alone would be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.access import nearest
from edge.access.cohort import Cohort
from edge.access.gallery import Gallery, pooled
from edge.access.matcher import PROBES, Probes, match, ranked, resembled_by_all
from edge.records import Embedding, Template
from tests.access.test_rules import CALIBRATION, MODEL, RULE

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE = 16
RATE = 0.3
RANDOM = np.random.default_rng(3)


def units(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    vectors = RANDOM.normal(size=(count, SIZE)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


COHORT = Cohort(units(40), share=0.6, nearest=7)
RULED = replace(CALIBRATION, measured_rule=replace(RULE, cohort=COHORT))
TEMPLATES = [Template(f"p{n}", units(1 + n % 5), MODEL) for n in range(60)]
APART = [Template(f"p{n}", np.eye(SIZE, dtype=np.float32)[[n]], MODEL) for n in range(3)]


@pytest.mark.parametrize("templates", [APART, Gallery(APART, COHORT)])
def test_who_proves_to_be_alive_resembles_somebody_in_every_comparison(
    templates: Sequence[Template],
) -> None:
    own, other = (template.vectors[0] for template in APART[:2])
    seen = [
        Embedding(pooled(np.stack(vectors)), MODEL) for vectors in ([own], [own, other], [other])
    ]
    assert resembled_by_all(seen[:1], templates, 0.6) == {"p0"}
    assert resembled_by_all(seen[1:2], templates, 0.6) == {"p0", "p1"}
    assert resembled_by_all(seen[:2], templates, 0.6) == {"p0"}
    assert not resembled_by_all(seen, templates, 0.6)
    assert not resembled_by_all((), templates, -1.0)


@pytest.mark.parametrize("seed", range(5))
def test_every_template_is_compared_as_the_rule_says(seed: int) -> None:
    probe = Embedding(units(5)[seed], MODEL)
    found = {one.person: one for one in ranked(probe, Gallery(TEMPLATES, COHORT), RULED, RATE)}
    assert len(found) == len(TEMPLATES)
    rate = RATE / len(TEMPLATES)
    of_probe = COHORT.crowding(probe.vector[np.newaxis])[0]
    for template in TEMPLATES:
        together = template.vectors.sum(axis=0)
        together /= np.linalg.norm(together)
        crowding = COHORT.crowding(together[np.newaxis])[0]
        needed = RULED.rule.threshold_for(len(template.vectors), rate) + of_probe + crowding
        one = found[template.person]
        assert one.similarity == pytest.approx(together @ probe.vector, abs=1e-5)
        assert one.threshold == pytest.approx(needed, abs=1e-5)


def test_probes_of_one_track_count_together_and_no_longer_than_so_many() -> None:
    several = units(PROBES + 1)
    probes = Probes()
    joined = [probes.joined(7, Embedding(one, MODEL)).vector for one in several]
    assert joined[0] == pytest.approx(several[0], abs=1e-6)
    assert joined[1] == pytest.approx(pooled(several[:2]), abs=1e-6)
    assert joined[-1] == pytest.approx(pooled(several[1:]), abs=1e-6)


def test_a_new_track_does_not_live_off_the_one_before() -> None:
    ann, other = units(2)
    probes = Probes()
    for _ in range(PROBES):
        probes.joined(1, Embedding(ann, MODEL))
    assert probes.joined(2, Embedding(other, MODEL)).vector == pytest.approx(other, abs=1e-6)


def test_what_pictures_have_in_common_counts_more_than_what_is_chance_in_each() -> None:
    own = units(1)[0]
    pictures = own + 0.3 * RANDOM.normal(size=(8, SIZE)).astype(np.float32)
    pictures /= np.linalg.norm(pictures, axis=1, keepdims=True)
    assert pooled(pictures) @ own > max(pictures @ own)


def test_the_best_is_the_first_of_all_and_a_plain_list_does_as_well() -> None:
    gallery = Gallery(TEMPLATES, COHORT)
    for vector in units(20):
        probe = Embedding(vector, MODEL)
        best = match(probe, gallery, RULED, RATE)
        assert best == ranked(probe, gallery, RULED, RATE)[0]
        assert best.person == match(probe, TEMPLATES, RULED, RATE).person


def test_a_gallery_is_the_templates_in_their_order() -> None:
    gallery = Gallery(TEMPLATES, COHORT)
    assert [template.person for template in gallery] == [each.person for each in TEMPLATES]
    assert len(gallery) == len(TEMPLATES)
    assert gallery[1:3] == tuple(TEMPLATES[1:3])
    assert not Gallery((), COHORT)


class TestMoreThanCanBeCompared:
    """With an index only the nearest are compared, and hardly one is missed."""

    MANY, RATE = 1500, 0.9

    @pytest.fixture
    def galleries(self, monkeypatch: pytest.MonkeyPatch) -> tuple[Gallery, Gallery]:
        people = [Template(f"p{n}", units(1 + n % 5), MODEL) for n in range(self.MANY)]
        exact = Gallery(people, COHORT)
        monkeypatch.setattr(nearest, "MANY", 1000)
        return exact, Gallery(people, COHORT)

    def test_recall(self, galleries: tuple[Gallery, Gallery]) -> None:
        exact, indexed = galleries
        probes = [
            near(exact[int(number)].vectors[0]) for number in RANDOM.integers(self.MANY, size=200)
        ]
        best = [
            match(probe, gallery, RULED, self.RATE) for probe in probes for gallery in galleries
        ]
        same = [a.person == b.person for a, b in zip(best[::2], best[1::2], strict=True)]
        assert np.mean(same) >= 0.99
        assert len(ranked(probes[0], exact, RULED, self.RATE)) == self.MANY
        assert 1 <= len(ranked(probes[0], indexed, RULED, self.RATE)) <= nearest.FOUND

    def test_the_best_is_found_where_crowding_decides(self) -> None:
        vectors = units(2000)
        crowding = RANDOM.normal(scale=0.3, size=len(vectors)).astype(np.float32)
        index = nearest.Nearest(vectors, crowding)
        probes = units(100)
        best = (vectors @ probes.T - crowding[:, np.newaxis]).argmax(axis=0)
        found = [number in index.to(probe) for number, probe in zip(best, probes, strict=True)]
        assert np.mean(found) >= 0.99

    def test_without_the_package_all_are_compared(
        self, galleries: tuple[Gallery, Gallery], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(nearest, "find_spec", lambda _name: None)
        plain = Gallery(list(galleries[0]), COHORT)
        probe = near(galleries[0][7].vectors[0])
        assert len(ranked(probe, plain, RULED, self.RATE)) == self.MANY


def near(vector: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Embedding:
    """The same face in another picture: a cosine of about 0.8."""
    noise = vector + 0.75 * units(1)[0]
    return Embedding(noise / np.linalg.norm(noise), MODEL)
