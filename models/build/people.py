"""Shared faces as pictures and tables, for `edge-door calibrate` and `edge-door evaluate`.

    python -m models.build.people --data ../shared/data --out FOLDER

- `cohort/`: 6,000 faces of UTKFace and other sources, unnamed (`calibrate --cohort`)
- `learn.csv`: LFW View 1 test as one group, half of the adults of `groups.npz` with its labels, and
  60 of the 98 actors with names (`calibrate --people`)
- `held.csv`: everybody else of `groups.npz`, and the other 38 actors
  (`evaluate verification --groups`)

The actors are Indian; whether women or men the embedder in use tells by the labels of `groups.npz`
(linear discriminant analysis). Nobody's label is certain, and a door asks for none.
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.config import Config
from edge.evaluate.verification import encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COHORT = (4500, 1500)
_LABELS = ("Indian woman adult", "Indian man adult")
_MASKED = ("prajnasb", "techyhoney", "chandrikadeb7")
SAME = (
    (5185, 3327),
    (11516, 9397),
    (16758, 18992),
    (20962, 20963),
    (16763, 18998),
    (13147, 9135),
    (16678, 18934),
    (21444, 21803),
    (8642, 5091),
    (20241, 20240),
    (18979, 16736),
    (20780, 20730),
    (3050, 7171),
    (8866, 3389),
    (16053, 16623),
    (9448, 9451, 5251),
    (7146, 3383, 13976),
    (8005, 5246, 8864, 2748),
    (3377, 3038),
    (4531, 3045, 5250, 5252),
    (4537, 3393),
    (18497, 18279, 18495),
    (4538, 3390, 3387),
    (8872, 4544),
    (20973, 20971, 21570, 21569, 20972),
    (20260, 20261),
    (16771, 16770, 19003),
    (21566, 21573),
    (20050, 20049),
    (19435, 20524),
    (6023, 4879),
    (8392, 4877, 13159),
    (17237, 17593),
    (13546, 11223),
    (13154, 14096),
    (20198, 20199),
    (19383, 19817),
    (18456, 17971),
    (1234, 1374),
    (7780, 17105),
    (16161, 17642),
    (17084, 17097),
    (15132, 7782, 15334),
    (21487, 21539),
    (20506, 20389, 19946, 19941, 19944),
    (21074, 21069),
    (19532, 19215),
    (19862, 19842),
    (18053, 17184, 18048, 17742),
    (20892, 20893),
    (49, 21745),
    (25, 28),
    (19696, 20448),
    (20812, 20453),
    (17182, 17177),
    (16460, 15122),
)
"""Places in `faces_128.npz` that show one person, as far as a better network and the eye tell."""
ALIASES = {
    "sambhav/akshay_kumar": "bollywood/Akshay_Kumar",
    "sambhav/deepika_padukone": "bollywood/Deepika_Padukone",
    "sambhav/ranbir_kapoor": "bollywood/Ranbir_Kapoor",
    "sambhav/shah_rukh_khan": "bollywood/Shah_Rukh_Khan",
}
FAMOUS = {
    "bollywood/Aamir_Khan": (6037,),
    "bollywood/Akshay_Kumar": (11223, 13546),
    "bollywood/Anushka_Shetty": (3778,),
    "bollywood/Asin": (3387, 3390, 4538),
    "bollywood/Bipasha_Basu": (10581,),
    "bollywood/Deepika_Padukone": (4544, 8872),
    "bollywood/Juhi_Chawla": (11564,),
    "bollywood/Kajal_Aggarwal": (2743, 7169),
    "bollywood/Kajol": (8863,),
    "bollywood/Katrina_Kaif": (3392,),
    "bollywood/Madhuri_Dixit": (2748, 5246, 8005, 8864),
    "bollywood/Parineeti_Chopra": (2749,),
    "bollywood/Prachi_Desai": (7166,),
    "bollywood/Rani_Mukerji": (3050, 7171),
    "bollywood/Sanjay_Dutt": (18397,),
    "bollywood/Sonakshi_Sinha": (5248,),
    "bollywood/Tabu": (8003,),
    "bollywood/Tamannaah_Bhatia": (7164,),
    "bollywood/Vaani_Kapoor": (7180,),
    "bollywood/Vidya_Balan": (8033,),
    "bollywood/Yami_Gautam": (3777,),
}
"""Places in `faces_128.npz` that show one of the actors, found in the same way."""
WRONG = (
    2254,
    2277,
    2391,
    2406,
    2408,
    2428,
    2447,
    2501,
    2504,
    2544,
    2601,
    2632,
    2675,
    2737,
    2745,
    2778,
    2781,
    2783,
    2794,
    2905,
    2941,
    2952,
    2987,
    3114,
    3115,
    3145,
    3182,
    3199,
    3205,
    3206,
    3225,
    3232,
    3246,
    3427,
    3491,
    3513,
    3535,
    3538,
    3541,
    3557,
    3565,
    3586,
    3587,
    3658,
    3729,
    3731,
    3761,
    3784,
    3824,
    3946,
    3998,
    4015,
    4082,
    4179,
    4214,
    4267,
    4319,
    4323,
    4390,
    4443,
    12750,
    12756,
)
"""Pictures of `faces2_128.npz` that show somebody else than their label says."""

Row = tuple[str, str, str]


def main() -> None:
    """Write everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    data, out = given.data, given.out
    out.mkdir(parents=True, exist_ok=True)
    groups = np.load(data / "groups.npz")
    first, second = _Crops(data / "faces_128.npz"), _Crops(data / "faces2/faces2_128.npz")
    named = np.char.str_len(second.of["person"]) > 0
    plain = np.flatnonzero(~named & ~np.isin(second.of["source"], _MASKED))
    rest = np.setdiff1d(np.arange(len(first)), groups["index"])
    random = np.random.default_rng(0)
    first.write(random.permutation(rest)[: _COHORT[0]], out / "cohort")
    second.write(random.permutation(plain)[: _COHORT[1]], out / "cohort")
    marked = first.write(groups["index"], out / "groups")
    labels = [str(label) for label in groups["group"]]
    actors = np.setdiff1d(np.flatnonzero(named), WRONG)
    pictured = second.write(actors, out / "actors")
    who = [ALIASES.get(str(p), str(p)) for p in second.of["person"][actors]]
    cast = _agreed(list(zip(pictured, who, _told(out, marked, labels, pictured), strict=True)))
    names = np.unique(second.of["person"][named])
    drawn = np.random.default_rng(38).choice(names, 38, replace=False)  # training leaves them out
    held = {ALIASES.get(str(name), str(name)) for name in drawn}
    faces = _owners(groups["index"])
    learnt = _half(faces, labels, held)
    report = list(zip(marked, faces, labels, strict=True))
    lfw = sorted((data / "lfw_view1_test" / "images").resolve().glob("*/*.jpg"))
    press = [(str(path), path.parent.name, "press") for path in lfw]
    known = [row for row in report if row[1] in learnt and row[2].endswith("adult")]
    _table(out / "learn.csv", press + known + [row for row in cast if row[1] not in held])
    others = [row for row in report if row[1] not in learnt]
    _table(out / "held.csv", others + [row for row in cast if row[1] in held])


def _owners(places: NDArray[np.int64]) -> list[str]:
    """Whose each face is, as far as anybody can tell."""
    owner = {place: f"face {same[0]}" for same in SAME for place in same}
    owner |= {place: actor for actor, shown in FAMOUS.items() for place in shown}
    return [owner.get(int(place), f"face {place}") for place in places]


def _half(faces: list[str], labels: list[str], held: set[str]) -> set[str]:
    """People of `groups.npz` to learn from: every second of each group; actors as they are cast."""
    learnt = set()
    for label in sorted(set(labels)):
        people = sorted({face for face, its in zip(faces, labels, strict=True) if its == label})
        learnt |= set(people[::2])
    actors = set(FAMOUS)
    return (learnt - actors) | (actors - held)


class _Crops:
    """Stored crops: WebP files one after the other."""

    def __init__(self, path: Path) -> None:
        self.of = np.load(path)
        self._data, self._offsets = self.of["data"], self.of["offsets"]
        self._stem = path.stem

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def write(self, places: NDArray[np.int64], folder: Path) -> list[str]:
        """Each as a file; their paths from the folder above."""
        folder.mkdir(exist_ok=True)
        names = [f"{folder.name}/{self._stem}_{place:05d}.webp" for place in places]
        for name, place in zip(names, places, strict=True):
            start, end = self._offsets[place : place + 2]
            (folder.parent / name).write_bytes(self._data[start:end].tobytes())
        return names


def _told(folder: Path, marked: list[str], labels: list[str], others: list[str]) -> list[str]:
    """Which of the two labels each other picture gets."""
    encoded = encode(Config(), folder, marked + others)
    adult = np.isin(labels, _LABELS)
    names, classes = np.unique(np.array(labels)[adult], return_inverse=True)
    known, unknown = encoded.vectors[: len(marked)][adult], encoded.vectors[len(marked) :]
    means = np.stack([known[classes == c].mean(axis=0) for c in range(len(names))])
    within = np.cov((known - means[classes]).T)
    within += 0.1 * np.trace(within) / len(within) * np.eye(len(within))
    towards = np.linalg.solve(within, means.T)
    scores = unknown @ towards - (means * towards.T).sum(axis=1) / 2
    return [str(names[c]) for c in scores.argmax(axis=1)]


def _agreed(rows: list[Row]) -> list[Row]:
    """Every person's most frequent label for all pictures of theirs."""
    labels: dict[str, list[str]] = {}
    for _, person, label in rows:
        labels.setdefault(person, []).append(label)
    most = {person: max(set(given), key=given.count) for person, given in labels.items()}
    return [(image, person, most[person]) for image, person, _ in rows]


def _table(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(itertools.chain([("image", "person", "group")], rows))


if __name__ == "__main__":
    main()
