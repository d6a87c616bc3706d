"""Everybody who judges or holds the door believes only what its owner sealed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.believed import enforce
from edge.cli.door.programs import door as start_guard
from edge.cli.door.programs import run
from edge.errors import ConfigError
from edge.records import EventKind, Reason
from edge.sight.journal import Entry, Journal
from edge.sight.sealed_ledger import open_ledger
from edge.sight.seals import VERSION
from edge.vault.vault import open_vault
from tests.support.running import Door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Door:
    folder = tmp_path_factory.mktemp("door")
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "owner.key").write_bytes(pem)
    made = Door(folder, "/dev/video99")
    open_vault(made.config).close()
    return made


@pytest.fixture(autouse=True)
def owner(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGE_DOOR_OWNER", str(door.folder / "owner.pub"))


def test_sealed_and_checked(door: Door) -> None:
    sealed = door.command("seal", "--key", str(door.folder / "owner.key"))
    assert sealed.returncode == 0, sealed.stderr
    assert (door.folder / "owner.pub").stat().st_mode & 0o777 == 0o644
    assert door.command("seal").returncode == 0
    assert "files are what their owner sealed" in door.command("doctor", "--json").stdout


PICTURES = ("a.png", "b.png")


@pytest.mark.parametrize(
    "command",
    [
        ["link"],
        ["sight"],
        ["verify", *PICTURES],
        ["enroll", "Ann", "a.png"],
        ["models", "verify"],
        ["seal"],
    ],
    ids=lambda words: words[0],
)
def test_a_changed_configuration_is_refused_by(door: Door, command: list[str]) -> None:
    if not (door.folder / "owner.pub").exists():
        test_sealed_and_checked(door)
    whole = door.path.read_bytes()
    door.path.write_bytes(whole + b"\n# changed\n")
    for name in PICTURES:
        (door.folder / name).touch()
    words = [str(door.folder / word) if word in PICTURES else word for word in command]
    try:
        done = door.command(*words)
    finally:
        door.path.write_bytes(whole)
    assert "is not what was sealed" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("change", ["another pulse", "no TOML", "gone"])
def test_leaving_does_not_hang_on_the_seal(
    door: Door, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """The guard goes by what was sealed last, so that the exit button works; sight does not."""
    if not (door.folder / "owner.pub").exists():
        test_sealed_and_checked(door)
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, command: ran.append(command))
    whole = door.path.read_bytes()
    changed = {"another pulse": whole.replace(b"pulse_s = 0.6", b"pulse_s = 29.0"), "no TOML": b"["}
    if change == "gone":
        door.path.unlink()
    else:
        door.path.write_bytes(changed[change])
    try:
        start_guard("", config=door.path)
        if change == "another pulse":
            start_guard("", release=True, config=door.path)
    finally:
        door.path.write_bytes(whole)
        enforce(None)
    assert json.loads(ran[0][-1])["rules"]["pulse_s"] == 0.6
    assert ran[1:] == [] or ran[1][-1] == "--release"


def test_a_door_that_was_never_sealed_has_no_copy_to_go_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_DOOR_OWNER", str(tmp_path / "owner.pub"))
    with pytest.raises(ConfigError, match="does not exist"):
        start_guard("", config=tmp_path / "edge-door.toml")


@pytest.fixture
def never_sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("EDGE_DOOR_OWNER", str(tmp_path / "owner.pub"))
    return Door(tmp_path, "/dev/video99")


@pytest.mark.parametrize("release", [False, True])
@pytest.mark.parametrize(
    "mistake",
    [
        '[match]\nclaim = "nobody"',
        '[mqqt]\nhost = "broker.local"',
        '[access]\nschedule = {"Anna" = ["mon-fri 7-19"]}',
        '[access.schedule]\nAnna = ["mon-fri 7:00-19:00"',
        '[access.schedule\nAnna = ["always"]',
        "[mqtt]\nhost = \u201cbroker.local\u201d",
        "[mqtt]\n[mqtt]",
        '[mqtt]\npassword_file = "/etc/schl\udcfcssel"',  # in Windows' encoding
    ],
)
def test_leaving_does_not_hang_on_a_mistake_elsewhere(
    never_sealed: Door, monkeypatch: pytest.MonkeyPatch, mistake: str, *, release: bool
) -> None:
    """A slip in a schedule took the exit button away with the next power cut."""
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, command: ran.append(command))
    whole = f"{never_sealed.path.read_text()}\n{mistake}\n"
    never_sealed.path.write_text(whole, "utf-8", "surrogateescape")
    start_guard("", release=release, config=never_sealed.path)
    (settings,) = [word for word in ran[0] if word.startswith("{")]
    assert json.loads(settings)["rules"]["pulse_s"] == 0.6
    assert never_sealed.command("sight").returncode == 2


def test_run_keeps_the_exit_button_of_a_wired_door_and_no_other(
    never_sealed: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container it ended at once, and with it the guard."""
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, command: ran.append(command))
    whole = never_sealed.path.read_text() + '[access.schedule]\nAnna = ["mon'
    never_sealed.path.write_text(whole)
    with pytest.raises(ConfigError, match="not valid TOML"):
        run(config=never_sealed.path)
    never_sealed.path.write_text(whole.replace('"fake"', '"gpiod"'))
    run(config=never_sealed.path)
    assert [words[-1] for words in ran] == ["wired"]


def test_the_guard_goes_by_no_copy_of_a_sealing_that_was_cut_short(
    never_sealed: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy comes before the key: a door that was wired anew since then got its old lines."""
    ran: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _program, command: ran.append(command))
    whole = never_sealed.path.read_text()
    copy = never_sealed.folder / "sealed.toml"
    copy.write_text(whole.replace("pulse_s = 0.6", "pulse_s = 29.0"))
    never_sealed.path.write_text(f"{whole}\n[match]\nclaim = 1\n")
    start_guard("", config=never_sealed.path)
    assert json.loads(ran[0][-1])["rules"]["pulse_s"] == 0.6


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("pulse_s = 0.6", "pulse_s = 600.0"),
        ("pulse_s = 0.6", "pulse_s = 0,6"),
        ("pulse_s = 0.6", "pulse_s = 0.6\n[door.rex\npin = 5"),
        ("pulse_s = 0.6", "pulse_s = 0.6\n[door]\npulse_s = 0.9"),
        ("pulse_s = 0.6", 'pulse_s = 0.6\n[log]\nlevel = """\n[door]\npulse_s = 9'),
        ("[door]", "[dor]"),
        ("[door]", "["),
        ("[door]", "[door.rex]\npin = 5\n[dor]"),
        ("[door]", "[door.rex]\npin = 5\n[door"),
    ],
)
def test_the_guard_guesses_at_nothing_of_the_door(
    never_sealed: Door, right: str, wrong: str
) -> None:
    never_sealed.path.write_text(never_sealed.path.read_text().replace(right, wrong))
    with pytest.raises(ConfigError):
        start_guard("", config=never_sealed.path)


def test_a_seal_is_newer_than_one_of_a_clock_that_was_ahead(door: Door) -> None:
    """It was older, and whoever put back what was sealed before it was believed."""
    test_sealed_and_checked(door)
    ahead = 2**33
    with open_ledger(door.config) as ledger:
        journal = Journal(ledger, door.config.device.id)
        sealed = Entry(EventKind.SYSTEM, Reason.SEALED)
        journal.write(sealed, {VERSION: str(ahead)})
    before = door.command("sight")
    assert "older files were put back" in before.stderr
    assert "sign these with `edge-door seal --key FILE`" in before.stderr
    test_sealed_and_checked(door)
    with open_ledger(door.config) as ledger:
        assert int(ledger.sealed()[VERSION]) > ahead


def test_doctor_names_it(door: Door) -> None:
    if not (door.folder / "owner.pub").exists():
        test_sealed_and_checked(door)
    added = door.path.with_name("other.toml")
    added.write_bytes(door.path.read_bytes())
    door.path, kept = added, door.path
    done = door.command("doctor", "--json")
    door.path = kept
    assert "other.toml.seal cannot be read" in done.stdout
