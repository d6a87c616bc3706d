"""Which comparisons a proof of life rests on."""

import numpy as np

from edge.records import Embedding
from edge.vision.liveness.compared import Compared


def face(number: int) -> Embedding:
    return Embedding(np.eye(8, dtype=np.float32)[number], "model")


def test_all_since_the_proof_was_begun() -> None:
    compared, faces = Compared(10.0), [face(n) for n in range(4)]
    for number, one in enumerate(faces):
        compared.add(float(number), 1, one)
    assert compared.since(1.0) == tuple(faces[1:])
    assert compared.since(None) == ()


def test_another_track_is_another_person() -> None:
    compared, later = Compared(10.0), face(1)
    compared.add(0.0, 1, face(0))
    compared.add(0.1, 2, later)
    assert compared.since(0.0) == (later,)


def test_no_more_is_kept_than_the_longest_proof_needs() -> None:
    compared = Compared(10.0)
    for number in range(200):
        compared.add(number / 10, 1, face(0))
    assert 100 <= len(compared.since(0.0)) <= 130
