"""Cells of CSV files that a spreadsheet opens, with nothing in them that it would run."""

from __future__ import annotations

_RUNS = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
"""The last four are the first four in the wide forms of East Asian keyboards."""


def harmless(value: object) -> object:
    """A cell's value; an empty text for None."""
    if isinstance(value, str) and value.startswith(_RUNS):
        return f"'{value}"  # a spreadsheet would take it for a formula
    return "" if value is None else value
