"""Addresses as people may see them: a camera's carry its user, its password and its tokens."""

from __future__ import annotations

import re

# Tried once a word and not from each of its letters: a long text would take minutes.
_ADDRESS = re.compile(r"(?<![a-z0-9+.-])([a-z0-9+.-]+://)(\S+?)(?=[\"']?(?:\s|$))", re.IGNORECASE)
_PROPERTY = re.compile(
    r"\b((?:user-|proxy-)?(?:id|pw|password|passwd|token|key))=(\S+)", re.IGNORECASE
)


def public(text: str) -> str:
    """`text` with every address cut down to scheme, host and path, and no property's secret."""
    return _PROPERTY.sub(r"\1=...", _ADDRESS.sub(_bare, text))


def _bare(found: re.Match[str]) -> str:
    scheme, rest = found.groups()
    host, *path = re.split(r"(?=[/?#;])", rest, maxsplit=1)
    if "@" not in host and "@" in rest:  # in the query, or after a password that holds a slash
        return scheme + "..."
    return scheme + host.rpartition("@")[2] + re.split(r"[?#;]", "".join(path), maxsplit=1)[0]
