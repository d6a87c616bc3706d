"""The face of the last attempt on its way: once for each attempt, kept by no broker."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from edge.wire.messages import AskFace, LastFace
from tests.support.link_parts import MOSQUITTO, Device, FakeSight, Mosquitto, Reader
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is missing")
JPEG = b"\xff\xd8 a face"


@pytest.mark.parametrize("wanted", [True, False])
def test_a_face_is_shown_where_that_is_wanted(tmp_path: Path, *, wanted: bool) -> None:
    broker = Mosquitto(tmp_path).start()
    device = Device(tmp_path, broker.port, last_face=wanted)
    device.append(1, {"lock": "LOCKED"})
    sight = FakeSight(device.config.sight_socket)
    sight.answer = LastFace(base64.b64encode(JPEG).decode())
    sight.status = replace(sight.status, face=1)
    reader = Reader(broker.port)
    device.start()
    try:
        # Figures come with the same status that says that there is a face.
        until(lambda: reader.of("metrics"))
        if wanted:
            until(lambda: reader.of("last_face") == [JPEG])
            sight.status = replace(sight.status, face=2)
            until(lambda: reader.of("last_face") == [JPEG, JPEG])
        assert sight.asked == ([AskFace(), AskFace()] if wanted else [])
        late = Reader(broker.port)
        until(lambda: late.of("availability"))
        assert late.of("last_face") == []
        late.close()
    finally:
        reader.close()
        device.close()
        sight.close()
        broker.kill()
