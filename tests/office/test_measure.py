"""The measurement of many people at many doors, small: all of it ends, and a change is short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.office.measure import measure
from tests.support.link_parts import needs_mosquitto

if TYPE_CHECKING:
    from pathlib import Path

ENVELOPE = 24_000
"""Bytes: eight captures of 1,024 numbers, sealed."""


@needs_mosquitto
def test_a_change_is_a_page_and_an_envelope_and_not_the_whole_list(tmp_path: Path) -> None:
    first, more, less, one = measure(tmp_path, doors=3, people=30)[0]
    assert first.sent > 30 * ENVELOPE * 0.8
    assert more.sent < 3 * (ENVELOPE + 8_000)
    assert less.sent < 3 * 8_000
    assert (one.doors, one.sent < ENVELOPE + 8_000) == (1, True)
    assert more.received_a_door < 2 * (ENVELOPE + 8_000)
