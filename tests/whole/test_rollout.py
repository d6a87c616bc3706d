"""A roll-out on real programs: office, broker, two doors' link, and what applies updates there."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access.command import public_text
from edge.believed import enforce
from edge.bundle import make_bundle
from edge.config import load
from edge.link.process import run
from edge.ops.update import Updates
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from edge.vision.models.manifest import shipped_models
from tests.support.link_parts import Mosquitto, needs_mosquitto
from tests.support.running import Door

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_mosquitto
KEY = Ed25519PrivateKey.generate()


def models() -> dict[str, bytes]:
    """Those that are shipped, as a bundle brings them."""
    shipped = shipped_models()
    found = [
        path
        for kind in ("*.tflite", "*.toml", "*.json", "calibration/*.json")
        for path in shipped.glob(kind)
    ]
    return {f"models/{path.relative_to(shipped)}": path.read_bytes() for path in found}


class Updated:
    """A door that has had one bundle; its link on a thread, and what systemd starts on another."""

    def __init__(self, folder: Path, device: str, port: int) -> None:
        folder.mkdir()
        self.device = device
        self.door = Door(
            folder,
            "/dev/video99",
            device={"id": device},
            mqtt={"host": "127.0.0.1", "port": port, "updates": True},
        )
        open_vault(self.door.config).close()
        open_ledger(self.door.config).close()
        first = make_bundle(KEY, {self.configuration: self.text("First"), **models()}, 1)
        Updates(self.door.config, self.door.path, lambda *_: None).apply(first, public_text(KEY))
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=run, args=(self.door.config, self._stop)),
            threading.Thread(target=self._apply),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def configuration(self) -> str:
        return f"config/{self.device}.toml"

    def text(self, name: str) -> bytes:
        """Its configuration, with another name."""
        lines = self.door.path.read_text().splitlines()
        kept = "\n".join(line for line in lines if not line.startswith("name = "))
        ours = f'id = "{self.device}"'
        return kept.replace(ours, f'{ours}\nname = "{name}"').encode()

    @property
    def name(self) -> str:
        return load(self.door.path).device.name

    def _apply(self) -> None:
        while not self._stop.wait(0.2):
            if self.door.config.offered_bundle.exists():
                self.door.command("update", "take", "--json")

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    started = Mosquitto(tmp_path, "max_packet_size 65536").start()
    yield started
    started.kill()


@pytest.fixture
def doors(tmp_path: Path, broker: Mosquitto) -> Iterator[list[Updated]]:
    made = [Updated(tmp_path / name, name, broker.port) for name in ("door1", "door2")]
    yield made
    for one in made:
        one.close()
    enforce(None)


def test_a_bundle_goes_out_in_waves_and_halts_at_a_door_that_refuses_it(
    tmp_path: Path, broker: Mosquitto, doors: list[Updated]
) -> None:
    folder = tmp_path / "office"
    folder.mkdir()
    office = Door(folder, "none", mqtt={"host": "127.0.0.1", "port": broker.port})
    bundle = tmp_path / "fleet.bundle"

    def roll_out(version: int, *configured: Updated) -> tuple[int, dict[str, object]]:
        contents = {one.configuration: one.text(f"Version {version}") for one in configured}
        contents |= models()
        bundle.write_bytes(make_bundle(KEY, contents, version))
        named = "--door", "door1", "--door", "door2"  # no sight runs here, so they are not online
        words = "office", "rollout", str(bundle), "--wave", "1", "--minutes", "2", "--json"
        done = office.command(*words, *named)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    code, told = roll_out(2, *doors)
    assert told["why"] == ""
    assert code == 0
    assert [one.name for one in doors] == ["Version 2", "Version 2"]
    code, told = roll_out(3, doors[0])  # the second door's configuration was forgotten
    assert (code, told["ok"]) == (1, False), told
    assert "door2: the configuration of door2 comes with its bundles" in str(told["why"])
    assert [one.name for one in doors] == ["Version 3", "Version 2"]
    done = office.command("office", "rollout", str(bundle), "--door", "attic")
    assert done.returncode == 2
    assert "attic has never said that it takes updates" in done.stderr


def test_what_is_no_file_is_taken_away_and_said(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    offered = door.config.offered_bundle
    offered.parent.mkdir(parents=True)
    os.mkfifo(offered)
    done = door.command("update", "take")
    assert done.returncode == 2
    assert "no update was fetched" in done.stderr
    assert not offered.exists()
    assert door.command("update", "take").returncode == 2
