"""One door: its programs, its setting up, and how it is."""
