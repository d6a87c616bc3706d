"""Run by Alembic; the connection is handed over by `Database`."""

import logging

from alembic import context

from edge.fleet.database.tables import metadata

logging.getLogger("alembic").setLevel(logging.WARNING)  # which database it is, nobody asks
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter most of a table in place
    include_object=lambda _item, name, kind, *_: (
        not (
            kind == "table" and str(name).startswith("events_")  # partitions
        )
    ),
)
with context.begin_transaction():
    context.run_migrations()
