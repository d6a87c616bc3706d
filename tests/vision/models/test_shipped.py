"""What is shipped is what the project signed, and an installed program reads nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.believed import believe_shipped, read_believed
from edge.errors import SealError, UsageError
from edge.sealing import make_seal
from edge.vision.models import shipped
from edge.vision.models.known import KNOWN
from edge.vision.models.manifest import read_manifest, shipped_models
from edge.vision.models.shipped import SEAL, SIGN, require_shipped, shipped_files
from models.build.sign import sign
from tests.cli.test_models import run
from tests.ops.test_doctor import configured, look

KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[Path]:
    """The shipped folder, where an installed program has it."""
    folder = tmp_path / "_models"
    folder.mkdir()
    for name in [*shipped_files(shipped_models()), SEAL]:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(shipped_models() / name, folder / name)
    yield folder
    believe_shipped({})


def test_the_shipped_set_is_what_the_project_has_signed() -> None:
    assert shipped_files(shipped_models()) == shipped.read_shipped(shipped_models()).files, (
        f"models/ was changed: who has the project's key signs it anew with `{SIGN} --key FILE`"
    )


def test_every_flipped_byte_of_the_seal_is_refused(installed: Path) -> None:
    text = (installed / SEAL).read_bytes()
    for index in range(len(text)):
        changed = bytearray(text)
        changed[index] ^= 1
        (installed / SEAL).write_bytes(changed)
        with pytest.raises(SealError, match="is not the project's seal"):
            require_shipped(installed)


def test_a_changed_file_is_named_and_not_read_where_it_is_installed(installed: Path) -> None:
    read_manifest(installed)
    for name in ("calibration/mobilefacenet-dlib-int8.json", "eyelids_int8.tflite", KNOWN):
        path = installed / name
        before = path.read_bytes()
        path.write_bytes(before + b" ")
        with pytest.raises(SealError, match=f"signed in .*: {name}. Install edge-door again"):
            require_shipped(installed)
        with pytest.raises(SealError, match="is not what was shipped"):
            read_believed(path)
        path.write_bytes(before)
    (installed / "manifest.toml").write_text("[defaults]\n")
    with pytest.raises(SealError, match="is not what was shipped"):
        read_manifest(installed)


def test_what_the_owner_adds_is_the_owners(installed: Path) -> None:
    (installed / "added.toml").write_text("")
    (installed / "calibration" / "mine.json").write_text("{}")
    assert require_shipped(installed) == len(shipped_files(shipped_models()))
    assert read_believed(installed / "calibration" / "mine.json") == b"{}"


def test_a_seal_by_another_hand_is_none(installed: Path, tmp_path: Path) -> None:
    (installed / SEAL).write_text(make_seal(KEY, shipped_files(installed), 9))
    with pytest.raises(SealError, match="another key"):
        read_manifest(installed)
    (installed / SEAL).unlink()
    with pytest.raises(SealError, match="Install edge-door again"):
        read_manifest(installed)
    with pytest.raises(UsageError, match="not a private key"):
        sign(installed, tmp_path / "none")


def test_doctor_and_verify_say_so(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("edge.cli.measure.models", "edge.ops.doctor.files"):
        monkeypatch.setattr(f"{module}.shipped_models", lambda: installed)
    check = look(configured(tmp_path))["seal"]
    assert (check.level, "what the project has signed" in check.sentence) == ("warn", True)
    (installed / "presets.toml").write_text("")
    check = look(configured(tmp_path))["seal"]
    assert (check.level, "presets.toml" in check.sentence) == ("fail", True)
    told = json.loads(run("models", "verify", "--json").stdout)
    assert (told["ok"], list(told["wrong"])) == (False, [SEAL])
