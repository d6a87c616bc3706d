"""What the office's book holds."""

from __future__ import annotations

from dataclasses import dataclass

from edge.errors import RosterError
from edge.store.schema import Schema


@dataclass(frozen=True, slots=True)
class Door:
    """A door that the office trusts."""

    device: str
    key: str
    """Its public key for envelopes, whose fingerprint somebody compared."""
    model: str
    """SHA-256 of the network that it uses."""
    groups: tuple[str, ...]
    """Whom it should know: everybody in one of these."""
    generation: int = 0
    """Of the last list made for it."""
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom the office has enrolled."""

    person: str
    """Their number, given by the book; "" before that."""
    name: str
    groups: tuple[str, ...]
    schedule: tuple[str, ...] = ()
    expires: float | None = None
    """A visitor's end, seconds since the Unix epoch."""
    model: str = ""
    """SHA-256 of the network that made the template."""


SCHEMA = Schema(
    name="people office's book",
    error=RosterError,
    application_id=0x45444F31,  # "EDO1"
    mode=0o600,
    migrations=(
        (
            """CREATE TABLE doors (
                device TEXT PRIMARY KEY,
                key TEXT NOT NULL,
                model TEXT NOT NULL,
                groups TEXT NOT NULL, -- JSON
                generation INTEGER NOT NULL,
                digest TEXT NOT NULL
            ) STRICT""",
            """CREATE TABLE people (
                person TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                groups TEXT NOT NULL, -- JSON
                schedule TEXT NOT NULL, -- JSON
                expires REAL,
                model TEXT NOT NULL,
                content BLOB NOT NULL, -- nonce, encrypted template, cards, PIN
                version INTEGER NOT NULL -- rises with each new template
            ) STRICT""",
            """CREATE TABLE envelopes (
                device TEXT NOT NULL,
                person TEXT NOT NULL,
                version INTEGER NOT NULL,
                key TEXT NOT NULL,
                sealed INTEGER NOT NULL,
                hash TEXT NOT NULL,
                envelope BLOB NOT NULL,
                PRIMARY KEY (device, person)
            ) STRICT""",
            # Published, needed no more, and still retained by the broker.
            "CREATE TABLE gone (device TEXT NOT NULL, hash TEXT NOT NULL) STRICT",
        ),
        (
            """CREATE TABLE pieces (
                device TEXT NOT NULL,
                kind TEXT NOT NULL, -- page, envelope
                hash TEXT NOT NULL,
                data BLOB NOT NULL,
                posted INTEGER NOT NULL, -- the broker has it
                needed INTEGER NOT NULL, -- by the newest list
                person TEXT NOT NULL, -- of an envelope, with the three that follow
                version INTEGER NOT NULL,
                key TEXT NOT NULL,
                sealed INTEGER NOT NULL,
                PRIMARY KEY (device, hash)
            ) STRICT""",
            """INSERT INTO pieces SELECT device, 'envelope', hash, envelope, 1, 1, person, version,
                key, sealed FROM envelopes""",
            """INSERT OR IGNORE INTO pieces SELECT device, 'envelope', hash, x'', 1, 0, '', 0, '', 0
                FROM gone""",
            "DROP TABLE envelopes",
            "DROP TABLE gone",
            """CREATE TABLE erasures (
                person TEXT NOT NULL,
                name TEXT NOT NULL,
                asked REAL NOT NULL,
                device TEXT NOT NULL,
                generation INTEGER,
                forgotten REAL,
                obeyed INTEGER NOT NULL,
                PRIMARY KEY (person, device)
            ) STRICT""",
        ),
        (
            """CREATE TABLE lookalikes (
                person TEXT NOT NULL, -- their number
                other TEXT NOT NULL, -- a name, which may be known at a door alone
                reason TEXT NOT NULL,
                at REAL NOT NULL,
                PRIMARY KEY (person, other)
            ) STRICT""",
            # The newest list that a door has said to obey.
            "ALTER TABLE doors ADD COLUMN heard INTEGER NOT NULL DEFAULT 0",
        ),
        (
            # Whom doors knew that are trusted no more.
            """CREATE TABLE beyond (
                device TEXT NOT NULL,
                person TEXT NOT NULL,
                PRIMARY KEY (device, person)
            ) STRICT""",
        ),
        (
            # Every door that somebody was sealed for since they were enrolled.
            """CREATE TABLE known (
                device TEXT NOT NULL,
                person TEXT NOT NULL,
                generation INTEGER, -- of the door's first list without them
                forgotten REAL, -- when, by the door's receipt
                obeyed INTEGER NOT NULL, -- the door has a list without them
                PRIMARY KEY (device, person)
            ) STRICT""",
            """CREATE TABLE removed (
                person TEXT PRIMARY KEY,
                name TEXT NOT NULL,
                asked REAL NOT NULL
            ) STRICT""",
            "INSERT INTO known SELECT device, person, generation, forgotten, obeyed FROM erasures",
            """INSERT OR IGNORE INTO known SELECT device, person, NULL, NULL, 0 FROM (
                SELECT device, person FROM pieces WHERE person != ''
                UNION SELECT device, person FROM beyond)""",
            "INSERT OR REPLACE INTO removed SELECT DISTINCT person, name, asked FROM erasures",
            "DROP TABLE erasures",
            "DROP TABLE beyond",
        ),
        (
            # The last list of each door that is trusted no more: no number is ever used again.
            """CREATE TABLE distrusted (
                device TEXT PRIMARY KEY,
                generation INTEGER NOT NULL,
                digest TEXT NOT NULL
            ) STRICT""",
        ),
    ),
    lost="Put it back from a backup.",
    renewed="`edge-door office status` brings it up to date.",
)
