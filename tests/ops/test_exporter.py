"""What Prometheus is shown: what can be asked now, and nothing that cannot."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from edge.config import Config, parse
from edge.errors import UsageError
from edge.ledger.ledger import Ledger
from edge.ledger.seal import Seal
from edge.link.outbox import Outbox
from edge.ops.exporter import serve
from edge.records import Event, EventKind, Reason
from tests.support.link_parts import FakeSight

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def config(tmp_path: Path) -> Config:
    paths = {"state": str(tmp_path / "state"), "run": str(tmp_path / "run")}
    return parse({"paths": paths}, "test")


def scraped(port: int) -> dict[str, float]:
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(r"^edge_door_(\w+) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


@pytest.fixture
def sight(config: Config) -> Iterator[FakeSight]:
    fake = FakeSight(config.sight_socket)
    yield fake
    fake.close()


def test_nothing_is_up_where_nothing_runs(config: Config) -> None:
    assert scraped(serve(config, 0)) == {"sight_up": 0, "ledger_up": 0}


def test_what_sight_and_the_ledger_know(config: Config, tmp_path: Path, sight: FakeSight) -> None:
    event = Event(EventKind.ACCESS, Reason.GRANTED, 1.0, 2.0, True, "door1")
    with (
        Ledger.open(config.ledger_db, "door1", Seal(b"k" * 32, tmp_path / "anchor")) as ledger,
        Outbox.open(config.outbox_db) as outbox,
    ):
        for _ in range(3):
            ledger.append(event)
        outbox.mark_delivered(1)
        figures = scraped(serve(config, 0))
    assert figures["sight_up"] == figures["guard_up"] == figures["camera_up"] == 1
    assert figures["decision_seconds"] == 0.0415
    assert figures["newest_event"] == 3
    assert (figures["outbox_events"], figures["confirmed_event"]) == (2, 0)
    assert "certificate_expiry_timestamp_seconds" not in figures
    assert not [name for name in figures if name.endswith(("_ms", "_c"))]
    assert sight.asked == []


def test_how_full_the_ledger_is_goes_by_what_this_device_keeps(tmp_path: Path) -> None:
    paths = {"state": str(tmp_path / "state"), "run": str(tmp_path / "run")}
    config = parse({"paths": paths, "ledger": {"keep_events": 5000}}, "test")
    Ledger.open(config.ledger_db, config.device.id).close()
    Outbox.open(config.outbox_db).close()
    assert scraped(serve(config, 0))["outbox_capacity_events"] == 5000


def test_it_listens_on_this_host_alone(config: Config) -> None:
    port = serve(config, 0)
    address = f"0100007F:{port:04X}"
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    assert [row.split()[1] for row in rows if f":{port:04X} 00000000" in row] == [address]
    with pytest.raises(UsageError, match="Name another"):
        serve(config, port)
