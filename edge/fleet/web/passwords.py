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
_nobody = _hasher.hash("nobody has this password, and it takes as long to find out")


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
            _hasher.verify(stored or _nobody, password[:LONGEST])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
