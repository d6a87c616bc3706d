"""doctor: a finding for everything that can be wrong, and none where nothing is."""

from __future__ import annotations

import re
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.access.matcher import match
from edge.config import Config, parse
from edge.ops.doctor import drift, hardware, run_checks, software, state, system
from edge.ops.doctor.hardware import outputs_end_with_their_process
from edge.ops.owner import INSTALLED
from edge.records import Embedding, Event, EventKind, Reason, Template
from edge.sight.changes import accept_backup
from edge.sight.pace import NEEDED_FPS
from edge.sight.sealed_ledger import open_ledger
from edge.vault.key import create_key
from edge.vault.vault import Vault
from edge.vision.calibrated import read_calibration
from edge.vision.models.manifest import shipped_models
from edge.wire.messages import Status
from tests.support.link_parts import MOSQUITTO, Mosquitto

if TYPE_CHECKING:
    from edge.ops.doctor import Check


@pytest.fixture(autouse=True)
def not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "TARGET", tmp_path / "no-such.target")


PEOPLE = 15


def configured(tmp_path: Path, **tables: dict[str, Any]) -> Config:
    data: dict[str, Any] = {
        "paths": {"state": str(tmp_path / "state"), "run": str(tmp_path / "run")},
        "camera": {"source": str(tmp_path / "no-camera")},
    }
    for name, table in tables.items():
        data[name] = {**data.get(name, {}), **table}
    return parse(data, "test")


def look(config: Config) -> dict[str, Check]:
    return {check.name: check for check in run_checks(config, config.paths.run / "edge-door.toml")}


@pytest.mark.parametrize(
    ("source", "remedy"),
    [("/dev/video0", "plug and cable"), ("rtsp://camera/x", r"edge-door-sight-rtsp\.conf")],
)
def test_a_camera_that_sight_has_lost_is_looked_for_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, remedy: str
) -> None:
    lost = Status(door=True, camera="it cannot be opened", people=0)
    monkeypatch.setattr(hardware, "ask_sight", lambda _: lost)
    found = hardware.camera(configured(tmp_path, camera={"source": source}))
    assert found.level == "fail"
    assert re.search(remedy, found.remedy)


def test_a_face_that_keeps_everybody_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sight = Status(door=True, camera="ok", people=1, metrics={"face_stays": 1.0})
    monkeypatch.setattr(hardware, "ask_sight", lambda _: sight)
    found = hardware.camera(configured(tmp_path, camera={"source": "/dev/video0"}))
    assert (found.level, "a face stays in view" in found.sentence) == ("warn", True)


def test_a_fresh_checkout_has_a_program_that_is_whole_and_much_still_to_do(tmp_path: Path) -> None:
    found = look(configured(tmp_path))
    assert [found[name].level for name in ("python", "runtime", "models", "calibration")] == [
        "ok"
    ] * 4
    assert found["camera"].level == "fail"
    assert found["key"].level == found["people"].level == found["ledger"].level == "warn"
    assert found["disk"].level == "fail"
    assert found["sight"].level == found["door"].level == "warn"
    assert found["broker"].level == "ok"
    assert all(check.sentence for check in found.values())
    assert all(check.remedy for check in found.values() if check.level != "ok")
    assert not (tmp_path / "state").exists()  # looking changes nothing


def test_only_an_installed_doors_state_is_made_by_root(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    assert look(configured(tmp_path))["key"].remedy == "Run: edge-door init"
    installed = Config.model_validate({"paths": {"state": str(INSTALLED)}})
    assert state._init(installed) == "Run: sudo edge-door init"


def test_a_board_too_slow_for_blinks_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for rate, level in ((NEEDED_FPS - 1, "warn"), (NEEDED_FPS, "ok")):
        monkeypatch.setattr(software, "frames_a_second", lambda _config, rate=rate: rate)
        assert look(configured(tmp_path))["speed"].level == level


@pytest.mark.parametrize(("claim", "level"), [("anyone", "warn"), ("required", "ok")])
def test_so_many_people_that_their_threshold_turns_them_away_are_told(
    tmp_path: Path, claim: str, level: str
) -> None:
    config = configured(tmp_path, match={"claim": claim})
    create_key(config.key_file)
    calibration, rate = read_calibration(config), config.match.false_match_rate
    length = calibration.rule.cohort.vectors.shape[1]
    random = np.random.default_rng(0)
    with Vault.open(config.people_db, config.key_file, config.device.id) as vault:
        for number in range(PEOPLE):
            face, other = np.linalg.qr(random.normal(size=(length, 2)))[0].T.astype(np.float32)
            probe = Embedding(face, calibration.model)
            twice = Template(f"P{number}", np.array([face, face]), calibration.model)
            few, many = (
                match(probe, [twice], calibration, rate / count).threshold for count in (1, PEOPLE)
            )
            # A third capture that is alike enough where one person has the rate alone.
            cosine = (few + many) / 2
            third = cosine * face + np.sqrt(1 - cosine**2) * other
            vault.add(replace(twice, vectors=np.array([face, face, third])))
    found = look(config)["people"]
    assert found.level == level, found.sentence
    assert f"{PEOPLE} enrolled" in found.sentence


def test_state_that_was_set_up_is_whole(tmp_path: Path) -> None:
    config = configured(tmp_path)
    create_key(config.key_file)
    Vault.open(config.people_db, config.key_file, "door1").close()
    open_ledger(config).close()
    found = look(config)
    assert [found[name].level for name in ("key", "people", "ledger", "disk")] == ["ok"] * 4


def test_a_ledger_that_is_gone_is_no_new_one(tmp_path: Path) -> None:
    """It was told to run `init`, which a ledger begun anew refuses."""
    config = configured(tmp_path)
    create_key(config.key_file)
    Vault.open(config.people_db, config.key_file, "door1").close()
    with open_ledger(config) as ledger:
        ledger.append(Event(EventKind.ACCESS, Reason.GRANTED, 1.0, 2.0, True, "door1", "Ann"))
    config.ledger_db.unlink()
    gone = state.ledger(config)
    assert (gone.level, gone.sentence) == ("fail", f"{config.ledger_db} is gone")
    assert "edge-door ledger restore FILE" in gone.remedy


def test_a_door_that_was_restored_and_waits_for_its_office_is_told(tmp_path: Path) -> None:
    config = configured(tmp_path, people={"keys": ["A" * 43 + "="]})
    create_key(config.key_file)
    with (
        Vault.open(config.people_db, config.key_file, "door1") as vault,
        open_ledger(config) as ledger,
    ):
        accept_backup(ledger, vault, config)
    check = look(config)["ledger"]
    assert (check.level, "restored from a backup" in check.sentence) == ("warn", True)
    assert "edge-door office publish" in check.remedy


def test_a_key_that_others_may_read_is_a_failure(tmp_path: Path) -> None:
    config = configured(tmp_path)
    create_key(config.key_file)
    config.key_file.chmod(0o644)
    check = look(config)["key"]
    assert check.level == "fail"
    assert "chmod 600" in check.sentence


def test_what_decides_and_others_may_write_is_named(tmp_path: Path) -> None:
    """The configuration, and networks of one's own with what is known of them, as well."""
    folder = tmp_path / "models"
    shutil.copytree(shipped_models(), folder)
    config = configured(tmp_path, paths={"models": str(folder)})
    added, path = folder / "added.toml", config.paths.run / "edge-door.toml"
    path.parent.mkdir()
    for each in (path, added):
        each.touch(0o600)
    assert look(config)["files"].level == "ok"
    for each in (path, added):
        each.chmod(0o666)
    found = look(config)["files"]
    assert found.level == "fail"
    assert str(path) in found.sentence
    assert str(added) in found.sentence


def test_an_altered_model_is_named(tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(shipped_models(), models, ignore=shutil.ignore_patterns("build"))
    victim = next(models.glob("blazeface*.tflite"))
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    check = look(configured(tmp_path, paths={"models": str(models)}))["models"]
    assert check.level == "fail"
    assert victim.name in check.sentence


def test_a_broker_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        check = system.broker(configured(tmp_path, mqtt={"host": "127.0.0.1", "port": port}))
        assert check.level == "fail"
        assert "nothing listens" in check.sentence


@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is missing")
def test_what_a_real_broker_says_is_what_doctor_says(tmp_path: Path) -> None:
    for anonymous, level, words in (
        (True, "ok", "lets us in (MQTT 5)"),
        (False, "fail", "refuses"),
    ):
        broker = Mosquitto(tmp_path, anonymous=anonymous).start()
        try:
            mqtt = {"host": "127.0.0.1", "port": broker.port}
            check = system.broker(configured(tmp_path, mqtt=mqtt))
        finally:
            broker.kill()
        assert check.level == level
        assert words in check.sentence


def test_simulated_pins_are_never_called_fine(tmp_path: Path) -> None:
    assert look(configured(tmp_path))["pins"].level == "warn"


def test_a_chip_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    chip = str(tmp_path / "gpiochip9")
    check = look(configured(tmp_path, door={"backend": "gpiod", "chip": chip}))["pins"]
    assert check.level == "fail"
    assert check.remedy


@pytest.mark.parametrize(("value", "level"), [("Y", "fail"), ("N", "ok"), (None, "ok")])
def test_a_kernel_that_keeps_outputs_is_unsafe(
    tmp_path: Path, value: str | None, level: str
) -> None:
    if value:
        folder = tmp_path / "pinctrl_bcm2835/parameters"
        folder.mkdir(parents=True)
        (folder / "persist_gpio_outputs").write_text(value + "\n")
    check = outputs_end_with_their_process(tmp_path)
    assert check.level == level
    assert ("strict_gpiod" in check.remedy) == (level == "fail")


def test_where_it_is_installed_every_program_must_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "edge-door.target"
    target.touch()
    monkeypatch.setattr(system, "TARGET", target)
    found = look(configured(tmp_path))
    assert found["sight"].level == found["door"].level == "fail"
    assert "systemctl start" in found["sight"].remedy
    assert "groups" in found


def test_a_configuration_newer_than_what_runs_wants_a_restart(tmp_path: Path) -> None:
    config = configured(tmp_path)
    path = config.paths.run / "edge-door.toml"
    assert drift.restart(config, path) is None  # nothing runs
    path.parent.mkdir()
    path.touch()
    with socket.socket(socket.AF_UNIX) as sight:
        sight.bind(str(config.sight_socket))
        found = look(config)["restart"]
        assert (found.level, found.sentence) == ("ok", "what runs is what lies on the disk")
        before = path.stat().st_ctime_ns
        while path.stat().st_ctime_ns == before:  # a clock of the file system ticks slowly
            shutil.copystat(config.sight_socket, path)
        found = look(config)["restart"]
    assert found.level == "warn"
    assert str(path) in found.sentence
    assert "start it again" in found.remedy


def test_units_older_than_the_program_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "TARGET", tmp_path / "edge-door.target")
    monkeypatch.setattr(shutil, "which", lambda _name: "/bin/systemctl")
    monkeypatch.setattr(drift, "_wants_reload", lambda _unit: False)
    for name in ("edge-door.target", "edge-door-sight.service"):
        (tmp_path / name).touch()
    config = configured(tmp_path)
    found = drift.unit_files(config)
    assert found is not None
    assert found.level == "ok"
    program = tmp_path / "edge"
    program.mkdir()
    unit = tmp_path / "edge-door-sight.service"
    while not (program / "__init__.py").exists() or not _newer(program / "__init__.py", unit):
        (program / "__init__.py").touch()
    monkeypatch.setattr(drift, "_PROGRAM", program)
    found = drift.unit_files(config)
    assert found is not None
    assert (found.level, "edge-door-sight.service" in found.sentence) == ("warn", True)
    monkeypatch.setattr(drift, "_wants_reload", lambda _unit: True)
    found = drift.unit_files(config)
    assert found is not None
    assert "daemon-reload" in found.remedy


def _newer(one: Path, other: Path) -> bool:
    return one.stat().st_ctime_ns > other.stat().st_ctime_ns
