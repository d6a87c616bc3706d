"""`edge-door watch` draws what sight shows."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from edge.ops.viewer import Viewer


def packet(**rest: object) -> dict[str, Any]:
    seen = {"op": "seen", "faces": 1, "track": 3, "outcome": "wait", "reason": "match_pending"}
    more = {"hint": "", "liveness": "pending", "blinks": 0, "instruction": "", "fps": 29.9}
    return {**seen, **more, "eyes": [0.3, 0.3], **rest}


def drawn(viewer: Viewer) -> str:
    console = Console(width=100, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as capture:
        console.print(viewer)
    return capture.get()


def test_nothing_seen_yet() -> None:
    assert "waiting for sight" in drawn(Viewer())


def test_similarity_eyelids_and_hint() -> None:
    viewer = Viewer()
    viewer.take(packet(similarity=0.71, threshold=0.44, person="Anna"))
    viewer.take(packet(eyes=[0.02, 0.02], hint="please blink"))
    text = drawn(viewer)
    assert "0.710 (needs 0.440) Anna" in text
    assert "please blink" in text
    assert "▅" in text  # an open eye
    assert "track 3" in text


def test_a_verdict_stays_in_view_and_a_challenge_is_spelt_out() -> None:
    viewer = Viewer()
    viewer.take(packet(outcome="grant", reason="granted", hint="welcome"))
    viewer.take(packet())
    assert "GRANT  granted  welcome" in drawn(viewer)
    viewer.take(packet(instruction="turn your head left"))
    assert "TURN YOUR HEAD LEFT" in drawn(viewer)


def test_a_face_that_left_leaves_no_trace() -> None:
    viewer = Viewer()
    viewer.take(packet(similarity=0.71, threshold=0.44, person="Anna"))
    viewer.take(packet(faces=0))
    assert "Anna" not in drawn(viewer)
