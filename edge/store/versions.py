"""Whose a database is, and of which version: an older one is brought up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.store import Row, Store
    from edge.store.schema import Schema

TABLES = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"


def known_version(store: Store, schema: Schema) -> int:
    """The file's version, after checking that this edge-door may use the file; 0: it is empty.

    Raises:
        EdgeDoorError: the schema's own leaf; it is another program's, or a newer edge-door's.
    """
    version = int(store.query("PRAGMA user_version")[0][0])
    owner = int(store.query("PRAGMA application_id")[0][0])
    empty = not store.query("SELECT 1 FROM sqlite_master LIMIT 1")
    if owner != schema.application_id and not (empty and owner == 0):
        raise schema.error(f"{store.path} is not edge-door's {schema.name}. Move it away.")
    if version > len(schema.migrations):
        raise schema.error(
            f"{store.path} was written by a newer edge-door (version {version}, this one "
            f"knows {len(schema.migrations)}). Install that one again."
        )
    return version


def require_own_tables(store: Store, schema: Schema, wanted: set[Row]) -> None:
    """A trigger or view that another hand put in would act in our name.

    Raises:
        EdgeDoorError: the schema's own leaf; there is one, or a table is not as `wanted`.
    """
    found = set(store.query(TABLES))
    if found != wanted:
        names = ", ".join(sorted({str(row[1]) for row in found ^ wanted}))
        raise schema.error(
            f"The {schema.name} {store.path} was changed by another program: its tables "
            f"or triggers are not edge-door's ({names}). Restore it from a backup."
        )


def bring_up_to_date(store: Store, schema: Schema, version: int) -> None:
    """Migrate from `version`; a copy that the earlier edge-door can read stays beside the file."""
    copy = store.path.with_name(f"{store.path.name}.version-{version}")
    if version and not copy.exists():
        store.backup(copy)
    with store.transaction():
        # Asked again: another process may have been faster.
        for statements in schema.migrations[known_version(store, schema) :]:
            for statement in statements:
                store.query(statement)
        store.query(f"PRAGMA user_version = {len(schema.migrations)}")
        store.query(f"PRAGMA application_id = {schema.application_id}")
