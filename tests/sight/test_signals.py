"""What people are shown: every move can be told by its colour and by its rhythm alone."""

from __future__ import annotations

from edge.config.seeing import LivenessSection
from edge.sight.signals import steps_for


def test_every_move_has_a_colour_or_a_rhythm_of_its_own() -> None:
    moves = LivenessSection().challenge_moves
    shown = [steps_for(move) for move in moves]
    rhythms = {tuple((step.beep, step.seconds) for step in steps) for steps in shown}
    assert len(rhythms) == len(moves)  # who cannot see it can count it out
    looks = {tuple((step.colour, step.seconds) for step in steps) for steps in shown}
    assert len(looks) == len(moves)  # who cannot hear it can see it


def test_the_lamp_lights_while_the_buzzer_sounds() -> None:
    for move in LivenessSection().challenge_moves:
        assert all(step.beep is (step.colour.value != "off") for step in steps_for(move))


def test_no_move_shows_nothing() -> None:
    assert steps_for(None) == ()
