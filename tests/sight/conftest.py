"""What tests of people from the centre share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.centre import Office

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office.at(tmp_path)
    yield made
    made.book.close()
