"""Text from elsewhere, made harmless. Pure."""

from __future__ import annotations


def clean(value: object, limit: int) -> str:
    """Text that every database and page takes: no lone surrogates, no control characters."""
    whole = str(value).encode("utf-8", "replace").decode()
    return "".join(sign if sign.isprintable() else "?" for sign in whole)[:limit]
