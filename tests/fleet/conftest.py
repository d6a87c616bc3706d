"""Databases and brokers for the fleet."""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher

from edge.backoff import Backoff
from edge.fleet.database.database import Database
from edge.fleet.web import passwords
from tests.fleet.parts import PROGRAMS, Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    with tempfile.TemporaryDirectory(prefix="edge-door-postgresql-") as folder:
        running = Cluster(Path(folder))
        yield running
        running.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/fleet.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.fresh(f"fleet_{secrets.token_hex(4)}")


@pytest.fixture
def database(address: str) -> Iterator[Database]:
    opened = Database.open(address)
    yield opened
    opened.close()
