"""What decides who is let in is what its owner sealed, byte for byte, or sight does not start."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access.command import public_text
from edge.believed import enforce, read_believed
from edge.config import Config, load
from edge.errors import CalibrationError, ConfigError, EdgeDoorError, SealError
from edge.owner import remember_owner
from edge.sealing import digests, make_seal, read_seal
from edge.sight.journal import Journal
from edge.sight.sealed_files import believed_files
from edge.sight.sealed_ledger import open_ledger
from edge.sight.seals import note_seal, seal_path, take_up_seal
from edge.vault.vault import open_vault
from edge.vision.calibrated import read_calibration
from edge.vision.models.known import read_known
from edge.vision.models.manifest import read_manifest, shipped_models

KEY = Ed25519PrivateKey.generate()


class Place:
    """A door's configuration and models, sealed."""

    def __init__(self, folder: Path) -> None:
        self.models = folder / "models"
        self.models.mkdir()
        shipped = shipped_models()
        shutil.copytree(shipped / "calibration", self.models / "calibration")
        for path in (*shipped.glob("*.tflite"), *shipped.glob("*.toml"), *shipped.glob("*.json")):
            shutil.copy(path, self.models)
        self.path = folder / "door.toml"
        self.path.write_text(
            f'[paths]\nstate = "{folder}/state"\nrun = "{folder}"\nmodels = "{self.models}"\n'
        )
        self.config: Config = load(self.path)
        open_vault(self.config).close()

    def seal(self, version: int = 1, key: Ed25519PrivateKey = KEY) -> None:
        files = believed_files(self.config, self.path)
        seal_path(self.path).write_text(make_seal(key, digests(files), version))

    def know(self) -> None:
        with open_ledger(self.config) as ledger:
            seal = read_seal(seal_path(self.path))
            note_seal(Journal(ledger, "door1"), seal.key, seal.version, len(seal.files))
        remember_owner(seal.key, self.path)

    def start(self) -> Config:
        """As sight does, as far as files go."""
        enforce(None)
        config = load(self.path)
        take_up_seal(config, self.path)
        read_calibration(config)
        read_known(self.models)
        for entry in read_manifest(config.paths.models).models.values():
            read_believed(entry.path)
        return config


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("EDGE_DOOR_OWNER", str(tmp_path / "owner.pub"))
    yield Place(tmp_path)
    enforce(None)


def test_a_door_that_was_never_sealed_believes_its_files(place: Place) -> None:
    place.start()


def test_a_sealed_door_starts_with_what_was_sealed(place: Place) -> None:
    place.seal()
    place.know()
    place.start()


@pytest.mark.parametrize("what", ["door.toml", "manifest.toml", "known.json", "calibration"])
def test_every_file_with_a_byte_changed_is_refused(place: Place, what: str) -> None:
    place.seal()
    place.know()
    calibration = place.models / "calibration" / "mobilefacenets-int8.json"
    path = {"door.toml": place.path, "calibration": calibration}.get(what, place.models / what)
    whole = path.read_bytes()
    step = max(1, len(whole) // 40)
    for index in range(0, len(whole), step):
        changed = bytearray(whole)
        changed[index] ^= 0x01
        path.write_bytes(changed)
        with pytest.raises(EdgeDoorError):
            place.start()
    path.write_bytes(whole)
    place.start()


def test_every_byte_of_the_seal_flipped_is_refused(place: Place) -> None:
    place.seal()
    place.know()
    path = seal_path(place.path)
    whole = path.read_bytes()
    fields = json.loads(whole)
    for index in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[index] ^= 0x01
        path.write_bytes(changed)
        try:
            place.start()
        except SealError:
            continue
        assert json.loads(changed) == fields, index  # white space between the fields


def test_a_model_swapped_between_the_check_and_its_use_is_not_used(place: Place) -> None:
    place.seal()
    place.know()
    config = place.start()
    entry = next(iter(read_manifest(config.paths.models).models.values()))
    entry.path.write_bytes(entry.path.read_bytes() + b"\0")
    with pytest.raises(SealError, match="is not what was sealed"):
        read_believed(entry.path)


def test_another_state_folder_is_no_way_around_the_seal(place: Place) -> None:
    place.seal()
    place.know()
    text = place.path.read_text()
    place.path.write_text(text.replace("/state", "/evil"))
    with pytest.raises(SealError, match="is not what was sealed"):
        place.start()


def test_a_seal_by_another_than_the_machines_owner_is_refused(place: Place) -> None:
    place.seal()
    place.know()
    remember_owner(public_text(Ed25519PrivateKey.generate()), place.path)
    with pytest.raises(SealError, match="this machine's owner is"):
        place.start()


def test_who_may_not_read_the_ledger_asks_the_machines_own_file(place: Place) -> None:
    place.seal()
    place.know()
    elsewhere = place.config.model_copy(
        update={"paths": place.config.paths.model_copy(update={"state": place.models})}
    )
    assert take_up_seal(elsewhere, place.path) is not None
    place.path.write_text(place.path.read_text() + "# changed")
    enforce(None)
    load(place.path)
    with pytest.raises(SealError, match="is not what was sealed"):
        take_up_seal(elsewhere, place.path)


def test_a_projection_is_sealed_too(place: Place) -> None:
    (place.models / "adapted").mkdir()
    projection = place.models / "adapted" / "ours.npz"
    np.savez(projection, base="mobilefacenet-int8", sha256="0", projection=np.eye(2))
    place.seal()
    place.know()
    place.start()
    projection.write_bytes(projection.read_bytes() + b"0")
    with pytest.raises(SealError, match=r"ours\.npz is not what was sealed"):
        place.start()


@pytest.mark.parametrize("how", ["gone", "older", "by another key", "unsigned"])
def test_another_seal_is_refused(place: Place, how: str) -> None:
    place.seal(2)
    place.know()
    path = seal_path(place.path)
    if how == "gone":
        path.unlink()
    elif how == "older":
        place.seal(1)
    elif how == "by another key":
        place.seal(3, Ed25519PrivateKey.generate())
    else:
        path.write_text(json.dumps({**json.loads(path.read_text()), "signature": ""}))
    with pytest.raises(SealError):
        place.start()


def test_a_newer_seal_is_taken_up_and_its_version_remembered(place: Place) -> None:
    place.seal(1)
    place.know()
    place.seal(5)
    place.start()
    place.seal(4)
    with pytest.raises(SealError, match="version 4, and this door has seen 5"):
        place.start()


def test_a_threshold_below_the_floor_opens_nothing_whatever_a_file_says(place: Place) -> None:
    for path in (place.models / "calibration").glob("*.json"):
        data = json.loads(path.read_text())
        for number, point in enumerate(data["points"]):
            point["threshold"] = -0.98 + number / 1000
        path.write_text(json.dumps(data))
    with pytest.raises(CalibrationError, match="no door opens below"):
        read_calibration(place.config)


def test_nor_does_one_of_the_rule_for_several_captures(place: Place) -> None:
    for path in (place.models / "calibration").glob("*-int8.json"):
        data = json.loads(path.read_text())
        for number, point in enumerate(data["rule"]["captures"]["5"]):
            point["threshold"] = -0.98 + number / 1000
        path.write_text(json.dumps(data))
    with pytest.raises(CalibrationError, match="no door opens below"):
        read_calibration(place.config)


def test_a_pipe_in_a_files_place_is_refused_at_once(place: Place) -> None:
    place.path.unlink()
    os.mkfifo(place.path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(place.path)


@pytest.mark.parametrize("number", ["9" * 10_000, "0x" + "f" * 20_000, "1" + "0" * 400])
def test_a_number_without_end_is_a_sentence(place: Place, number: str) -> None:
    place.path.write_text(f"[door]\npulse_s = {number}\n")
    with pytest.raises(ConfigError, match=r"not valid TOML|pulse_s"):
        load(place.path)


def test_deeply_nested_toml_is_a_sentence(place: Place) -> None:
    place.path.write_text("a = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(ConfigError, match=r"nested too deeply|not valid TOML"):
        load(place.path)
