"""The tables: made by the migrations as the code wants them, on both databases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select

from edge.errors import DatabaseError, UsageError
from edge.fleet.collector import upkeep
from edge.fleet.database.database import Database, latest_batch
from edge.fleet.database.tables import devices, groups, members, metadata, operators
from tests.fleet.parts import Cluster


def not_a_partition(_item: object, name: str | None, *_: object) -> bool:
    return not str(name).startswith("events_")


def test_migrations_make_what_the_code_expects(database: Database) -> None:
    with database.reading() as reading:
        context = MigrationContext.configure(reading, opts={"include_object": not_a_partition})
        differences = compare_metadata(context, metadata)
    assert differences == []


def test_opening_again_keeps_everything(address: str) -> None:
    first = Database.open(address)
    with first.writing() as writing:
        writing.execute(insert(groups).values(name="Staff"))
    first.close()
    second = Database.open(address)
    with second.reading() as reading:
        assert reading.execute(select(groups.c.name)).scalars().all() == ["Staff"]
    second.close()


def test_an_old_database_is_brought_up_to_date(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of the first version, with everything in it, keeps everything."""
    with monkeypatch.context() as before:
        upgrade = command.upgrade
        before.setattr(command, "upgrade", lambda config, _: upgrade(config, "v0001"))
        old = Database.open(address)
    with old.writing() as writing:
        writing.exec_driver_sql("INSERT INTO groups (name) VALUES ('Staff')")
        writing.exec_driver_sql(
            "INSERT INTO devices (id, name, group_id, first_seen, heard, chain, batch)"
            " VALUES ('door1', 'Front', 1, 5, 5, 'c', 1)"
        )
        writing.exec_driver_sql(
            "INSERT INTO members (device, person, enrolled, expires) VALUES ('door1', 'Ada', 1, 2)"
        )
        writing.exec_driver_sql(
            "INSERT INTO operators (name, password, created) VALUES ('anna', 'x', 1)"
        )
    old.close()
    database = Database.open(address)
    with database.reading() as reading:
        context = MigrationContext.configure(reading, opts={"include_object": not_a_partition})
        assert compare_metadata(context, metadata) == []
        door = reading.execute(select(devices)).one()
        member = reading.execute(select(members)).one()
        assert (door.name, door.group_id, member.person, member.number) == ("Front", 1, "Ada", None)
        assert reading.execute(select(operators.c.name)).scalars().all() == ["anna"]
    database.close()


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def half() -> None:
        with database.news() as (writing, _):
            writing.execute(insert(groups).values(name="Staff"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    with database.reading() as reading:
        assert reading.execute(select(groups)).all() == []
        assert latest_batch(reading) == 0


def test_batches_become_visible_in_their_order(database: Database) -> None:
    """A reader that has seen a batch has seen all before it, however many write."""
    seen: list[tuple[int, int]] = []

    def write() -> None:
        for _ in range(10):
            with database.news() as (writing, batch):
                writing.execute(insert(groups).values(name=f"g{batch}"))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        with database.reading() as reading:
            count = len(reading.execute(select(groups)).all())
        with database.reading() as reading:
            seen.append((count, latest_batch(reading)))
    for writer in writers:
        writer.join()
    assert all(count <= batch for count, batch in seen)
    with database.reading() as reading:
        assert latest_batch(reading) == 40
        names = reading.execute(select(groups.c.name)).scalars().all()
        assert sorted(names) == sorted(f"g{n}" for n in range(1, 41))


def test_months_are_partitions(cluster: Cluster) -> None:
    database = Database.open(cluster.fresh("months"))
    january, year = 1_767_300_000.0, 366 * 86400.0  # 2026-01-01 20:40 UTC

    def partitions() -> list[str]:
        with database.reading() as reading:
            found = reading.exec_driver_sql(
                "SELECT inhrelid::regclass::text FROM pg_inherits "
                "WHERE inhparent = 'events'::regclass ORDER BY 1"
            )
            return list(found.scalars())

    upkeep.forget(database, january, keep_days=400)
    assert partitions() == ["events_2026_01", "events_2026_02", "events_rest"]
    upkeep.forget(database, january + year, keep_days=30)
    assert partitions() == ["events_2027_01", "events_2027_02", "events_rest"]
    database.close()


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "names no database"),
        ("mysql://x/y", "use sqlite or postgresql"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?mode=memory&uri=true", "names no file"),
    ],
)
def test_an_address_that_is_none(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Database.open(address)


def test_a_database_out_of_reach(tmp_path: Path) -> None:
    missing = f"sqlite:///{tmp_path}/missing/fleet.db"
    with pytest.raises(DatabaseError) as caught:
        Database.open(missing)
    assert f"database {missing} cannot be used" in str(caught.value)
    assert "Is its folder there" in str(caught.value)
    with pytest.raises(DatabaseError) as caught:
        Database.open("postgresql://edge:secret@127.0.0.1:1/none")
    assert "edge:***@127.0.0.1:1/none cannot be used" in str(caught.value)
    assert "secret" not in str(caught.value)
