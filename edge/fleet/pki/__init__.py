"""A small private certificate authority for the broker, its doors and its collectors."""
