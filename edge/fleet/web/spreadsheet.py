"""CSV that a spreadsheet opens and nothing in it can run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from starlette.responses import Response

_PIECE = 64 * 1024
_RUNS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""The last four are the first four in the wide forms of East Asian keyboards."""


def spreadsheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download of `name`.csv, written while it is read."""
    return StreamingResponse(
        _lines(head, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    text = io.StringIO()
    # Quoted, a `;` stays text where spreadsheets part columns by it.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    for row in rows:
        writer.writerow([_harmless(value) for value in row])
        if text.tell() > _PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(_RUNS):
        return f"'{value}"  # a spreadsheet would take it for a formula
    return "" if value is None else value
