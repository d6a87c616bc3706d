"""Whom the centre wants known at a door: signed, numbered, and sealed for that door alone."""
