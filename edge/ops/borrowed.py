"""The door's own camera for an enrolment: borrowed from sight where sight runs."""

from __future__ import annotations

import contextlib
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.vision.camera import Camera
from edge.wire.channel import Channel
from edge.wire.messages import LendCamera

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config import Config

LOAN_S = 6.0
"""Asked for again at every third of it: sight has its camera back soon after we die."""
_CLOSING_S = 8.0
"""Sight may wait for its driver before it answers."""


@contextmanager
def borrowed_camera(config: Config) -> Iterator[Camera]:
    """Open the camera; while we have it the door judges nobody.

    Raises:
        CameraError: it cannot be opened.
        UsageError: sight runs, and does not lend it to this user.
        WireError: sight runs and does not answer.
    """
    try:
        channel = Channel.connect(config.sight_socket)
    except WireError:  # sight does not run
        with Camera(config.camera) as camera:
            yield camera
        return
    with channel:
        channel.ask(LendCamera(LOAN_S), _CLOSING_S)
        returned = threading.Event()
        keeper = threading.Thread(target=_keep, args=(channel, returned), daemon=True)
        keeper.start()
        try:
            with Camera(config.camera) as camera:
                yield camera
        finally:
            returned.set()
            keeper.join()
            with contextlib.suppress(WireError):  # gone meanwhile, and with it the loan
                channel.ask(LendCamera(0))


def _keep(channel: Channel, returned: threading.Event) -> None:
    while not returned.wait(LOAN_S / 3):
        try:
            channel.ask(LendCamera(LOAN_S))
        except WireError:
            return
