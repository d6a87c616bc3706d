"""edge-door: a face opens a door, offline, on a small Linux board."""

__version__ = "0.1.0"
