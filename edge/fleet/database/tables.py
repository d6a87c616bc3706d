"""Every table. Moments are seconds since 1970; a `batch` is the transaction that last wrote a row.

Batches are numbered by the one row of `feed`, which every writer of live news locks first: a
reader that has seen batch n has seen everything of n and before, on SQLite and PostgreSQL alike.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from edge.fleet.text import MAX_NAME, MAX_TEXT

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_CHAIN = 64
MAX_COLLECTOR = 64
"""Characters of a collector's name."""

feed = Table(
    "feed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("batch", BigInteger, nullable=False),
)

collectors = Table(
    "collectors",
    metadata,
    Column("name", String(MAX_COLLECTOR), primary_key=True),
    Column("seen", Double, nullable=False),
    Column("connected", Boolean, nullable=False),
)

groups = Table(
    "groups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(MAX_NAME), nullable=False, unique=True),
)

zones = Table(
    "zones",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(MAX_NAME), nullable=False, unique=True),
)

holidays = Table(
    "holidays",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("name", String(MAX_NAME), nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(MAX_NAME), nullable=False),
    Column("group_id", ForeignKey("groups.id")),
    # The reader lets people pass from one zone to the other; none is the street.
    Column("from_zone", ForeignKey("zones.id")),
    Column("to_zone", ForeignKey("zones.id")),
    Column("first_seen", Double, nullable=False),
    Column("heard", Double, nullable=False),  # when it last said something itself
    Column("available", String(16), nullable=False, server_default=text("''")),
    Column("states", Text, nullable=False, server_default=text("'{}'")),  # JSON by topic
    Column("reported", Text, nullable=False, server_default=text("'{}'")),
    Column("metrics", Text, nullable=False, server_default=text("'{}'")),
    Column("audit_key", String(64), nullable=False, server_default=text("''")),
    # How far the chain is whole. A ledger begun anew, once an operator accepts it, is a new epoch.
    Column("epoch", Integer, nullable=False, server_default=text("0")),
    Column("whole", Integer, nullable=False, server_default=text("0")),
    Column("chain", String(_CHAIN), nullable=False),
    Column("signed", Integer, nullable=False, server_default=text("0")),  # newest signed head
    Column("gap_since", Double),  # when the next event was first missed
    Column("batch", BigInteger, nullable=False, index=True),
)

events = Table(
    "events",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("sequence", Integer, primary_key=True),
    # PostgreSQL wants the column it partitions by in the key.
    Column("received", Double, primary_key=True),
    Column("at", Double, nullable=False),  # by the door's clock
    Column("trusted", Boolean, nullable=False),
    Column("type", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("person", String(MAX_NAME)),
    Column("boot", String(64), nullable=False),
    Column("body", Text, nullable=False),  # the canonical JSON that was hashed
    Column("chain", String(_CHAIN), nullable=False),
    Column("batch", BigInteger, nullable=False, index=True),
    Index(None, "at"),
    Index(None, "device", "at"),
    Index(None, "person", "at"),
    postgresql_partition_by="RANGE (received)",
)

gaps = Table(
    "gaps",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("first", Integer, primary_key=True),
    Column("last", Integer, nullable=False),
    Column("found", Double, nullable=False),
)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("device", ForeignKey("devices.id"), nullable=False),
    Column("kind", String(24), nullable=False),
    Column("text", String(MAX_TEXT), nullable=False),
    Column("raised", Double, nullable=False),
    Column("cleared", Double),
    Column("acknowledged", Double),
    Column("acknowledged_by", String(MAX_NAME)),
    Column("note", String(MAX_TEXT)),
    Column("batch", BigInteger, nullable=False, index=True),
    Index(None, "device", "kind"),
    Index(None, "raised"),
    # The list that everybody looks at all day.
    Index(
        "ix_alarms_standing",
        "raised",
        sqlite_where=text("cleared IS NULL OR acknowledged IS NULL"),
        postgresql_where=text("cleared IS NULL OR acknowledged IS NULL"),
    ),
)

SLOT_S = 300
"""Seconds of a slot of `figures`; slots are counted from 1970 on."""
figures = Table(
    "figures",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Index(None, "slot"),
)

whereabouts = Table(
    "whereabouts",
    metadata,
    Column("person", String(MAX_NAME), primary_key=True),
    Column("zone_id", ForeignKey("zones.id")),
    Column("since", Double, nullable=False),
    Column("device", String(64), nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("person", String(MAX_NAME), primary_key=True),
    Column("enrolled", Double),
    Column("removed", Double),
    Column("last_used", Double),
    Column("number", String(36)),  # at the people office; none: enrolled at the door itself
)

# What the people office wants known at a door, as it lies on the broker, and what the door says.
rosters = Table(
    "rosters",
    metadata,
    Column("device", ForeignKey("devices.id"), primary_key=True),
    Column("desired", Text, nullable=False, server_default=text("''")),  # the signed body
    Column("signers", Text, nullable=False, server_default=text("'[]'")),  # JSON; base64 keys
    Column("foreign", String(MAX_TEXT), nullable=False, server_default=text("''")),
    Column("reported", Text, nullable=False, server_default=text("''")),
)

roster_pages = Table(
    "roster_pages",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("hash", String(64), primary_key=True),
    Column("people", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

# An update on its way through the fleet, and how far each door is with what it is offered.
rollouts = Table(
    "rollouts",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("plan", Text, nullable=False),
    Column("at", Double, nullable=False),
)

updates = Table(
    "updates",
    metadata,
    Column("device", String(64), primary_key=True),
    Column("reported", Text, nullable=False),
    Column("at", Double, nullable=False),
)

commands = Table(
    "commands",
    metadata,
    Column("nonce", String(32), primary_key=True),
    Column("device", ForeignKey("devices.id"), nullable=False, index=True),
    Column("action", String(16), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("by", String(MAX_NAME), nullable=False),
    Column("at", Double, nullable=False),
    Column("expires", Double, nullable=False),
    Column("text", Text, nullable=False),  # signed; only its door can follow it
    Column("state", String(16), nullable=False),
    Column("why", String(MAX_TEXT), nullable=False, server_default=text("''")),
    Column("batch", BigInteger, nullable=False, index=True),
)

operators = Table(
    "operators",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(MAX_NAME), nullable=False, unique=True),
    Column("password", String(200), nullable=False),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("created", Double, nullable=False),
    Column("subject", String(400)),  # issuer and `sub` of whoever comes from an OpenID provider
    Index(None, "subject", unique=True),
)

roles = Table(
    "roles",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("operator_id", ForeignKey("operators.id", ondelete="CASCADE"), nullable=False),
    Column("group_id", ForeignKey("groups.id", ondelete="CASCADE")),  # none: all doors
    Column("role", String(16), nullable=False),
    UniqueConstraint("operator_id", "group_id"),
)

keys = Table(
    "keys",
    metadata,
    Column("public", String(64), primary_key=True),  # base64, as in mqtt.command_keys
    Column("operator_id", ForeignKey("operators.id", ondelete="CASCADE"), nullable=False),
    Column("label", String(MAX_NAME), nullable=False),
    Column("created", Double, nullable=False),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("operator_id", ForeignKey("operators.id", ondelete="CASCADE"), nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("counter", Integer, nullable=False),
    Column("label", String(MAX_NAME), nullable=False),
    Column("created", Double, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(64), primary_key=True),  # SHA-256 of the cookie
    Column("operator_id", ForeignKey("operators.id", ondelete="CASCADE")),
    Column("csrf", String(64), nullable=False),
    Column("challenge", LargeBinary),  # of the passkey ceremony that runs
    Column("created", Double, nullable=False),
    Column("seen", Double, nullable=False),
    Column("address", String(64), nullable=False),
)

failures = Table(
    "failures",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("who", String(100), nullable=False),  # name:... or address:...
    Column("at", Double, nullable=False),
    Index(None, "who", "at"),
)

actions = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Double, nullable=False, index=True),
    Column("by", String(MAX_NAME), nullable=False),
    Column("address", String(64), nullable=False),
    Column("verb", String(40), nullable=False),
    Column("target", String(200), nullable=False),
    Column("outcome", String(200), nullable=False),
)
