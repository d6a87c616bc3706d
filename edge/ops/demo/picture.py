"""The demo as one picture: what the camera saw, what sight measured, what the relay did."""

from __future__ import annotations

import contextlib
import threading
from math import nan
from typing import TYPE_CHECKING, Any

import cv2

from edge.errors import EdgeDoorError
from edge.wire.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.door.pins.fake import Change
    from edge.ops.demo.film import Scene
    from edge.records import StoredEvent

_RETRY_S = 0.2


class Watcher:
    """Keeps what a running sight shows, as `edge-door watch` would."""

    def __init__(self, socket: Path) -> None:
        self.packets: list[dict[str, Any]] = []
        self._socket = socket
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(EdgeDoorError), Channel.connect(self._socket) as channel:
                channel.send({"op": "watch"})
                while not self._stop.is_set():
                    packet = channel.receive(_RETRY_S)
                    if packet is not None and packet["op"] == "seen":
                        self.packets.append(packet)
            self._stop.wait(_RETRY_S)

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()


def draw(
    path: Path,
    film: Path,
    scenes: Sequence[Scene],
    packets: Sequence[dict[str, Any]],
    events: Sequence[StoredEvent],
    relay: Sequence[Change],
) -> None:
    """Write the picture (PNG or SVG, by its suffix).

    Args:
        path: Where to.
        film: The demo's film.
        scenes: Its scenes.
        packets: What sight showed, frame by frame.
        events: What the ledger holds.
        relay: Levels driven onto the relay's line.

    Raises:
        EdgeDoorError: sight showed nothing.
    """
    from matplotlib import pyplot as plt  # noqa: PLC0415 - only the demo and reports draw

    if not packets:
        raise EdgeDoorError("sight showed nothing, so there is nothing to draw")
    begin = packets[0]["at"]
    figure = plt.figure(figsize=(11, 8), layout="constrained")
    grid = figure.add_gridspec(4, len(scenes), height_ratios=[3, 1.3, 1.3, 0.7])
    for column, scene in enumerate(scenes):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(_picture_at(film, scene.begins_s + 1.0))
        axes.set_title(f"{scene.what}\n{scene.expected}", fontsize=10)
        axes.axis("off")
    eyes, match, lock = (figure.add_subplot(grid[row, :]) for row in (1, 2, 3))
    times = [p["at"] - begin for p in packets]
    eyes.plot(times, [sum(p["eyes"]) / 2 if "eyes" in p else nan for p in packets], ".-", ms=2)
    eyes.set_ylim(0, 0.45)
    eyes.set_ylabel("eyelid\nopening")
    compared = [p for p in packets if "similarity" in p]
    times = [p["at"] - begin for p in compared]
    match.plot(times, [p["similarity"] for p in compared], ".", ms=4, label="similarity")
    match.plot(times, [p["threshold"] for p in compared], "r--", lw=1, label="threshold")
    match.set_ylabel("cosine")
    match.legend(loc="center left", fontsize=8)
    steps = [(packets[0]["at"], False), *((c.at, c.on) for c in relay), (packets[-1]["at"], False)]
    lock.step([at - begin for at, _ in steps], [on for _, on in steps], where="post", color="g")
    lock.set_yticks([0, 1], ["off", "on"])
    lock.set_ylabel("relay")
    lock.set_xlabel("seconds")
    for stored in events:
        if stored.event.kind.value == "access":
            at = stored.event.at - begin
            for axes in (eyes, match, lock):
                axes.axvline(at, color="0.6", lw=1, ls=":")
            eyes.text(at, 0.02, f" {stored.event.reason.value}", fontsize=9)
    for axes in (eyes, match, lock):
        axes.set_xlim(0, packets[-1]["at"] - begin)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _picture_at(film: Path, seconds: float) -> Any:
    capture = cv2.VideoCapture(str(film))
    try:
        capture.set(cv2.CAP_PROP_POS_MSEC, seconds * 1000)
        ok, bgr = capture.read()
    finally:
        capture.release()
    if not ok:
        raise EdgeDoorError(f"the film {film} has no picture at {seconds:.1f} s")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB)
