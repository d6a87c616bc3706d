"""The demo as one picture: what the camera saw, what sight measured, what the relay did."""

from __future__ import annotations

import contextlib
import threading
from math import nan
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import EdgeDoorError
from edge.wire.channel import Channel
from edge.wire.messages import Seen, Watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from edge.door.pins.fake import Change
    from edge.ops.demo.film import Scene
    from edge.records import Pixels, StoredEvent

_RETRY_S = 0.2


class Watcher:
    """Keeps what a running sight shows, as `edge-door watch` would."""

    def __init__(self, socket: Path) -> None:
        self.seen: list[Seen] = []
        self._socket = socket
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(EdgeDoorError), Channel.connect(self._socket) as channel:
                channel.send(Watch())
                while not self._stop.is_set():
                    shown = channel.receive(_RETRY_S)
                    if isinstance(shown, Seen):
                        self.seen.append(shown)
            self._stop.wait(_RETRY_S)

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()


def draw(
    path: Path,
    film: Path,
    scenes: Sequence[Scene],
    seen: Sequence[Seen],
    events: Sequence[StoredEvent],
    relay: Sequence[Change],
) -> None:
    """Write the picture (PNG or SVG, by its suffix).

    Args:
        path: Where to.
        film: The demo's film.
        scenes: Its scenes.
        seen: What sight showed, frame by frame.
        events: What the ledger holds.
        relay: Levels driven onto the relay's line.

    Raises:
        EdgeDoorError: sight showed nothing.
    """
    from matplotlib import pyplot as plt

    if not seen:
        raise EdgeDoorError("sight showed nothing, so there is nothing to draw")
    begin = seen[0].at
    figure = plt.figure(figsize=(11, 8), layout="constrained")
    grid = figure.add_gridspec(4, len(scenes), height_ratios=[3, 1.3, 1.3, 0.7])
    for column, scene in enumerate(scenes):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(_picture_at(film, scene.begins_s + 1.0))
        axes.set_title(f"{scene.what}\n{scene.expected}", fontsize=10)
        axes.axis("off")
    rows = eyes, match, lock = [figure.add_subplot(grid[row, :]) for row in (1, 2, 3)]
    _draw_eyes(eyes, seen, begin)
    _draw_match(match, seen, begin)
    _draw_relay(lock, [(c.at - begin, c.on) for c in relay], seen[-1].at - begin)
    for stored in events:
        if stored.event.kind.value == "access":
            at = stored.event.at - begin
            eyes.text(at, 0.02, f" {stored.event.reason.value}", fontsize=9)
            for axes in rows:
                axes.axvline(at, color="0.6", lw=1, ls=":")
    for axes in rows:
        axes.set_xlim(0, seen[-1].at - begin)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_eyes(axes: Axes, seen: Sequence[Seen], begin: float) -> None:
    openings = [sum(s.eyes) / 2 if s.eyes else nan for s in seen]
    axes.plot([s.at - begin for s in seen], openings, ".-", ms=2)
    axes.set_ylim(0, 0.45)
    axes.set_ylabel("eyelid\nopening")


def _draw_match(axes: Axes, seen: Sequence[Seen], begin: float) -> None:
    times = [s.at - begin for s in seen if s.similarity is not None]
    similarities = [s.similarity for s in seen if s.similarity is not None]
    thresholds = [s.threshold or nan for s in seen if s.similarity is not None]
    axes.plot(times, similarities, ".", ms=4, label="similarity")
    axes.plot(times, thresholds, "r--", lw=1, label="threshold")
    axes.set_ylabel("cosine")
    axes.legend(loc="center left", fontsize=8)


def _draw_relay(axes: Axes, changes: Sequence[tuple[float, bool]], end: float) -> None:
    steps = [(0.0, False), *changes, (end, False)]
    axes.step([at for at, _ in steps], [on for _, on in steps], where="post", color="g")
    axes.set_yticks([0, 1], ["off", "on"])
    axes.set_ylabel("relay")
    axes.set_xlabel("seconds")


def _picture_at(film: Path, seconds: float) -> Pixels:
    capture = cv2.VideoCapture(str(film))
    try:
        capture.set(cv2.CAP_PROP_POS_MSEC, seconds * 1000)
        ok, bgr = capture.read()
    finally:
        capture.release()
    if not ok:
        raise EdgeDoorError(f"the film {film} has no picture at {seconds:.1f} s")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
