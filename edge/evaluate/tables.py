"""Tables that people write, by hand or in a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from edge.believed import read_written

if TYPE_CHECKING:
    from pathlib import Path


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows, by the names in the first; what a short row lacks is empty.

    Columns are parted by a comma, a semicolon (as spreadsheets do where a comma parts fractions) or
    a tab, whichever the first row has.

    Raises:
        OSError: it cannot be read.
        UnicodeDecodeError, csv.Error: it is no table.
    """
    text = read_written(path)
    header, _, _ = text.partition("\n")
    parted = max(",;\t", key=header.count)
    return list(csv.DictReader(StringIO(text, newline=""), delimiter=parted, restval=""))
