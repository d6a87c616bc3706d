"""`edge-door watch` draws what sight shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.console import Console

from edge.ops.viewer import Viewer, changes
from edge.records import Hint, LivenessState, Outcome, Reason
from tests.support.seen import LET_IN

if TYPE_CHECKING:
    from edge.wire.messages import Seen


def seen(**changes: Any) -> Seen:
    plain = replace(
        LET_IN,
        outcome=Outcome.WAIT,
        reason=Reason.MATCH_PENDING,
        hint=Hint.NONE,
        liveness=LivenessState.PENDING,
        person=None,
        similarity=None,
        threshold=None,
    )
    return replace(plain, **changes)


def drawn(viewer: Viewer) -> str:
    console = Console(width=100, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as capture:
        console.print(viewer)
    return capture.get()


def test_nothing_seen_yet() -> None:
    assert "waiting for sight" in drawn(Viewer())


def test_similarity_eyelids_and_hint() -> None:
    viewer = Viewer()
    viewer.take(seen(similarity=0.71, threshold=0.44, person="Anna"))
    viewer.take(seen(eyes=(0.02, 0.02), hint=Hint.BLINK))
    text = drawn(viewer)
    assert "0.710 (needs 0.440) Anna" in text
    assert "please blink" in text
    assert "▅" in text  # an open eye
    assert "track 3" in text


def test_a_verdict_stays_in_view_and_a_challenge_is_spelt_out() -> None:
    viewer = Viewer()
    viewer.take(seen(outcome=Outcome.GRANT, reason=Reason.GRANTED, hint=Hint.WELCOME))
    viewer.take(seen())
    assert "Let in (welcome)" in drawn(viewer)
    viewer.take(seen(instruction="turn your head left"))
    assert "TURN YOUR HEAD LEFT" in drawn(viewer)


def test_a_face_that_left_leaves_no_trace() -> None:
    viewer = Viewer()
    viewer.take(seen(similarity=0.71, threshold=0.44, person="Anna"))
    viewer.take(seen(faces=0))
    assert "Anna" not in drawn(viewer)


def test_where_nothing_can_be_drawn_each_change_is_a_line() -> None:
    granted = seen(outcome=Outcome.GRANT, reason=Reason.GRANTED, similarity=0.71)
    blink = seen(hint=Hint.BLINK)
    lines = list(changes([seen(), seen(), blink, blink, granted, seen()]))
    assert len(lines) == 4
    assert "please blink" in lines[1]
    assert lines[2] == "Let in, similarity 0.710"
