"""Every command of the README and of the guide, typed as it stands there in a fresh Debian."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edge.ops.demo.animate import Appearance, Portrait, Stage, closure
from edge.ops.demo.film import FACE_PX, FPS, SIZE
from tests.conftest import ROOT
from tests.emulated import container
from tests.emulated.debian import CACHE, bootstrapped, sh
from tests.first_hours.hour import Hour
from tests.first_hours.hours import HOURS, UNTYPED
from tests.first_hours.pages import PAGES, commands
from tests.support.tiny_models import answering, projecting

if TYPE_CHECKING:
    from edge.records import Pixels

OUT = os.environ.get("EDGE_DOOR_TRANSCRIPTS", "")
LIST = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
DESK = f"{container.FRESH},sudo,nano,git,iproute2"
SERVICE = """[Unit]
Description=a newcomer types
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 /hour/typist.py
ExecStopPost=/usr/bin/systemctl poweroff
TimeoutStartSec=infinity

[Install]
WantedBy=default.target
"""
LIMIT_S = 3600.0


def test_every_command_of_every_page_is_typed_in_some_hour_or_said_why_not() -> None:
    typed = {step.command for hour in HOURS for step in hour.steps()}
    unread = {command for page in UNTYPED for command in commands(page)}
    there = {command for page in PAGES for command in commands(page)}
    assert there - typed - unread == {"./deploy/demo.sh --picture deploy/demo.png"}  # a caption


@pytest.mark.first_hours
@pytest.mark.timeout(LIMIT_S + 600)
@pytest.mark.parametrize("hour", HOURS, ids=[hour.name for hour in HOURS])
def test_a_newcomer_comes_through(
    hour: Hour, tmp_path: Path, eileen: Portrait, grace: Portrait
) -> None:
    if why := container.missing():
        (pytest.fail if os.environ.get("EDGE_DOOR_TEST_REQUIRED") else pytest.skip)(why)
    given, results = tmp_path / "hour", tmp_path / "results"
    given.mkdir()
    results.mkdir()
    _inputs(given, eileen, grace)
    for script in ("typist.py", "doors.sh"):
        shutil.copy(ROOT / "tests/first_hours" / script, given)
    steps = [asdict(step) for step in hour.steps()]
    told = {"user": hour.user, "folder": hour.folder, "steps": steps}
    (given / "steps.json").write_text(json.dumps(told))
    root = CACHE / f"hour-{hour.name}"
    shutil.rmtree(root, ignore_errors=True)
    sh("cp", "--archive", "--reflink=auto", bootstrapped("bookworm", "desk-bookworm", DESK), root)
    try:
        _furnish(root, hour, given)
        container.boot(root, {"/hour": given}, results, LIMIT_S, network=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    transcript = (results / "transcript.txt").read_text()
    if OUT:
        Path(OUT).mkdir(parents=True, exist_ok=True)
        shutil.copy(results / "transcript.txt", Path(OUT) / f"{hour.name}.txt")
    assert (results / "done").exists(), transcript[-4000:]
    wrong = [one for one in json.loads((results / "results.json").read_text()) if not _right(one)]
    assert not wrong, "\n\n".join(
        f"{one['page']}: {one['command']}\n{one['told'][-2000:]}[exit code {one['code']}]"
        for one in wrong
    )


def _right(one: dict[str, Any]) -> bool:
    if one["skipped"]:
        return True
    seen = re.search(one["shows"], one["told"])
    return bool(seen) and one["code"] in one["expected"] and "Traceback" not in one["told"]


def _furnish(root: Path, hour: Hour, given: Path) -> None:
    """A user with a clone of this checkout in their home, this machine's way to the packages."""
    sh("chroot", root, "useradd", "--create-home", "--shell", "/bin/bash", "newcomer")
    (root / "etc/hostname").write_text("door1\n")
    (root / "etc/hosts").write_text(
        "127.0.0.1 localhost wall.example.org\n127.0.1.1 door1 homeassistant.local\n"
    )
    (root / "etc/sudoers.d/newcomer").write_text("newcomer ALL=(ALL) NOPASSWD: ALL\n")
    checkout = root / "home/newcomer/edge-door"
    listed = sh(*LIST, cwd=ROOT).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    shutil.copytree(given / "things", root / hour.folder[1:], dirs_exist_ok=True)
    sh("chroot", root, "chown", "--recursive", f"{hour.user}:", "/home/newcomer")
    authorities = Path(os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt"))
    shutil.copy(authorities, root / "etc/ssl/certs/ca-certificates.crt")
    (root / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
    if hour.packages:
        sh("chroot", root, "apt-get", "update")
        sh("chroot", root, "apt-get", "install", "--yes", "--no-install-recommends", *hour.packages)
    unit = root / "etc/systemd/system/hour.service"
    unit.write_text(SERVICE)
    wants = root / "etc/systemd/system/multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "hour.service").symlink_to("/etc/systemd/system/hour.service")


def _inputs(folder: Path, person: Portrait, other: Portrait) -> None:
    """What people have who come to a door: a face, pictures of it, films; and a network's file."""
    folder.chmod(0o755)
    things = folder / "things"
    stage = Stage(SIZE, FPS, FACE_PX, seed=5)
    pictures = [stage.show(person, 2.0 * turn, tilt_deg=3.0 * turn) for turn in (-2, -1, 0, 1, 2)]
    for place in ("photos/anna", "album/Anna"):
        for number, picture in enumerate(pictures):
            _picture(things / place / f"{number}.jpg", picture)
    for place in ("photos/guest/1.jpg", "album/Grace/1.jpg", "group.jpg", "b.jpg", "two/b.jpg"):
        _picture(things / place, stage.show(other, 1.0))
    for place in ("a.jpg", "anna-1.jpg", "anna-2.jpg", "visitor.jpg", "two/a.jpg"):
        _picture(things / place, stage.show(person, 5.0))
    projecting(things / "FILE.tflite", 112, 112, 512)
    answering(things / "AGE.tflite", (1, 224, 224, 3), [np.eye(1, 101, 30)])
    visit = [*stage.empty(0.5), *stage.play(person, Appearance(4.0, (1.5,))), *stage.empty(0.5)]
    _film(things / "visit.avi", visit)
    _film(things / "film.mp4", visit)
    turning = [
        stage.show(person, t, _lids(t), 6 * np.sin(t / 2)) for t in np.arange(0, 12, 1 / FPS)
    ]
    for name in ("camera.avi", "door1.avi"):
        _film(folder / name, [*stage.empty(1.0), *turning])
    for name in ("door2.avi", "door3.avi"):
        _film(folder / name, [*stage.empty(2.0)])


def _picture(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.ascontiguousarray(pixels[:, :, ::-1]))


def _film(path: Path, frames: list[Pixels]) -> None:
    kind = "mp4v" if path.suffix == ".mp4" else "MJPG"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*kind), FPS, SIZE)
    for pixels in frames:
        writer.write(np.ascontiguousarray(pixels[:, :, ::-1]))
    writer.release()


def _lids(t: float) -> float:
    """A blink every four seconds."""
    return closure(t % 4.0 - 2.0)
