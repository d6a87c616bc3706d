"""Gather eyes and the teachers' answers: `python -m models.build.eyelids.gather --work FOLDER`.

Every frame of the films, every second face of the collections of single pictures. Some minutes.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.config import Config
from edge.evaluate.clips import film, read_clips, sampled
from edge.records import Frame
from edge.vision.liveness.eyelids import squares
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages
from models.build import images
from models.build.eyelids.shape import KEPT, KEPT_SCALE
from models.build.eyelids.teachers import Teachers
from models.build.packed import packed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.records import Landmarks
    from models.build.images import Pixels

FILMS = ("clips/clips.csv", "pad2/clips.csv")
FACES = ("faces_128.npz", "faces2/faces2_128.npz")
_EVERY = 2
_MARGIN = 48
"""Pixels put around an aligned face, so that the detector finds it."""

Located = tuple[Frame, "Landmarks"]


def faces(path: Path, stages: Stages) -> Iterator[Located]:
    """Every second face of a collection."""
    for number, picture in enumerate(packed(path)):
        if number % _EVERY:
            continue
        wide = np.pad(picture, ((_MARGIN, _MARGIN), (_MARGIN, _MARGIN), (0, 0)), "edge")
        frame = Frame(wide, 0.0, number)
        for face in stages.detector.detect(frame)[:1]:
            landmarks = stages.mesh.locate(frame, face)
            if landmarks.presence >= 0.5:
                yield frame, landmarks


def eyes_of(frame: Frame, landmarks: Landmarks) -> list[Pixels]:
    """Both, with something around them for another crop."""
    return [each.crop(frame.pixels, KEPT) for each in squares(landmarks, KEPT_SCALE)]


def keep(path: Path, located: Iterable[tuple[str, Located]], teachers: Teachers) -> None:
    """Eyes, answers and where they are from."""
    kept, answers, sources = [], [], []
    for source, (frame, landmarks) in located:
        kept += eyes_of(frame, landmarks)
        answers.append(teachers.answers(frame, landmarks))
        sources += [source] * 2
    np.savez(path, kept=np.stack(kept), answers=np.concatenate(answers), source=np.array(sources))
    print(f"{path}: {len(kept)} eyes")


def of_films(data: Path, stages: Stages) -> Iterator[tuple[str, Located]]:
    """Every frame in which the product follows one face, and whose film it is."""
    for listed in FILMS:
        for clip in read_clips(data / listed):
            pipeline = Pipeline(stages, Config())
            for frame in sampled(film(clip), clip.fps, None):
                landmarks = pipeline.step(frame).landmarks
                if landmarks is not None:
                    yield f"{clip.person} {clip.path.name}", (frame, landmarks)


def main() -> None:
    """Gather all into a folder."""
    parser = argparse.ArgumentParser(prog="python -m models.build.eyelids.gather")
    parser.add_argument("--data", type=Path, default=images.DATA, help="the data folder")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is gathered")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    stages, teachers = Stages.load(Config()), Teachers(given.work)
    keep(given.work / "films.npz", of_films(given.data, stages), teachers)
    stills = ((name, face) for name in FACES for face in faces(given.data / name, stages))
    keep(given.work / "stills.npz", stills, teachers)


if __name__ == "__main__":
    main()
