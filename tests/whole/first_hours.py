"""Three first hours, typed into a fresh environment: python -m tests.whole.first_hours FOLDER

Makes an environment with this checkout in it, lets each of three new users type the commands of
the guide, and writes what they saw to FOLDER/NAME.txt. Exit code 1: a command did not do as it
should. `sudo` is left out and the configuration lies in a folder, since no system is to change.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).parents[2]
PATIENCE_S = 600

PORTRAITS = """
from skimage import data, io
import numpy as np, pathlib
face = data.astronaut()
for name, picture in {
    "anna-1.jpg": face, "anna-2.jpg": face[:, ::-1], "visitor.jpg": face, "group.jpg": face,
    "photos/anna.jpg": face, "album/Anna/1.jpg": face, "album/Anna/2.jpg": face[:, ::-1],
    "album/Wall/1.jpg": np.full((200, 200, 3), 120, np.uint8),
}.items():
    pathlib.Path(name).parent.mkdir(exist_ok=True, parents=True)
    io.imsave(name, picture, check_contrast=False)
"""
CONFIG = """
[device]
id = "door1"
[paths]
state = "{folder}/state"
run = "{folder}/run"
[camera]
source = "/dev/video99"
"""
# Each command with the exit code that it should have.
HOURS: dict[str, list[tuple[str, int]]] = {
    "a-pi-with-home-assistant": [
        ("edge-door --help", 0),
        ("edge-door config --example > example.toml", 0),
        ("edge-door config", 0),
        ("edge-door init", 0),
        ("edge-door doctor", 1),  # no camera and no programs yet
        ("edge-door boot apply --file config.txt", 0),
        ("edge-door enroll Anna photos/", 0),
        ("edge-door people list", 0),
        ("START", 0),
        ("edge-door status", 1),  # it says that the camera is missing
        ("edge-door events --since 1h", 0),
        ("STOP", 0),
    ],
    "a-building": [
        ("edge-door enroll --from album/", 1),  # one of two is enrolled, the other is told why
        ("edge-door enroll Bert photos/anna.jpg", 1),  # a lookalike is not taken unsaid
        ("edge-door enroll Bert photos/anna.jpg --lookalike Anna --reason 'a test'", 0),
        ("edge-door credentials add-card Anna 116,52145", 0),
        ("edge-door credentials add-card Anna 'no card'", 2),
        ("edge-door credentials list", 0),
        ("edge-door people rename Bert Bertram", 0),
        ("edge-door people remove Bertram", 0),
        ("edge-door events --person anna --verify", 0),
    ],
    "from-deepface": [
        ("edge-door verify anna-1.jpg anna-2.jpg", 0),
        ("python page.py", 0),
        ("edge-door models list", 0),
    ],
}


def main() -> int:
    """Let all three type, and say who had to stop."""
    out = Path(sys.argv[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    failed = []
    with tempfile.TemporaryDirectory(prefix="first-hours-") as name:
        folder = Path(name)
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        python = folder / "venv/bin/python"
        install = [str(python), "-m", "pip", "install", "-q", f"{ROOT}[demo]"]
        subprocess.run(install, check=True, timeout=PATIENCE_S)
        for who, commands in HOURS.items():
            home = folder / who
            home.mkdir()
            subprocess.run([python, "-c", PORTRAITS], cwd=home, check=True)
            (home / "door.toml").write_text(CONFIG.format(folder=home))
            (home / "config.txt").write_text("dtparam=audio=on\n")
            (home / "page.py").write_text(_page())
            with (out / f"{who}.txt").open("w") as transcript:
                failed += [f"{who}: {line}" for line in _type(commands, home, python, transcript)]
    sys.stdout.write("\n".join(failed) + "\n" if failed else "all three came through\n")
    return 1 if failed else 0


def _type(
    commands: list[tuple[str, int]], home: Path, python: Path, transcript: TextIO
) -> list[str]:
    env = os.environ | {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "EDGE_DOOR_CONFIG": str(home / "door.toml"),
        "COLUMNS": "120",
    }
    running: subprocess.Popen[bytes] | None = None
    failed = []
    for command, expected in commands:
        if command == "START":
            transcript.write("$ edge-door run &\n")
            transcript.flush()
            running = subprocess.Popen(
                ["edge-door", "run"], env=env, stdout=transcript, stderr=transcript
            )
            until = time.monotonic() + PATIENCE_S
            while not (home / "run/sight.sock").exists() and time.monotonic() < until:
                time.sleep(0.2)
            continue
        if command == "STOP":
            assert running is not None
            running.terminate()
            running.wait(60)
            continue
        done = subprocess.run(  # noqa: S602 - what a person types goes through a shell
            command, shell=True, cwd=home, env=env, capture_output=True, text=True, check=False,
            timeout=PATIENCE_S,
        )  # fmt: skip
        told = done.stdout + done.stderr
        transcript.write(f"$ {command}\n{told}[exit code {done.returncode}]\n\n")
        if done.returncode != expected or "Traceback" in told:
            failed.append(f"`{command}` ended with {done.returncode}, not {expected}")
    return failed


def _page() -> str:
    """The first block of the page for Python users, as it is written."""
    text = (ROOT / "deploy/guide/python.md").read_text()
    return text.split("```python\n")[1].split("```")[0]


if __name__ == "__main__":
    sys.exit(main())
