"""Frame to evidence: what a picture means. No process, no people, no door."""
