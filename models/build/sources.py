"""Google's MediaPipe models, out of the wheel that the package registry serves."""

import hashlib
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent

# One wheel for every machine that builds: only data is read from it.
PLATFORM = ("--platform", "manylinux_2_28_x86_64", "--python-version", "3.11")


@cache
def _wheel() -> bytes:
    """The wheel pinned in mediapipe.txt; pip checks its hash."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", *PLATFORM]
        command += ["--requirement", str(HERE / "mediapipe.txt"), "--dest", folder]
        subprocess.run(command, check=True)
        return next(Path(folder).glob("*.whl")).read_bytes()


def mediapipe(member: str, sha256: str) -> bytes:
    """The bytes of `mediapipe/modules/<member>` in the wheel.

    Raises:
        ValueError: the bytes are not those whose hash is stated.
    """
    with tempfile.TemporaryFile() as file:
        file.write(_wheel())
        with zipfile.ZipFile(file) as wheel:
            data = wheel.read(f"mediapipe/modules/{member}")
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise ValueError(f"{member}: SHA-256 is {found}, expected {sha256}")
    return data
