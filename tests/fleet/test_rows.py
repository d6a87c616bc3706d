"""Rows say the columns that their tables have."""

from __future__ import annotations

from typing import get_type_hints

import pytest
from sqlalchemy import Table

from edge.fleet.database import tables
from edge.fleet.database.rows import DoorRow, EventRow, KeyRow, MemberRow, RosterRow


def columns_of(table: Table) -> dict[str, object]:
    kinds: dict[str, type] = {column.name: column.type.python_type for column in table.c}
    return {name: kind | None if table.c[name].nullable else kind for name, kind in kinds.items()}


@pytest.mark.parametrize(
    ("row", "table"),
    [
        (DoorRow, tables.devices),
        (RosterRow, tables.rosters),
        (MemberRow, tables.members),
        (KeyRow, tables.keys),
    ],
)
def test_a_row_is_its_table(row: type, table: Table) -> None:
    assert columns_of(table) == get_type_hints(row)


def test_an_events_row_has_its_doors_name_besides() -> None:
    assert columns_of(tables.events) | {"name": str} == get_type_hints(EventRow)
