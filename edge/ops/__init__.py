"""Running it: supervisor, readiness, doctor, demo."""
