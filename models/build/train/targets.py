"""What the student is to say of every face, and which faces it learns from.

``python -m models.build.train.targets --vectors vectors.npz --groups groups.npz --persons
faces2_128.npz --out targets.npz`` writes

``share``       ``(n,)`` probability of drawing a face; 0 where it is left out. Who looks like many
                others to the teachers, as the groups do that they know least, is drawn more often
``held_out``    indices of faces never learnt from, half of them with a group's label
``axes``        ``(1024, 256)``, which make 256 numbers of both teachers' unit vectors side by side:
                the first principal components of the faces learnt from, without centring
``test_people`` names of the 38 of 98 named people that are left out

Left out are all faces with a group's label, the people that `adapt` is tested on, and whoever looks
to the teachers like one of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

WEIGHTS = {"edgeface": 0.7, "w600k": 0.3}  # of the cosine; EdgeFace is the fairer of the two
SIZE = 256
ALIKE = 0.5  # cosine from which a face may show the same person
TEST_PEOPLE = 38
HELD_OUT = 768
NEIGHBOURS = 30
CHUNK = 1024


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the rows at length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def joined(said: Mapping[str, NDArray[np.float16]]) -> NDArray[np.float32]:
    """Return ``(n, 1024)`` unit vectors whose cosine is the weighted mean of the teachers'."""
    parts = [np.sqrt(weight) * said[name] for name, weight in WEIGHTS.items()]
    return unit(np.hstack(parts).astype(np.float32))


def left_out(
    vectors: NDArray[np.float32], labelled: NDArray[np.int64], people: NDArray[np.str_]
) -> tuple[NDArray[np.bool_], NDArray[np.str_]]:
    """Return which faces are not learnt from, and the names of the people kept for testing."""
    names = np.unique(people[people != ""])
    test = np.sort(np.random.default_rng(38).choice(names, TEST_PEOPLE, replace=False))
    kept = np.zeros(len(vectors), bool)
    kept[labelled] = True
    kept[-len(people) :] |= np.isin(people, test)
    reference = vectors[kept]
    for i in range(0, len(vectors), CHUNK):
        kept[i : i + CHUNK] |= (vectors[i : i + CHUNK] @ reference.T).max(1) > ALIKE
    return kept, test


def crowding(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each face's mean cosine to its nearest others: high in groups teachers know least."""
    rows = []
    for i in range(0, len(vectors), CHUNK):
        cosines = vectors[i : i + CHUNK] @ vectors.T
        nearest = -np.partition(-cosines, NEIGHBOURS + 1, axis=1)[:, : NEIGHBOURS + 1]
        rows.append((nearest.sum(1) - nearest.max(1)) / NEIGHBOURS)
    return np.concatenate(rows)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.targets")
    for name in ("vectors", "groups", "persons", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    with np.load(options.vectors) as z:
        faces = joined(z)
    with np.load(options.groups) as z:
        labelled = z["index"]
    with np.load(options.persons) as z:
        people = z["person"]
    kept, test = left_out(faces, labelled, people)
    learnt = np.flatnonzero(~kept)
    _, axes = np.linalg.eigh(faces[learnt].T @ faces[learnt])
    axes = axes[:, ::-1][:, :SIZE]
    crowd = crowding(unit(faces[learnt] @ axes))
    rank = crowd.argsort().argsort() / len(crowd)
    share = np.zeros(len(faces))
    share[learnt] = 0.6 + 0.8 * rank + 0.8 * rank**4
    rng = np.random.default_rng(0)
    others = np.setdiff1d(np.flatnonzero(kept), labelled)
    held_out = [rng.choice(some, HELD_OUT // 2, replace=False) for some in (labelled, others)]
    print(f"{len(learnt)} faces learnt from, {kept.sum()} left out; crowding {crowd.mean():.3f}")
    np.savez(
        options.out,
        share=(share / share.sum()).astype(np.float32),
        held_out=np.concatenate(held_out),
        test_people=test,
        axes=axes.astype(np.float32),
    )


if __name__ == "__main__":
    main()
