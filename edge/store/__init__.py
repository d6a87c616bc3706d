"""One SQLite database, kept as safe against a power cut as SQLite can; the one importer of sqlite3.

WAL with `synchronous=FULL`: when a transaction returns, it is on the disk. Any number of
processes may have the same file open; a connection stays with the thread that made it.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from edge.errors import reason_of
from edge.files import sync_folder
from edge.store.file import (
    create,
    place,
    reading,
    require_ordinary,
    tighten,
    why_not_open,
)
from edge.store.versions import TABLES, bring_up_to_date, known_version, require_own_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from edge.store.schema import Schema

    Row = tuple[Any, ...]

BUSY_S = 5.0
"""How long to wait for another process's transaction."""
STILL_BUSY_S = 0.1
"""How long once one wait was in vain, until the file is free again: who may read it can hold it
locked, and a door that waits for it each time sees, shows and hears nothing meanwhile."""

_WRITING = "BEGIN IMMEDIATE"
_LOG_BYTES = 2_000_000
"""How long the write-ahead log gets before it is moved into the database. The longer, the more
pages that changed often are moved once; SQLite's own count is meant for pages of 4 kB."""

_SENTENCES = (
    ("disk is full", "cannot grow: the disk is full. Free some space and try again"),
    ("malformed", "is damaged. Restore it from a backup, or move it away to begin anew"),
    ("not a database", "is not a database. Restore it from a backup, or move it away"),
    ("readonly", "may not be written: the file, its folder or the disk is read-only"),
    ("locked", f"was kept locked by another program for {BUSY_S:g} s. Try again"),
    ("disk I/O", "cannot be read or written: the disk is full (df) or failing (dmesg)"),
)


class Store:
    """An open database. Use `query` to read and `transaction` around everything that writes."""

    def __init__(self, path: Path, schema: Schema, connection: sqlite3.Connection) -> None:
        self.path = path
        self._schema = schema
        self._db = connection
        self._seen = 0
        self._place: tuple[int, int] | None = None
        self._kept_out = False

    @classmethod
    def open(cls, path: Path, schema: Schema, *, read_only: bool = False) -> Self:
        """Open `path`; make it if it is missing, bring it up to date if it is older.

        Raises:
            EdgeDoorError: the schema's own leaf; the file is missing (read-only), damaged, of
                another program, or newer than this edge-door.
        """
        if not read_only:
            create(path, schema)
        elif not path.exists():
            said = f"{path} does not exist, so there is no {schema.name} to read. {schema.lost}"
            raise schema.error(said.rstrip())
        require_ordinary(path, schema)
        with _plain_errors(path, schema):
            uri = f"{path.absolute().as_uri()}?mode={reading(path) if read_only else 'rw'}"
            db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)
        store = cls(path, schema, db)
        try:
            store._prepare(read_only=read_only)
        except BaseException:
            db.close()
            raise
        return store

    @classmethod
    def require_not_newer(cls, path: Path, schema: Schema) -> None:
        """See that this edge-door knows the form of a file, if there is one; nothing is changed.

        Raises:
            EdgeDoorError: the schema's own leaf; a newer edge-door has written it.
        """
        if path.exists():
            require_ordinary(path, schema)
            with _plain_errors(path, schema):
                uri = f"{path.absolute().as_uri()}?mode={reading(path)}"
                with closing(sqlite3.connect(uri, uri=True, timeout=BUSY_S)) as db:
                    known_version(cls(path, schema, db), schema)

    def query(self, sql: str, values: Sequence[object] | Mapping[str, object] = ()) -> list[Row]:
        """Run one statement and return all its rows.

        Raises:
            EdgeDoorError: the schema's own leaf, with what to do.
        """
        with _plain_errors(self.path, self._schema):
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[None]:
        """All or nothing, and on the disk when it ends; keeps other writers out meanwhile.

        One that is not `durable` shows at once, and is on the disk with the next one that is.

        Raises:
            EdgeDoorError: the schema's own leaf; nothing was written then.
        """
        if not durable:
            self.query("PRAGMA synchronous = NORMAL")
        try:
            yield from self._between(_WRITING)
        finally:
            if not durable:
                self.query("PRAGMA synchronous = FULL")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see one state of the database, whatever others commit meanwhile."""
        yield from self._between("BEGIN")

    def changed(self) -> bool:
        """Whether another connection has committed since the last call (or since opening)."""
        version = self._data_version()
        changed = version != self._seen
        self._seen = version
        return changed

    def stand(self) -> None:
        """See that the open file is still the one of that name.

        SQLite goes on with a file that was removed or replaced; what it writes then is lost, and
        what it reads is not what others see.

        Raises:
            EdgeDoorError: it is not.
        """
        if place(self.path) != self._place:
            raise self._schema.error(
                f"The {self._schema.name} {self.path} was removed or replaced while it was open. "
                "Put it back, or start edge-door again to use what is there now."
            )

    def check(self) -> list[str]:
        """What SQLite finds wrong with the file's structure; empty when it is sound."""
        found = [str(row[0]) for row in self.query("PRAGMA quick_check")]
        return [] if found == ["ok"] else [f"{self.path}: {line}" for line in found]

    def used_bytes(self) -> int:
        """What the database takes, without what it has free."""
        ((pages,),) = self.query("PRAGMA page_count")
        ((free,),) = self.query("PRAGMA freelist_count")
        ((size,),) = self.query("PRAGMA page_size")
        return int((pages - free) * size)

    def backup(self, target: Path) -> None:
        """Copy one state of the database into a new file, durably.

        Raises:
            EdgeDoorError: the schema's own leaf; there is such a file, or it cannot be written.
        """
        if target.exists():
            raise self._schema.error(f"{target} exists already. Name another file.")
        fresh = target.with_name(target.name + ".part")
        fresh.unlink(missing_ok=True)
        try:
            create(fresh, self._schema)
            with _plain_errors(fresh, self._schema), closing(sqlite3.connect(fresh)) as copy:
                self._db.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
            fresh.replace(target)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        sync_folder(target.parent)

    def empty_log(self) -> None:
        """Move the write-ahead log into the database and empty it: old pages are gone then.

        Raises:
            EdgeDoorError: another program kept reading and so kept the log.
        """
        ((busy, _, _),) = self.query("PRAGMA wal_checkpoint(TRUNCATE)")
        if busy:
            raise self._schema.error(
                f"The change was made, but another program kept reading {self.path}, so its log "
                "still holds what was there before. The next change removes that too."
            )

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._db.close()

    def _between(self, begin: str) -> Iterator[None]:
        with _plain_errors(self.path, self._schema):
            self._begin(begin)
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # some errors have rolled back already
                    self._db.execute("ROLLBACK")
                raise

    def _begin(self, begin: str) -> None:
        try:
            self._db.execute(begin)
        except sqlite3.OperationalError as error:
            self._expect(kept_out="locked" in str(error))
            raise
        if begin == _WRITING:  # whoever keeps writers out lets readers in
            self._expect(kept_out=False)

    def _expect(self, *, kept_out: bool) -> None:
        if kept_out is not self._kept_out:
            self._kept_out = kept_out
            wait_s = STILL_BUSY_S if kept_out else BUSY_S
            self._db.execute(f"PRAGMA busy_timeout = {wait_s * 1000:.0f}")

    def _prepare(self, *, read_only: bool) -> None:
        # Damage must reach the one who checks hashes, not stop at the decoder.
        self._db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        self.query("PRAGMA foreign_keys = ON")
        self.query("PRAGMA trusted_schema = OFF")
        with self.snapshot():
            version = known_version(self, self._schema)
            if version:
                require_own_tables(self, self._schema, self._intended(version))
        if read_only:
            if not version:
                raise self._schema.error(f"{self.path} is empty. {self._schema.lost}".rstrip())
            if version < len(self._schema.migrations):
                raise self._schema.error(
                    f"{self.path} was made by an older edge-door. {self._schema.renewed}"
                )
        else:
            tighten(self.path, self._schema.mode)
            if not version:
                self.query(f"PRAGMA page_size = {self._schema.page_bytes}")
            self._write_ahead()
            self.query("PRAGMA synchronous = FULL")
            self.query("PRAGMA secure_delete = ON")
            self.query(f"PRAGMA wal_autocheckpoint = {_LOG_BYTES // self._schema.page_bytes}")
            if version < len(self._schema.migrations):
                bring_up_to_date(self, self._schema, version)
        self._seen = self._data_version()
        self._place = place(self.path)

    def _write_ahead(self) -> None:
        """Turn the log on. SQLite itself does not wait when another turns it on at that moment."""
        give_up = time.monotonic() + BUSY_S
        with _plain_errors(self.path, self._schema):
            while True:
                try:
                    self._db.execute("PRAGMA journal_mode = WAL")
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) or time.monotonic() > give_up:
                        raise
                    time.sleep(0.005)
                else:
                    return

    def _intended(self, version: int) -> set[Row]:
        """The tables of that version, as `TABLES` tells them."""
        with closing(sqlite3.connect(":memory:")) as model:
            for statement in itertools.chain.from_iterable(self._schema.migrations[:version]):
                model.execute(statement)
            return set(model.execute(TABLES))

    def _data_version(self) -> int:
        return int(self.query("PRAGMA data_version")[0][0])


@contextmanager
def _plain_errors(path: Path, schema: Schema) -> Iterator[None]:
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # ours to mend, not the user's
    except (sqlite3.Error, UnicodeDecodeError) as error:  # damage may garble the message itself
        said = "malformed" if isinstance(error, UnicodeDecodeError) else str(error)
        if "unable to open" in said and (why := why_not_open(path)):
            raise schema.error(
                f"The {schema.name} {path} cannot be opened: {reason_of(why)}."
            ) from why
        for part, sentence in _SENTENCES:
            if part in said:
                raise schema.error(f"The {schema.name} {path} {sentence}.") from error
        raise schema.error(f"The {schema.name} {path} cannot be used: {said}.") from error
