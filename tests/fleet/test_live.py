"""What is new, on pages that stay open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from edge.errors import DatabaseError
from edge.fleet.database.database import Database
from edge.fleet.web import live
from edge.fleet.web.site import Options, Site
from tests.fleet.site import Doors, an_event, furnished


def test_what_cannot_be_shown_does_not_end_what_is_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Pages are told that somebody is there even so: they would never say that nothing comes."""
    database = Database.open(f"sqlite:///{tmp_path}/fleet.db")
    looked = []

    async def look_twice() -> None:
        loop, twice = asyncio.get_running_loop(), asyncio.Event()

        def broken(*_: object) -> None:
            looked.append(1)
            if len(looked) == 2:
                loop.call_soon_threadsafe(twice.set)
            raise ValueError("a row that nobody can read")

        monkeypatch.setattr(live, "read_tiles", broken)
        looking = asyncio.create_task(live.Live(Site(database, Options())).run())
        waiting = asyncio.create_task(twice.wait())
        await asyncio.wait([looking, waiting], return_when=asyncio.FIRST_COMPLETED)
        assert not looking.done()
        looking.cancel()

    monkeypatch.setattr(live, "TILES_EVERY_S", 0.0)
    asyncio.run(look_twice())
    database.close()
    assert "a row that nobody can read" in caplog.text


def test_what_one_look_could_not_tell_the_next_one_tells(tmp_path: Path) -> None:
    with furnished(tmp_path) as database:
        look = live.Live(Site(database, Options()))
        assert not list(look._news())
        Doors(database).happen([an_event("door1")])
        rename(database, "commands", "away")
        with pytest.raises(DatabaseError, match="no such table"):
            list(look._news())
        rename(database, "away", "commands")
        assert [piece.door for piece in look._news() if piece.kind == "event"] == ["door1"]
        assert not [piece for piece in look._news() if piece.kind == "event"]


def rename(database: Database, table: str, name: str) -> None:
    with database.writing() as writing:
        writing.execute(text(f"ALTER TABLE {table} RENAME TO {name}"))
