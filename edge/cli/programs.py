"""The programs: run, door, sight, link, demo, doctor; and questions to them: watch, claim, events."""

from __future__ import annotations
