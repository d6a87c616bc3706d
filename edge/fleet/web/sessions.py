"""Sessions, their CSRF words, and how often somebody may guess a password. All in the database.

A session begins anonymous, with the login page, so that the login form has a CSRF word too; who
logs in gets a new one, so that a cookie planted before is worth nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, not_, select, update

from edge.fleet.database.tables import failures, sessions
from edge.fleet.text import MAX_NAME
from edge.fleet.web.networks import network_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

IDLE_S = 12 * 3600.0
LONGEST_S = 7 * 86400.0
ANONYMOUS_S = 1800.0
SEEN_EVERY_S = 60.0
WINDOW_S = 900.0
"""Failures count for so long."""
AHEAD_S = 60.0
"""Two hosts' clocks differ by less. What is from later still was written while a clock was ahead:
it would be a session that never ends, or a failure that counts for years."""
MOST_BY_NAME = 5
MOST_BY_ADDRESS = 30
MOST_VISITS = 200
"""Login pages that an address may ask for within `WINDOW_S`, without ever sending its cookie back:
each is written down, and must not fill the disk or keep the collector from writing."""
_WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Session:
    """A browser's session; `operator` is None before the login."""

    key: str
    operator: int | None
    csrf: str
    challenge: bytes | None
    seen: float


def begin(connection: Connection, operator: int | None, address: str, now: float) -> str:
    """A new session; the cookie's value, which is not stored."""
    cookie = secrets.token_urlsafe(_WORD_BYTES)
    row = {
        "id": _key(cookie),
        "operator_id": operator,
        "csrf": secrets.token_urlsafe(_WORD_BYTES),
        "created": now,
        "seen": now,
        "address": network_of(address),
    }
    connection.execute(insert(sessions).values(**row))
    return cookie


def find(connection: Connection, cookie: str | None, now: float) -> Session | None:
    """The session of a cookie; None when there is none or its time is over."""
    if not cookie:
        return None
    row = connection.execute(select(sessions).where(sessions.c.id == _key(cookie))).first()
    if row is None:
        return None
    idle = ANONYMOUS_S if row.operator_id is None else IDLE_S
    if not _lately(row.seen, idle, now) or not _lately(row.created, LONGEST_S, now):
        return None
    return Session(row.id, row.operator_id, row.csrf, row.challenge, row.seen)


def touch(connection: Connection, session: Session, now: float) -> None:
    """The session is in use."""
    connection.execute(update(sessions).where(sessions.c.id == session.key).values(seen=now))


def forget(connection: Connection, now: float) -> None:
    """Remove what nobody can come back with."""
    unknown = sessions.c.operator_id.is_(None) & (sessions.c.seen < now - ANONYMOUS_S)
    idle = not_(sessions.c.seen.between(now - IDLE_S, now + AHEAD_S))
    over = not_(failures.c.at.between(now - WINDOW_S, now + AHEAD_S))
    connection.execute(delete(sessions).where(unknown | idle))
    connection.execute(delete(failures).where(over))


def end(connection: Connection, key: str) -> None:
    """Forget a session."""
    connection.execute(delete(sessions).where(sessions.c.id == key))


def set_challenge(connection: Connection, key: str, challenge: bytes | None) -> None:
    """Remember what a passkey has to sign, or forget it."""
    connection.execute(update(sessions).where(sessions.c.id == key).values(challenge=challenge))


def word_fits(session: Session, word: str) -> bool:
    """Whether a form came from a page of this session."""
    return hmac.compare_digest(session.csrf.encode(), word.encode())


def too_many(connection: Connection, name: str | None, address: str, now: float) -> bool:
    """Whether this name, where there is one, or this address has failed too often of late."""
    by_name = [] if name is None else [(_name(name), MOST_BY_NAME)]
    for who, most in (*by_name, (_address(address), MOST_BY_ADDRESS)):
        lately = (failures.c.who == who, failures.c.at.between(now - WINDOW_S, now + AHEAD_S))
        count = select(func.count()).select_from(failures).where(*lately)
        if connection.execute(count).scalar_one() >= most:
            return True
    return False


def too_many_visits(connection: Connection, address: str, now: float) -> bool:
    """Whether this address has begun too many sessions that nobody logged in with."""
    lately = (
        sessions.c.operator_id.is_(None),
        sessions.c.address == network_of(address),
        sessions.c.created.between(now - WINDOW_S, now + AHEAD_S),
    )
    count = select(func.count()).select_from(sessions).where(*lately)
    return bool(connection.execute(count).scalar_one() >= MOST_VISITS)


def trying(connection: Connection, name: str | None, address: str, now: float) -> None:
    """Somebody tries: counted before the password is looked at, so that many at once count too."""
    who = [_address(address)] if name is None else [_name(name), _address(address)]
    connection.execute(insert(failures), [{"who": each, "at": now} for each in who])


def cleared(connection: Connection, name: str, address: str, at: float) -> None:
    """The attempt of `at` succeeded: the name's are forgotten, and this one of the address."""
    this = (failures.c.who == _address(address)) & (failures.c.at == at)
    connection.execute(delete(failures).where((failures.c.who == _name(name)) | this))


def _lately(at: float, longest_s: float, now: float) -> bool:
    return -AHEAD_S <= now - at <= longest_s


def _key(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _name(name: str) -> str:
    return f"name:{name.casefold()[:MAX_NAME]}"


def _address(address: str) -> str:
    return f"address:{network_of(address)}"
