"""The units: how exposed each is, that systemd understands them, and what each may reach."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edge.cli.root import COMMANDS
from edge.door.launch import MODEL_FILE
from edge.ops.supervisor import SILENCE_S, STARTING_S

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
FLEET = ROOT / "deploy" / "fleet"
SERVICES = ("door", "sight", "link")
EXPOSURE = {"door": 0.5, "sight": 1.0, "link": 1.4}
"""Half a point of sight's and link's is that they ask whether the clock is set."""


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing: apt-get install systemd")
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False
    )


def security(unit: Path) -> float:
    done = analyze("security", "--offline=true", "--no-pager", str(unit))
    if "offline" in done.stderr:
        pytest.skip("this systemd-analyze is older than 250 and cannot judge a file")
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    return float(found[1])


def settings(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNITS / f"edge-door-{name}.service")
    return parser


@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_is_no_more_exposed_than_promised(name: str) -> None:
    assert security(UNITS / f"edge-door-{name}.service") <= EXPOSURE[name]


@pytest.mark.parametrize("camera", ["rtsp", "jetson"])
def test_the_price_of_a_camera_is_the_one_its_drop_in_states(tmp_path: Path, camera: str) -> None:
    text = (UNITS / f"edge-door-sight-{camera}.conf").read_text()
    stated = re.search(r"from (\d\.\d) to (\d\.\d)", text)
    assert stated
    unit = tmp_path / "edge-door-sight.service"
    # A later line adds to a list and overrides a switch, as a drop-in does.
    unit.write_text((UNITS / "edge-door-sight.service").read_text() + text)
    assert security(UNITS / "edge-door-sight.service") <= float(stated[1])
    assert float(stated[1]) < security(unit) <= float(stated[2])


def test_the_guard_sees_which_board_this_is() -> None:
    """RPi.GPIO, rpi-lgpio and Jetson.GPIO do not import without /proc/device-tree; and without it
    the guard would take a line that a Raspberry Pi drives at boot for one as good as any."""
    assert MODEL_FILE.is_relative_to("/proc")
    assert "ProcSubset" not in settings("door")["Service"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_program_that_freezes_is_given_as_long_as_by_edge_door_run(name: str) -> None:
    assert float(settings(name)["Service"]["WatchdogSec"]) == SILENCE_S[name]
    assert float(settings("sight")["Service"]["TimeoutStartSec"]) == STARTING_S


@pytest.mark.parametrize("name", ["sight", "link"])
def test_who_judges_by_the_clock_may_ask_whether_it_is_set(name: str) -> None:
    """Else it never is: nobody with hours gets in, and no signed command is followed.

    Both of systemd's ways forbid to ask as well as to set (tried with systemd 252 in Debian 12).
    Without a capability nobody can set it anyway.
    """
    text = (UNITS / f"edge-door-{name}.service").read_text()
    assert "ProtectClock" not in settings(name)["Service"]
    assert re.findall("^SystemCallFilter=(.*)$", text, re.MULTILINE)[1:] == [
        "~@privileged @resources",
        "adjtimex clock_adjtime",
    ]
    assert settings(name)["Service"]["CapabilityBoundingSet"] == ""


@pytest.mark.parametrize("kind", ["ttyUSB", "ttyACM", "ttyAMA", "ttyS", "ttyTHS"])
def test_a_reader_may_hang_on_usb_and_on_the_boards_own_serial_line(kind: str) -> None:
    text = (UNITS / "edge-door-door.service").read_text()
    assert f"DeviceAllow=char-{kind} rw\n" in text


def test_a_key_in_the_tpm_is_within_reach_of_what_unseals_it() -> None:
    """`+` lifts the sandbox; the list of devices is the unit's, and holds all the same."""
    text = (UNITS / "edge-door-sight-tpm.conf").read_text()
    assert "ExecStartPre=+" in text
    assert "DeviceAllow=/dev/tpmrm0 rw\n" in text


def test_a_jetsons_camera_is_within_reach_of_sight(tmp_path: Path) -> None:
    """NVIDIA's daemon has its socket in /tmp, and its pictures come through devices of its own."""
    script = (ROOT / "deploy" / "install.sh").read_text()
    (function,) = re.findall(r"^install_units\(\) \{.*?^\}", script, re.DOTALL | re.MULTILINE)
    function = function.replace("/etc/systemd/system", str(tmp_path))
    places = f"checkout={ROOT} units=(); systemctl() {{ :; }}"
    subprocess.run(["bash", "-euc", f"{places}\n{function}\ninstall_units jetson"], check=True)
    made = tmp_path / "edge-door-sight.service.d" / "jetson.conf"
    both = (UNITS / "edge-door-sight.service").read_text() + made.read_text()
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(both)
    service = parser["Service"]
    assert (service["PrivateTmp"], service["DevicePolicy"], service["DeviceAllow"]) == (
        "no",
        "auto",
        "",
    )


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    for source in UNITS.glob("edge-door*.service"):
        text = re.sub(r"(?<==)-?/opt/edge-door/venv/bin/edge-door", "/bin/true", source.read_text())
        (tmp_path / source.name).write_text(text)
    for name in ("edge-door.target", "edge-door-update.path"):
        shutil.copy(UNITS / name, tmp_path)
    done = analyze("verify", "--man=no", *map(str, sorted(tmp_path.iterdir())))
    assert "edge-door" not in done.stderr, done.stderr


def test_units_start_what_an_update_of_another_day_has_too() -> None:
    """They come with install.sh, and the program with whichever update is in force."""
    for source in UNITS.glob("edge-door*.service"):
        lines = re.findall(r"^Exec(?:Start|StopPost)=-?(.*)$", source.read_text(), re.MULTILINE)
        assert lines, source.name
        for started in lines:
            program, command, *_ = started.split()
            assert program == "/opt/edge-door/venv/bin/edge-door"
            assert command in COMMANDS


@pytest.mark.parametrize("name", SERVICES)
def test_every_program_is_watched_and_started_again_but_not_for_ever(name: str) -> None:
    unit = settings(name)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["WatchdogSec"]
    assert service["Restart"] in ("always", "on-failure")
    assert service["RestartPreventExitStatus"] == "2"  # a wrong configuration stays wrong
    assert int(unit["Unit"]["StartLimitBurst"]) > 0
    # At the pace of RestartSec alone it must not give up for good.
    interval = float(unit["Unit"]["StartLimitIntervalSec"])
    shortest = float(service["RestartSec"]) + 0.25
    assert interval / shortest < int(unit["Unit"]["StartLimitBurst"])
    assert unit["Unit"]["PartOf"] == "edge-door.target"
    assert f"edge-door-{name}.service" in (UNITS / "edge-door.target").read_text()


def test_the_guard_is_followed_by_a_command_that_drives_the_relay_off() -> None:
    service = settings("door")["Service"]
    assert service["ExecStopPost"].endswith("door --release")
    # Not `mixed`: that would kill the warden at the moment when it is needed.
    assert "KillMode" not in service


@pytest.mark.parametrize("name", ["door", "sight"])
def test_what_opens_the_door_has_no_network(name: str) -> None:
    service = settings(name)["Service"]
    assert service["PrivateNetwork"] == "yes"
    assert service["RestrictAddressFamilies"] == "AF_UNIX"


@pytest.mark.parametrize("unit", [*UNITS.glob("*-*.service"), *FLEET.glob("*.service")], ids=str)
def test_no_units_memory_goes_to_a_core_dump(unit: Path) -> None:
    """One that may not lower its limit itself, and keeps running, has it lowered."""
    text = unit.read_text(encoding="utf-8")
    assert "LimitCORE=1\n" in text or "Type=oneshot\n" in text


def test_link_sees_the_ledger_and_nothing_else_of_the_state() -> None:
    service = settings("link")["Service"]
    assert service["TemporaryFileSystem"] == "/var/lib/edge-door"
    assert service["BindReadOnlyPaths"] == "/var/lib/edge-door/ledger"
    assert service["BindPaths"] == "/var/lib/edge-door/link"
    assert service["PrivateDevices"] == "yes"


def test_link_has_the_smaller_share_and_nobody_relies_on_nice() -> None:
    assert settings("link")["Service"]["CPUWeight"] == "10"
    for name in SERVICES:  # each is a session and a control group, and nice counts inside one only
        assert "Nice" not in settings(name)["Service"]


def test_every_user_and_group_of_a_unit_is_made_at_installation() -> None:
    text = (UNITS / "edge-door.sysusers.conf").read_text()
    made = re.findall(r"^[ug] +(\S+)", text, re.MULTILINE)
    for name in SERVICES:
        service = settings(name)["Service"]
        assert {service["User"], service["Group"]} <= set(made)


@pytest.mark.parametrize("file", ["systemd/edge-door", "deploy/fleet/edge-door-fleet"])
def test_systemd_makes_the_users(file: str, tmp_path: Path) -> None:
    if shutil.which("systemd-sysusers") is None:
        pytest.skip("systemd-sysusers is missing: apt-get install systemd")
    (tmp_path / "etc").mkdir()
    done = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", "--dry-run", ROOT / f"{file}.sysusers.conf"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Creating user" in done.stdout + done.stderr
