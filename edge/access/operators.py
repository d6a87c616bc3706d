"""Who may command a door from afar: names, public keys and roles."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from enum import Enum

from edge import plain
from edge.errors import LedgerError, UsageError
from edge.names import did_you_mean, folded, listed

MOST = 16
"""They stand in the ledger's sealed row, which is written with every event."""
_KEY_BYTES = 32


class Role(str, Enum):
    """What a key's holder may do."""

    OPERATOR = "operator"
    """Command the door, within what the configuration permits."""
    ENROLLER = "enroller"
    """Change who may enter; no command to the door."""
    VIEWER = "viewer"
    """Nothing to the door: a key that is known, for programs that only read."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One key and whose it is."""

    name: str
    key: str
    """Base64 Ed25519 public key."""
    role: Role


@dataclass(frozen=True, slots=True)
class Operators:
    """All of them; every change gives a new value."""

    known: tuple[Operator, ...] = ()

    def keys(self, role: Role) -> tuple[str, ...]:
        """The public keys of one role."""
        return tuple(each.key for each in self.known if each.role is role)

    def added(self, name: str, key: str, role: Role) -> Operators:
        """With one more.

        Raises:
            UsageError: it is not a key, the name or key is taken, or there are too many.
        """
        proper_key(key)
        if not 1 <= len(name) <= 64 or not name.isprintable():
            raise UsageError("an operator's name has 1 to 64 printable characters.")
        for each in self.known:
            if folded(each.name) == folded(name) or each.key == key:
                raise UsageError(f"{each.name} has that name or key already. Revoke it first.")
        if len(self.known) >= MOST:
            raise UsageError(f"there are {MOST} keys already. Revoke one first.")
        return Operators((*self.known, Operator(name, key, role)))

    def without(self, name: str) -> Operators:
        """With one less.

        Raises:
            UsageError: nobody has that name.
        """
        left = tuple(each for each in self.known if folded(each.name) != folded(name))
        if len(left) == len(self.known):
            names = [each.name for each in self.known]
            meant = did_you_mean(name, names)
            raise UsageError(
                f"nobody called {name!r} has a key here.{meant} Known: {listed(names)}."
            )
        return Operators(left)

    def to_json(self) -> str:
        """For the ledger's sealed states."""
        return json.dumps([asdict(each) for each in self.known])

    @classmethod
    def from_json(cls, text: str | None) -> Operators:
        """What `to_json` wrote; None: nobody.

        Raises:
            LedgerError: it is not that.
        """
        try:
            return cls(plain.read(tuple[Operator, ...], json.loads(text or "[]")))
        except (ValueError, RecursionError) as error:
            raise LedgerError(f"the stored operators are damaged: {error}") from error


def proper_key(key: str) -> str:
    """`key`, if it is a base64 Ed25519 public key.

    Raises:
        UsageError: it is not.
    """
    try:
        public_bytes(key)
    except ValueError as error:
        raise UsageError(f"{key!r} {error}.") from error
    return key


def public_bytes(key: str) -> bytes:
    """What the base64 text of an Ed25519 public key stands for.

    Raises:
        ValueError: it is none; what it is instead.
    """
    try:
        raw = base64.b64decode(key, validate=True)
    except ValueError as error:
        raise ValueError("is not base64") from error
    if len(raw) != _KEY_BYTES:
        raise ValueError(f"is {len(raw)} bytes, and an Ed25519 public key has {_KEY_BYTES}")
    if base64.b64encode(raw).decode() != key:  # else one key counts as two, by bits that are unused
        raise ValueError(f"is spelled otherwise than base64 does: {base64.b64encode(raw).decode()}")
    return raw
