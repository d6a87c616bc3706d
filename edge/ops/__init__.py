"""Running it: supervisor, doctor, demo, enrolment, updates."""
