"""Many rows with few statements: to make a statement costs more than to run it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, update
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sqlalchemy import Connection, Table

    Row = Mapping[str, object]


def change(connection: Connection, table: Table, rows: Iterable[tuple[str, Row]]) -> None:
    """Change columns of rows that are there, each named by its `id`."""
    named = ({"this": key, **values} for key, values in rows)
    for alike in _alike(named):
        connection.execute(update(table).where(table.c.id == bindparam("this")), alike)


def put(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows; of those whose primary key is there already, change the other columns."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    for alike in _alike(rows):
        new = insert(table)
        key = [column.name for column in table.primary_key]
        others = {name: new.excluded[name] for name in alike[0] if name not in key}
        connection.execute(new.on_conflict_do_update(index_elements=key, set_=others), alike)


def _alike(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows with the same columns."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row)].append(row)
    yield from groups.values()
