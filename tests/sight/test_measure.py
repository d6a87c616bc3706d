"""The figures of the guide's page come from a script that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sight.measure import measure

if TYPE_CHECKING:
    from pathlib import Path


def test_it_measures(tmp_path: Path) -> None:
    found = measure(tmp_path, 3)
    assert found.keys() >= {"start", "one more", "one less", "a card", "peak MiB"}
    assert min(found.values()) >= 0
