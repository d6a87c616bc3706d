"""The ledger's tables, and what each version of them changed."""

from __future__ import annotations

from edge.errors import LedgerError
from edge.store.schema import Schema

_FIRST = (
    """CREATE TABLE events (
        sequence INTEGER PRIMARY KEY,
        boot TEXT NOT NULL,
        body TEXT NOT NULL, -- the event as canonical JSON
        chain TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE head (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        device TEXT NOT NULL,
        sequence INTEGER NOT NULL, -- the newest entry
        chain TEXT NOT NULL,
        anchor_sequence INTEGER NOT NULL, -- the newest entry cut from the old end
        anchor_chain TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE outbox (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        delivered INTEGER NOT NULL,
        confirmed INTEGER NOT NULL
    ) STRICT""",
    "INSERT INTO outbox VALUES (1, 0, 0)",
    """CREATE TABLE states (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID""",
)

_SEALED = (
    "DROP TABLE outbox",  # link keeps how far events have travelled in a file of its own
    "ALTER TABLE events ADD COLUMN signature BLOB NOT NULL DEFAULT x''",
    "ALTER TABLE head ADD COLUMN key BLOB NOT NULL DEFAULT x''",  # raw public key of the writer
    "ALTER TABLE head ADD COLUMN memory TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE head ADD COLUMN mac BLOB NOT NULL DEFAULT x''",
    # What sight obeys is sealed now; what others could write is forgotten.
    "DELETE FROM states WHERE name IN ('commanded_mode', 'commands', 'lockout')",
)

_IN_ONE_PAGE = (  # the seal stands in the newest entry, whose page is written anyway
    "ALTER TABLE events ADD COLUMN mac BLOB NOT NULL DEFAULT x''",
    "UPDATE events SET mac = (SELECT mac FROM head) WHERE sequence = (SELECT sequence FROM head)",
    "ALTER TABLE head DROP COLUMN sequence",
    "ALTER TABLE head DROP COLUMN chain",
)

_PREPARED: tuple[str, ...] = ()
"""Entries to come have a place already, which older versions would count as entries."""

LOST = (
    "Where this door ran before, its record was lost: `edge-door ledger restore FILE` puts a "
    "backup back, or `edge-door ledger accept` begins anew. A new door's first start fills it."
)

SCHEMA = Schema(
    name="event ledger",
    error=LedgerError,
    lost=LOST,
    application_id=0x45444C31,  # "EDL1"
    mode=0o640,  # sight writes, link reads
    page_bytes=512,  # few of them change with an event of 400 bytes
    migrations=(_FIRST, _SEALED, _IN_ONE_PAGE, _PREPARED),
)
