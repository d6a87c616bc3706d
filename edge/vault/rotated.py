"""Whether the templates are turned by the device's rotation: an older edge-door's were not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import VaultError
from edge.records import Template
from edge.vault.people import people_rows

if TYPE_CHECKING:
    from edge.vault.sealed import SealedStore
    from edge.vault.templates import Templates

TABLE = """CREATE TABLE rotated (
    id INTEGER PRIMARY KEY CHECK (id = 1) -- there is a row once they are
) STRICT"""


def require(store: SealedStore) -> None:
    """See that the templates are turned, for who may not turn them.

    Raises:
        VaultError: they are not yet.
    """
    if not store.query("SELECT id FROM rotated"):
        raise VaultError(
            f"{store.path} was made by an older edge-door. Start edge-door once, which brings it "
            "up to date."
        )


def migrate(store: SealedStore, templates: Templates) -> None:
    """Turn the templates that are not yet: all, or none if it breaks.

    `edge.store` has kept a copy of the file for the older edge-door.

    Raises:
        VaultError: a template does not open.
    """
    if store.query("SELECT id FROM rotated"):
        return
    with store.rewriting() as tables:
        if tables["rotated"]:  # another process was faster
            return
        for row in people_rows(tables):
            plain = Template(row.name, templates.read(row), row.model)
            templates.update(row, row.name, row.enrolled, templates.turned(plain))
        store.query("INSERT INTO rotated VALUES (1)")
