"""What people present instead of, or beside, their face: cards and PINs.

None is kept in clear. A card number is kept as HMAC-SHA256 under a key of the key file, so that a
number can be looked up but not read. A PIN is kept as its scrypt hash (RFC 7914) with a salt that
comes from the key file as well: who has the database alone can try no PIN. A PIN chooses its
person, so the salt is one for the device, a PIN entered costs one scrypt however many people there
are, and no two people can have the same.

A duress PIN opens as usual; `Claimed.duress` says that a silent event is due.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from edge.errors import EnrolmentError, UsageError
from edge.vault.earlier import Hashes
from edge.vault.people import find, people_rows
from edge.vocabulary import PIN_DIGITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from edge.vault.key import Keys
    from edge.vault.sealed import SealedStore, Tables

TABLE = """CREATE TABLE credentials (
    id INTEGER PRIMARY KEY,
    person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    secret BLOB NOT NULL UNIQUE
) STRICT"""

MAX_CARD = 64
_HALF = 2**16
_FACILITY = re.compile(r"(\d{1,5}),(\d{1,5})", re.ASCII)
_HEX = re.compile(
    r"0x([0-9a-f]{1,20})|([0-9a-f]{6,20})|([0-9a-f]{2}(?:[:-][0-9a-f]{2}){1,9})", re.IGNORECASE
)
"""Without its 0x it has the digits of three bytes or more: `abc` is no card, but a word."""
_NO_CARD = (
    "This is no card number: give its digits (0007654321), facility,number (116,52145) or "
    "hexadecimal (0x74CBB1), as it is printed or as the reader reports it."
)
_SEVERAL_CARDS = "These are several different card numbers. Give one card at a time."


class Kind(str, Enum):
    """What was presented."""

    CARD = "card"
    PIN = "pin"
    DURESS = "duress"


@dataclass(frozen=True, slots=True)
class _Held:
    """A row of `credentials`."""

    id: int
    person: int
    kind: Kind
    secret: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whose credential it was."""

    person: str
    duress: bool = False


class Credentials:
    """Cards and PINs of the people in a vault; get it from `Vault.credentials`.

    Every method raises VaultError as the vault's own do.
    """

    def __init__(self, store: SealedStore, keys: Keys) -> None:
        self._store = store
        with store.reading() as tables:
            self._hashes = Hashes.of(tables, keys)

    def set_pin(self, person: str, pin: str, *, duress: bool = False) -> None:
        """Give a person a PIN, in place of the one they had.

        Raises:
            UsageError: nobody has that name, or it is not a PIN to use.
            EnrolmentError: the PIN is in use already, as anybody's PIN or duress PIN.
        """
        kind = Kind.DURESS if duress else Kind.PIN
        secret = self._hashes.pin(_proper_pin(pin))
        with self._store.changing() as tables:
            row = find(people_rows(tables), person)
            rest = [held for held in _held(tables) if (held.person, held.kind) != (row.id, kind)]
            self._drop(row.id, kind)
            self._add(rest, row.id, kind, secret)

    def add_card(self, person: str, card: str) -> None:
        """Give a person one more card.

        Raises:
            UsageError: nobody has that name, or it is not a card number.
            EnrolmentError: the card is somebody's already.
        """
        secret = self._hashes.card(card_number(card))
        with self._store.changing() as tables:
            row = find(people_rows(tables), person)
            self._add(_held(tables), row.id, Kind.CARD, secret)

    def give(self, person: int, cards: Sequence[str], pin: str | None) -> None:
        """Let a row of `people` hold these and no others, inside a change of the store.

        Raises:
            UsageError: one is no card number or no PIN to use.
            EnrolmentError: one is somebody else's already.
        """
        numbers = dict.fromkeys(map(card_number, cards))  # one card may stand there twice
        secrets = [(Kind.CARD, self._hashes.card(number)) for number in numbers]
        if pin is not None:
            secrets.append((Kind.PIN, self._hashes.pin(_proper_pin(pin))))
        self._store.query("DELETE FROM credentials WHERE person = ?", (person,))
        for kind, secret in secrets:
            rows = self._store.query("SELECT * FROM credentials ORDER BY id")
            self._add(_held({"credentials": rows}), person, kind, secret)

    def revoke(self, person: str, kind: Kind, card: str | None = None) -> int:
        """Take all of one kind from a person, or one card; how many there were.

        Raises:
            UsageError: nobody has that name, or that is no card number.
        """
        secret = None if card is None else self._hashes.card(card_number(card))
        with self._store.changing() as tables:
            row = find(people_rows(tables), person)
            theirs = [
                held
                for held in _held(tables)
                if (held.person, held.kind) == (row.id, kind) and secret in (None, held.secret)
            ]
            for held in theirs:
                self._store.query("DELETE FROM credentials WHERE id = ?", (held.id,))
        return len(theirs)

    def held(self) -> dict[str, tuple[Kind, ...]]:
        """What each person holds, by name; only people who hold something."""
        with self._store.reading() as tables:
            rows, everything = people_rows(tables), _held(tables)
        kinds = {
            row.name: tuple(held.kind for held in everything if held.person == row.id)
            for row in rows
        }
        return {name: held for name, held in kinds.items() if held}

    def identify(self, source: Kind, value: str) -> Claimed | None:
        """Whose card or PIN this is; None for nobody's, and for what is no card or PIN.

        `source` is CARD or PIN, as the reader says; a duress PIN is entered as a PIN.
        """
        is_card = source is Kind.CARD
        try:
            secret = (
                self._hashes.card(card_number(value))
                if is_card
                else self._hashes.pin(_digits(value))
            )
        except UsageError:
            return None
        with self._store.reading() as tables:
            names = {row.id: row.name for row in people_rows(tables)}
            found = _holder(_held(tables), secret)
        return None if found is None else Claimed(names[found.person], found.kind is Kind.DURESS)

    def _add(self, others: list[_Held], person: int, kind: Kind, secret: bytes) -> None:
        if _holder(others, secret) is not None:
            noun = "card" if kind is Kind.CARD else "PIN"
            raise EnrolmentError(f"This {noun} is in use already. Choose another.")
        self._store.query(
            "INSERT INTO credentials VALUES (NULL, ?, ?, ?)", (person, kind.value, secret)
        )

    def _drop(self, person: int, kind: Kind) -> None:
        self._store.query(
            "DELETE FROM credentials WHERE person = ? AND kind = ?", (person, kind.value)
        )

    def rekey(self, tables: Tables, new: Keys) -> None:
        """Hash every hash once more, under new keys; inside a change of the store."""
        for held in _held(tables):
            key = new.card if held.kind is Kind.CARD else new.pin
            secret = hmac.digest(key, held.secret, "sha256")
            self._store.query("UPDATE credentials SET secret = ? WHERE id = ?", (secret, held.id))
        self._hashes.keep(self._store, new)


def _held(tables: Tables) -> list[_Held]:
    return [
        _Held(number, person, Kind(kind), secret)
        for number, person, kind, secret in tables["credentials"]
    ]


def _holder(everything: list[_Held], secret: bytes) -> _Held | None:
    for held in everything:
        if hmac.compare_digest(held.secret, secret):
            return held
    return None


def require_proper(cards: Iterable[str], pin: str | None) -> None:
    """See that a door would take these, as far as that does not depend on who is there.

    Raises:
        UsageError: one is no card number or no PIN to use.
    """
    for card in cards:
        card_number(card)
    if pin is not None:
        _proper_pin(pin)


def card_number(card: str) -> str:
    """A card's number in decimal, as readers report it, from how it is printed or was typed.

    `0007654321`, `116,52145` (facility, number) and `0x74CBB1` are one card. Several of them, as
    they stand together on a card, must say the same.

    Raises:
        UsageError: it is none of these, or they contradict each other.
    """
    numbers = {_number(part) for part in card[: MAX_CARD + 1].split()}
    if not numbers or len(card) > MAX_CARD:
        raise UsageError(_NO_CARD)
    if len(numbers) > 1:
        raise UsageError(_SEVERAL_CARDS)
    return str(numbers.pop())


def _number(text: str) -> int:
    if text.isascii() and text.isdecimal():
        return int(text)
    if found := _FACILITY.fullmatch(text):
        facility, number = map(int, found.groups())
        if max(facility, number) < _HALF:
            return facility * _HALF + number
    if found := _HEX.fullmatch(text):
        return int(re.sub(r"[:-]", "", found[found.lastindex or 0]), 16)
    raise UsageError(_NO_CARD)


def _digits(pin: str) -> str:
    fewest, most = PIN_DIGITS
    if not (fewest <= len(pin) <= most and pin.isascii() and pin.isdigit()):
        raise UsageError(f"A PIN has {fewest} to {most} digits.")
    return pin


def _proper_pin(pin: str) -> str:
    steps = {(int(b) - int(a)) % 10 for a, b in zip(_digits(pin), pin[1:], strict=False)}
    if steps in ({0}, {1}, {9}):
        raise UsageError("A PIN of one digit, or of digits in a row, is the first to be tried.")
    return pin
