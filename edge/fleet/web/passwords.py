"""Passwords: argon2id, and the same time for a name that nobody has."""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from edge.errors import UsageError

SHORTEST = 12
LONGEST = 200

_hasher = PasswordHasher()
_few = BoundedSemaphore(2)
"""Each takes 64 MiB: thirty guesses at once must not take a small host's memory."""
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4"
    "$tkIqAZua0XAl31vV7YAUcA$SGxcK/zyLB0SZT+Mt44QERBP6/w1mpMo+YhQFB+Ro6M"
)
"""Of a password that was thrown away: it takes as long to find out as for one that somebody has."""


def hash_password(password: str) -> str:
    """What is stored.

    Raises:
        UsageError: too short, or absurdly long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise UsageError(f"a password has {SHORTEST} to {LONGEST} characters")
    return _hasher.hash(password)


def password_fits(password: str, stored: str | None) -> bool:
    """Whether it is the one; `stored` is None when there is no such operator."""
    try:
        with _few:
            _hasher.verify(stored or _NOBODY, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
