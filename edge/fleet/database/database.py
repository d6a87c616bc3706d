"""Open the database: made and brought up to date where needed, kept as safe as it can be."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy import create_engine, event, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from edge.errors import DatabaseError, UsageError
from edge.fleet.database.tables import feed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL
    from sqlalchemy.engine.interfaces import DBAPICursor

BUSY_S = 15.0
_MEMORY = ":memory:"
_UNOPENED = "unable to open database file"
"""What SQLite says of a folder that is missing or closed."""
_MIGRATION_LOCK = 0x45444631
"""Keeps two programs that start together on PostgreSQL from migrating at once."""


class Database:
    """An open database. Any number of threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        one_state = {"isolation_level": "REPEATABLE READ"} if self.on_postgresql else {}
        self._read_only = {"writes": False, **one_state}

    @classmethod
    def open(cls, address: str) -> Database:
        """Open `sqlite:///PATH` or `postgresql://...`, and bring its tables up to date.

        Raises:
            UsageError: the address is not one of these.
            DatabaseError: it cannot be reached, used or brought up to date.
        """
        url = _address(address)
        engine = create_engine(url, **_options(url))
        if url.get_backend_name() == "sqlite":
            _begin_file(str(url.database))
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_at_once)
        database = cls(engine)
        try:
            database._upgrade()
        except BaseException:
            engine.dispose()
            raise
        return database

    @property
    def on_postgresql(self) -> bool:
        """Whether months can be partitions."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Reads inside see one state.

        Raises:
            DatabaseError: the database is out of reach.
        """
        with self._plain_errors(), self.engine.connect() as connection:
            yield connection.execution_options(**self._read_only)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing, and on the disk when it ends.

        Raises:
            DatabaseError: nothing was written.
        """
        with self._plain_errors(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def news(self) -> Iterator[tuple[Connection, int]]:
        """`writing`, for what the dashboard shows live: yields the batch's number too.

        The number's row is locked until the end, so batches become visible in their order.
        """
        with self.writing() as connection:
            yield connection, next_batch(connection)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._unusable(" ".join(str(error.orig).split())) from error
        except SQLAlchemyError as error:
            raise self._unusable(str(error)) from error

    def _unusable(self, why: str) -> DatabaseError:
        there = self.engine.url.render_as_string(hide_password=True)
        advice = ". Is its folder there, and may this user write it?" if _UNOPENED in why else ""
        return DatabaseError(f"the fleet's database {there} cannot be used: {why}{advice}")

    def _upgrade(self) -> None:
        config = AlembicConfig()
        config.set_main_option("script_location", "edge.fleet.database:migrations")
        config.set_main_option("path_separator", "os")
        with self.writing() as connection:
            if self.on_postgresql:
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def next_batch(connection: Connection) -> int:
    """The number of this transaction's news."""
    bump = update(feed).values(batch=feed.c.batch + 1).returning(feed.c.batch)
    return int(connection.execute(bump).scalar_one())


def latest_batch(connection: Connection) -> int:
    """The newest batch that can be seen."""
    return int(connection.execute(select(feed.c.batch)).scalar_one())


def _address(address: str) -> URL:
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise UsageError(
            f"{address!r} names no database. Write sqlite:///fleet.db or "
            "postgresql://user:password@host/name"
        ) from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise UsageError(f"{url.drivername} is not known here: use sqlite or postgresql.")
    if url.query or (url.database or _MEMORY) == _MEMORY:
        # What is confirmed there is cut at the doors, and gone when the program ends.
        raise UsageError(f"{address} names no file: write sqlite:////PATH/fleet.db")
    return url


def _options(url: URL) -> dict[str, object]:
    if url.get_backend_name() == "sqlite":
        return {"connect_args": {"timeout": BUSY_S}}
    # A connection that died in the pool is found before it is used.
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": int(BUSY_S)}}


def _begin_file(path: str) -> None:
    """Others may not read who passed where, whatever the umask; the log has its file's mode."""
    with suppress(OSError):  # it is there, or SQLite says why it cannot be
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o660))


class _Sqlite(Protocol):
    """The driver's own connection."""

    isolation_level: str | None

    def cursor(self) -> DBAPICursor: ...


def _prepare_sqlite(connection: _Sqlite, _record: object) -> None:
    connection.isolation_level = None  # the driver begins nothing by itself; `_begin_at_once` does
    cursor = connection.cursor()
    for _ in range(int(BUSY_S / 0.01)):
        try:  # SQLite does not wait when another turns the log on at that moment
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except Exception as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.01)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_at_once(connection: Connection) -> None:
    # A reader that turned writer half-way could not wait for another writer.
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
