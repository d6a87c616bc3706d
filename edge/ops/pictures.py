"""Captures from pictures, folders and films, and why each of the others was not taken."""

from __future__ import annotations

import contextlib
import glob
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import CameraError, NotThereError, UsageError, reason_of
from edge.held import by_name, hold, is_held, why_not_held
from edge.names import proper_name
from edge.records import Hint
from edge.vision.calibrated import threshold
from edge.vision.camera import replay
from edge.vision.enrolment import Collector, capture
from edge.vision.faces.limits import ENROL_FACE_PX
from edge.vision.pictures import IMAGE_SUFFIXES, images_in, read_image
from edge.vision.pipeline import Pipeline
from edge.vision.still import still

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from edge.config import Config
    from edge.records import Frame
    from edge.vision.enrolment import Capture
    from edge.vision.stages import Stages

    Progress = Callable[[str, int, str], None]
    """Called with what is read, how many captures there are, and a hint."""

_AGAIN = "it is nearly the same picture as one before"
_SOMEBODY_ELSE = "it shows somebody else than most of the others"
_IN_A_PICTURE = {
    Hint.MOVE_TO_CENTRE: "no face was found in it",
    Hint.ONE_AT_A_TIME: "it shows several faces; cut it to one person",
    Hint.COME_CLOSER: "the face is too small: {min_face_px} pixels are needed",
    Hint.STEP_BACK: "the face fills the picture; leave some room around it",
    Hint.FACE_CAMERA: "the head is turned too far aside, up or down",
    Hint.MORE_LIGHT: "the face is too dark",
    Hint.LESS_LIGHT: "the face is too bright",
    Hint.HOLD_STILL: "the face is blurred",
    Hint.UNCOVER_FACE: "part of the face is covered or cut off",
    Hint.UPSIDE_DOWN: "it is upside down",
}
"""What a hint for a person at the door means of a picture."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Files as people name them: pictures, folders of pictures, films, quoted patterns."""

    paths: tuple[Path, ...]
    first_s: float | None = None
    """Only so much of a film, seconds."""
    problem: str = ""
    """Why there are none."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that gave nothing, and why."""

    file: str
    why: str

    @property
    def sentence(self) -> str:
        """The file and why, with its name once."""
        return self.why if self.file in self.why else f"{self.file}: {self.why}"


@dataclass(slots=True)
class Gathered:
    """What the files of one person gave."""

    collector: Collector
    refused: list[Refused] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    """The file of each of the collector's embeddings."""

    def leave_out_others(self) -> None:
        """Name the files that show somebody else than most."""
        others = self.collector.others()
        named = dict.fromkeys(self.files[index] for index in others)
        self.refused += [Refused(file, _SOMEBODY_ELSE) for file in named]


def opened(sources: Sources) -> Sources:
    """The files of folders and patterns one by one, and open, for who gives up rights to decode."""
    try:
        files = tuple(_files(sources.paths))
    except CameraError as error:
        return replace(sources, problem=str(error))
    hold(files)
    for path in sources.paths:
        if refused := why_not_held(path):
            return replace(sources, problem=f"{path} cannot be read: {reason_of(refused)}")
    return replace(sources, paths=files)


def gather(config: Config, stages: Stages, sources: Sources, progress: Progress) -> Gathered:
    """Try every picture and film; what cannot be used is refused with its reason.

    Raises:
        CameraError: a folder or a pattern holds no picture.
    """
    if sources.problem:
        raise CameraError(sources.problem)
    pipeline, gathered = Pipeline(stages, config), Gathered(Collector(threshold(config)))
    for path in _files(sources.paths):
        before, whys = len(gathered.collector.embeddings), Counter[str]()
        try:
            picture = _is_picture(path)
            for frame in _frames(config, path, sources.first_s):
                taken = capture(frame, pipeline, stages, picture=picture)
                if not gathered.collector.add(taken):
                    whys[_why_not(config, taken)] += 1
                progress(path.name, len(gathered.collector.embeddings), taken.hint.value)
                if gathered.collector.full:
                    break
        except CameraError as error:
            whys[str(error)] += 1
        new = len(gathered.collector.embeddings) - before
        gathered.files += [str(path)] * new
        if not new and whys:
            gathered.refused.append(Refused(str(path), whys.most_common(1)[0][0]))
    return gathered


def people_below(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Everybody who has a folder of pictures in `folder`, by its name; hidden ones are nobody's.

    Two that are one name to us (an accent written in two ways) are one person's. What is no name
    is there as it is, to be told when it is to be enrolled.

    Raises:
        UsageError: there is no such folder in it.
    """
    try:
        inner = sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be read: {reason_of(error)}") from error
    found: dict[str, tuple[Path, ...]] = {}
    for path in inner:
        if not path.name.startswith((".", "@", "__MACOSX")):  # a Mac's, a network disk's
            name = _as_kept(path.name)
            found[name] = (*found.get(name, ()), path)
    if not found:
        raise UsageError(
            f"{folder} holds no folders. To enrol one person from it: edge-door enroll NAME "
            f"{folder}. To enrol many, give each a folder of their name."
        )
    return found


def _as_kept(name: str) -> str:
    with contextlib.suppress(UsageError):
        return proper_name(name)
    return name


def _files(sources: Iterable[Path]) -> Iterable[Path]:
    """Files as they are, the pictures of folders, and what a quoted pattern means."""
    for source in sources:
        if is_held(source):
            yield source
        elif source.is_dir():
            yield from images_in(source)
        elif not source.exists() and glob.has_magic(str(source)):
            found: Sequence[str] = sorted(glob.glob(str(source)))  # noqa: PTH207 - absolute too
            if not found:
                raise NotThereError(f"nothing is called like {source}")
            yield from map(Path, found)
        else:
            _see(source)
            yield source


def _see(source: Path) -> None:
    try:
        source.stat()
    except OSError as error:
        bare = source.parts == (source.stem,)
        hint = ". If it belongs to the name, put quotes around the whole name" if bare else ""
        raise NotThereError(f"{source} cannot be read: {reason_of(error)}{hint}") from error


def _frames(config: Config, path: Path, first_s: float | None) -> Iterable[Frame]:
    if _is_picture(path):
        return [still(read_image(path))]
    frames = _film(config, path)
    if first_s is None:
        return frames
    return takewhile(lambda frame: frame.captured_at < first_s, frames)


def _film(config: Config, path: Path) -> Iterator[Frame]:
    try:
        with by_name(path) as place:
            yield from replay(config.camera.model_copy(update={"source": str(place)}))
    except OSError as error:
        raise CameraError(f"the film {path} cannot be read: {reason_of(error)}") from error


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def _why_not(config: Config, taken: Capture) -> str:
    if taken.embedding is not None:
        return _AGAIN
    why = _IN_A_PICTURE.get(taken.hint, taken.hint.value)
    return why.format(min_face_px=max(config.quality.min_face_px, ENROL_FACE_PX))
