"""A software TPM 2.0 (swtpm), as a board would have one in hardware."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from typing_extensions import Self

MISSING = [name for name in ("swtpm", "tpm2_create") if shutil.which(name) is None]
needs_tpm = pytest.mark.skipif(
    bool(MISSING) and not os.environ.get("EDGE_DOOR_TEST_REQUIRED"),
    reason=f"{' and '.join(MISSING)} missing: apt-get install swtpm tpm2-tools",
)


class Tpm:
    """One TPM with its own seeds; while it runs, tpm2-tools speak to it."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._socket = folder / "s"
        self._folder = folder
        monkeypatch.setenv("TPM2TOOLS_TCTI", f"swtpm:path={self._socket}")

    def __enter__(self) -> Self:
        command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self._folder}"]
        command += ["--server", f"type=unixio,path={self._socket}"]
        command += ["--ctrl", f"type=unixio,path={self._socket}.ctrl"]
        command += ["--flags", "not-need-init,startup-clear"]
        self._process = subprocess.Popen(command)
        deadline = time.monotonic() + 20
        while not self._socket.exists():
            assert time.monotonic() < deadline, "swtpm does not start"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
