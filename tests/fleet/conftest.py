"""Databases and brokers for the fleet."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from edge.backoff import Backoff
from edge.fleet.database.database import Database
from edge.fleet.web import passwords
from tests.fleet.parts import PROGRAMS, Cluster
from tests.fleet.site import furnished

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY, ROOM = Path("/dev", "shm"), 4 << 30


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Argon2 as cheap as it gets: what it costs in earnest has a test of its own."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", cheap)
        yield


@pytest.fixture(autouse=True)
def quick_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """That they come back to a broker is tested, not how long a fleet spreads that."""
    for program in ("edge.fleet.collector.process", "edge.link.process"):
        monkeypatch.setattr(f"{program}.Backoff", lambda: Backoff(0.1, 0.3))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if PROGRAMS is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    # pytest's own folders are closed to others, and PostgreSQL has a user of its own.
    with tempfile.TemporaryDirectory(prefix="edge-door-postgresql-", dir=_memory()) as folder:
        running = Cluster(Path(folder))
        yield running
        running.close()


def _memory() -> Path | None:
    """Where there is room in memory: a disk takes half a minute to remove so many small files."""
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM else None


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def address(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/fleet.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.fresh(f"fleet_{secrets.token_hex(4)}", of="template0")


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as it is begun: to copy it is quicker than to make its tables."""
    file = tmp_path_factory.mktemp("tables") / "fleet.db"
    Database.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def database(
    kind: str, request: pytest.FixtureRequest, tables: Path, tmp_path: Path
) -> Iterator[Database]:
    """One with its tables and nothing in them, of each kind."""
    if kind == "sqlite":
        at = f"sqlite:///{shutil.copy(tables, tmp_path / 'fleet.db')}"
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        at = cluster.fresh(f"fleet_{secrets.token_hex(4)}")
    opened = Database.open(at)
    yield opened
    opened.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Database]:
    """One with doors and operators in it, for one test alone."""
    with furnished(tmp_path) as made:
        yield made
