"""What native libraries write to standard error stays out of a command's output."""

import logging
import os
import struct
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.vision.models.entries import DetectorEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import available
from edge.vision.pictures import read_image
from edge.vision.quiet import quietly


def test_it_goes_to_the_log_and_what_comes_later_does_not(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "edge.vision.quiet"), quietly():
        os.write(2, b"INFO: a delegate\n")
    os.write(2, b"ours\n")
    assert caplog.messages == ["INFO: a delegate"]
    assert capfd.readouterr().err == "ours\n"


def test_it_needs_no_disk(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full one kept sight from opening its camera again, one that only reads every command."""
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nowhere"])
    monkeypatch.setattr(tempfile, "tempdir", None)
    with caplog.at_level(logging.DEBUG, "edge.vision.quiet"), quietly():
        os.write(2, b"INFO: a delegate\n")
    assert caplog.messages == ["INFO: a delegate"]


def test_loading_a_model_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for runtime in available():
        Model(read_manifest().entry(DetectorEntry), runtime)
    assert capfd.readouterr().err == ""


def test_a_picture_with_a_strange_profile_says_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    done, encoded = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))
    assert done
    content = encoded.tobytes()
    profile = b"iCCPicc\0\0" + zlib.compress(b"no profile")
    chunk = struct.pack(">I", len(profile) - 4) + profile + struct.pack(">I", zlib.crc32(profile))
    (tmp_path / "a.png").write_bytes(content[:33] + chunk + content[33:])
    assert read_image(tmp_path / "a.png").shape == (4, 4, 3)
    assert capfd.readouterr().err == ""
