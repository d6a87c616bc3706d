"""What sight shows of a frame."""

from edge.records import Decision, Evidence, Match, Outcome, Reason
from edge.sight.metrics import Metrics, seen

MATCH = Match("Eileen", 0.7, 0.5, 1e-5)


def test_who_is_let_in_is_named_on_a_frame_that_was_not_compared_itself() -> None:
    granted = Decision(Outcome.GRANT, Reason.GRANTED, match=MATCH)
    shown = seen(Evidence(1.0, 1, 1), None, granted, Metrics())
    assert (shown.person, shown.similarity, shown.threshold) == ("Eileen", 0.7, 0.5)


def test_a_frames_own_comparison_is_shown() -> None:
    waiting = Decision(Outcome.WAIT, Reason.MATCH_PENDING)
    shown = seen(Evidence(1.0, 1, 1), MATCH, waiting, Metrics())
    assert shown.person == "Eileen"
    assert seen(Evidence(1.0, 1, 1), None, waiting, Metrics()).person is None
