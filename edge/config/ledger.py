"""`[ledger]`: how much of what happened is kept here."""

from pydantic import Field

from edge.config.section import Number, Section, Whole


class LedgerSection(Section):
    """What is kept of the events. Older ones are cut, delivered or not; the chain stays whole."""

    keep_events: Whole = Field(100_000, ge=1000, le=10_000_000)
    """At most so many."""
    keep_days: Number = Field(0.0, ge=0.0, le=36_500.0)
    """None older than this, days; 0: however old. What the law or your notice says of visitors."""
    keep_mb: Number = Field(200.0, ge=1.0, le=100_000.0)
    """At most so many megabytes of the card."""
