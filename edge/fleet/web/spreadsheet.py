"""CSV that a spreadsheet opens and nothing in it can run."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from starlette.responses import StreamingResponse

from edge.cells import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from starlette.responses import Response

_PIECE = 64 * 1024
_UTF_8 = "\ufeff"
"""By which Excel tells it: all else it reads in its country's encoding, and Zoë is ZoÃ«."""


def spreadsheet(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> Response:
    """A download of `name`.csv, written while it is read."""
    return StreamingResponse(
        _lines(head, rows),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    text = io.StringIO()
    text.write(_UTF_8)
    # Quoted, a `;` stays text where spreadsheets part columns by it.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(head)
    for row in rows:
        writer.writerow([harmless(value) for value in row])
        if text.tell() > _PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()
