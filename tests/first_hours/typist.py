"""Runs inside a fresh Debian as root: types what steps.json says and writes down what was seen.

The standard library of Debian's own Python alone. It leaves transcript.txt, results.json and, at
the end, `done` in /results, and switches the machine off.
"""

from __future__ import annotations

import json
import os
import pwd
import re
import select
import shlex
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

RESULTS, HOUR = Path("/results"), Path("/hour")
PATIENCE_S = 600.0
LOOKED_S = 120.0
LOOK_EVERY_S = 2.0
AGAIN_S = 5.0
CARRIED = "/run/typist/environment"
"""What a command exported holds for the next, as in one terminal."""
SHELL = f"""test -e {CARRIED} && . {CARRIED}
{{}}
code=$?
export -p > {CARRIED}
exit $code"""


class Desk(NamedTuple):
    """Who types, and where."""

    user: str
    folder: str


def main() -> None:
    """Type everything, however it goes."""
    carried = Path(CARRIED).parent
    carried.mkdir()
    carried.chmod(0o777)
    hour = json.loads((HOUR / "steps.json").read_text(encoding="utf-8"))
    results = []
    with (RESULTS / "transcript.txt").open("w", encoding="utf-8") as transcript:
        page = ""
        for step in hour["steps"]:
            if step["page"] != page:
                page = step["page"]
                transcript.write(f"\n======== {page}\n\n")
            results.append(_take(step, Desk(hour["user"], hour["folder"]), transcript))
            transcript.flush()
    (RESULTS / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    (RESULTS / "done").touch()


def _take(step: dict[str, Any], desk: Desk, transcript: Any) -> dict[str, Any]:
    for command in step["first"]:
        code, told = _type(command, desk)
        transcript.write(f"# done first: {command}\n")
        if code:
            transcript.write(f"{told}# [exit code {code}]\n")
    if step["skipped"]:
        transcript.write(f"$ {step['command']}\n# not typed: {step['skipped']}\n\n")
        return step | {"code": None, "told": ""}
    if step["instead"]:
        transcript.write(f"# the page has: {step['command']}\n")
    typed = step["instead"] or step["command"]
    code, told = _type(typed, desk, step["answer"], step["until"])
    transcript.write(f"$ {typed}\n{told}[exit code {code}]\n\n")
    if code and "Use sudo." in told:  # as anybody would who reads that
        code, told = _type(f"sudo {typed}", desk, step["answer"], step["until"])
        transcript.write(f"$ sudo {typed}\n{told}[exit code {code}]\n\n")
    if step["look"]:
        told = _look(step["look"], step["shows"], desk)
        transcript.write(f"# to see what came of it:\n$ {step['look']}\n{told}\n")
    return step | {"code": code, "told": told}


def _look(command: str, shows: str, desk: Desk) -> str:
    end = time.monotonic() + LOOKED_S
    while True:
        _, told = _type(command, desk)
        if re.search(shows, told) or time.monotonic() > end:
            return told
        time.sleep(LOOK_EVERY_S)


def _type(command: str, desk: Desk, answer: str = "", until: str = "") -> tuple[int, str]:
    line = SHELL.format(command)
    shell = ["bash", "-c", line]
    if answer:  # what asks wants a terminal
        shell = ["script", "--quiet", "--return", "--command", shlex.join(shell), "/dev/null"]
    running = subprocess.Popen(
        ["runuser", "-u", desk.user, "--", *shell],
        cwd=desk.folder,
        env={
            "HOME": pwd.getpwnam(desk.user).pw_dir,
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "COLUMNS": "110",
        },
        stdin=subprocess.PIPE if answer else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    said: list[bytes] = []
    reader = threading.Thread(target=_read, args=(running, said, answer, until))
    reader.start()
    reader.join(PATIENCE_S)
    if reader.is_alive():
        os.killpg(running.pid, signal.SIGKILL)
        said.append(b"\n[nothing more came]\n")
    text = b"".join(said).decode("utf-8", "replace").replace("\r\n", "\n")
    return running.wait(), text


def _read(running: subprocess.Popen[bytes], said: list[bytes], answer: str, until: str) -> None:
    """Everything that is said. A question is answered; once it matches `until`, Ctrl-C.

    A terminal drops what is typed while it is set up, so the answer is typed again after a while.
    """
    assert running.stdout is not None
    pressed = False
    while True:
        ready, _, _ = select.select([running.stdout], [], [], AGAIN_S if answer else None)
        chunk = os.read(running.stdout.fileno(), 1 << 16) if ready else b""
        if ready and not chunk:
            return
        said.append(chunk)
        if answer and b"".join(said).endswith((b": ", b"[Y/n] ")):
            assert running.stdin is not None
            running.stdin.write(f"{answer}\n".encode())
            running.stdin.flush()
        if until and not pressed and re.search(until.encode(), b"".join(said)):
            pressed = True
            os.killpg(running.pid, signal.SIGINT)


if __name__ == "__main__":
    main()
