"""What happened: events, numbered, chained and signed."""
