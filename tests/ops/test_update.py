"""An update is in force as a whole or not at all; what fails its self-test is taken back."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typing_extensions import override

from edge.access.command import public_text
from edge.believed import enforce, read_believed
from edge.bundle import make_bundle
from edge.config import load
from edge.errors import EdgeDoorError, SealError, UpdateError, UsageError, VaultError
from edge.ops.selftest import selftest
from edge.ops.update import Updates, verify_release
from edge.records import Reason, Template
from edge.sealing import digest, make_seal
from edge.sight.sealed_ledger import open_ledger
from edge.sight.seals import seal_path, take_up_seal
from edge.vault.vault import open_vault
from edge.vision.models.manifest import shipped_models
from tests.support.forked import edge_door
from tests.support.running import Door
from tests.vault.test_vault import raw

KEY = Ed25519PrivateKey.generate()
PUBLIC = public_text(KEY)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    made = Door(tmp_path, "/dev/video99")
    open_vault(made.config).close()
    yield made
    enforce(None)


class Trial:
    """Stands for the self-test, which takes seconds: passes, or fails at the n-th."""

    def __init__(self, fails_at: int = 0) -> None:
        self.asked: list[Path] = []
        self._fails_at = fails_at

    def __call__(self, _config: Path, folder: Path, _key: str) -> None:
        self.asked.append(folder)
        if len(self.asked) == self._fails_at:
            raise UpdateError("it fails")


def bundle(door: Door, version: int, name: str = "Front", **more: bytes) -> bytes:
    kept = [line for line in door.path.read_text().splitlines() if not line.startswith("name = ")]
    text = "\n".join(kept).replace('id = "test"', f'id = "test"\nname = "{name}"')
    contents = {
        "config/test.toml": text.encode(),
        "config/other.toml": b"secret",
        "models/README.md": b"",
    }
    return make_bundle(KEY, contents | more, version)


def updates(door: Door, test: Trial) -> Updates:
    return Updates(load(door.path), door.path, test)


def said(door: Door) -> str:
    return load(door.path).device.name


def test_an_update_is_tried_put_in_force_tried_again_and_undone(door: Door) -> None:
    trial, before = Trial(), door.path.read_bytes()
    door.path.chmod(0o640)
    updates(door, trial).apply(bundle(door, 1, "One"), PUBLIC)
    link = door.config.paths.release
    assert trial.asked == [link.with_name("releases") / "1", link]
    assert (said(door), door.path.stat().st_mode & 0o777) == ("One", 0o640)
    assert not (link / "config" / "other.toml").exists()  # another door's is none of its business
    assert verify_release(load(door.path)) == (1, 2)
    updates(door, Trial()).apply(bundle(door, 2, "Two"))
    assert said(door) == "Two"
    assert updates(door, Trial()).undo() == 1
    assert said(door) == "One"
    with pytest.raises(UsageError, match="no update to undo"):
        updates(door, Trial()).undo()
    updates(door, Trial()).apply(bundle(door, 2, "Two"))
    updates(door, Trial()).apply(bundle(door, 3, "Three"))
    assert sorted(path.name for path in link.with_name("releases").iterdir()) == ["2", "3"]
    assert door.reasons().count(Reason.UPDATED) == 4
    assert door.reasons().count(Reason.UPDATE_UNDONE) == 1
    assert before != door.path.read_bytes()


def test_the_programs_users_may_read_what_a_careful_root_has_written(door: Door) -> None:
    before = os.umask(0o077)
    try:
        updates(door, Trial()).apply(
            bundle(door, 1, "One", **{"models/calibration/x.json": b""}), PUBLIC
        )
        assert os.umask(0o077) == 0o077
    finally:
        os.umask(before)
    folder = door.config.paths.release.with_name("releases")
    for path in (folder, *folder.rglob("*")):
        wanted = 0o755 if path.is_dir() else 0o044
        assert path.stat().st_mode & wanted == wanted, path


def test_where_no_door_is_yet_none_is_begun(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    for change in (Updates.undo, lambda of: of.apply(bundle(door, 1), PUBLIC)):
        with pytest.raises(VaultError, match="`edge-door init` makes them"):
            change(updates(door, Trial()))
    assert [path.name for path in tmp_path.iterdir()] == ["edge-door.toml"]


def test_undoing_the_first_gives_what_was_installed(door: Door) -> None:
    before = door.path.read_bytes()
    updates(door, Trial()).apply(bundle(door, 1), PUBLIC)
    trial = Trial()
    with pytest.raises(UsageError, match=r"^what was installed before .* was never sealed"):
        updates(door, trial).undo()
    assert (trial.asked, verify_release(load(door.path))) == ([], (1, 2))  # nothing was begun
    seal_path(door.path).write_text(make_seal(KEY, {str(door.path): digest(before)}, 1))
    assert updates(door, Trial()).undo() == 0
    assert door.path.read_bytes() == before


@pytest.mark.parametrize(("fails_at", "intended"), [(1, 0), (2, 1)])
def test_what_fails_before_or_after_leaves_all_as_it_was(
    door: Door, fails_at: int, intended: int
) -> None:
    updates(door, Trial()).apply(bundle(door, 1, "One"), PUBLIC)
    with pytest.raises(UpdateError, match="it fails"):
        updates(door, Trial(fails_at)).apply(bundle(door, 2, "Two"))
    assert said(door) == "One"
    assert door.reasons().count(Reason.NOT_DONE) == intended
    assert verify_release(load(door.path))[0] == 1
    take_up_seal(load(door.path), door.path)
    enforce(None)
    updates(door, Trial()).apply(bundle(door, 3, "Three"))
    assert said(door) == "Three"


@pytest.mark.parametrize("fails_at", [1, 2])
def test_an_undo_that_fails_changes_nothing(door: Door, fails_at: int) -> None:
    updates(door, Trial()).apply(bundle(door, 1, "One"), PUBLIC)
    updates(door, Trial()).apply(bundle(door, 2, "Two"))
    with pytest.raises(UpdateError):
        updates(door, Trial(fails_at)).undo()
    assert said(door) == "Two"
    take_up_seal(load(door.path), door.path)
    assert updates(door, Trial()).undo() == 1


def test_a_first_bundle_without_models_is_told_so_before_anything_is_tried(door: Door) -> None:
    """`check` said that it may be taken, and the self-test that a shipped file was changed."""
    bare = make_bundle(KEY, {"config/test.toml": door.path.read_bytes()}, 1)
    with pytest.raises(SealError, match=r"models installed here were never sealed.*--models"):
        updates(door, Trial()).examine(bare, PUBLIC)
    updates(door, Trial()).apply(bundle(door, 1), PUBLIC)
    later = make_bundle(KEY, {"config/test.toml": door.path.read_bytes()}, 2)
    assert updates(door, Trial()).examine(later).parts == ["config"]


def test_nothing_older_and_nobody_elses_is_taken(door: Door) -> None:
    with pytest.raises(UsageError, match="knows nobody's key"):
        updates(door, Trial()).apply(bundle(door, 5))
    updates(door, Trial()).apply(bundle(door, 5), PUBLIC)
    for version in (4, 5):
        with pytest.raises(SealError, match="takes newer ones only"):
            updates(door, Trial()).apply(bundle(door, version))
    other = Ed25519PrivateKey.generate()
    with pytest.raises(SealError, match="another key"):
        updates(door, Trial()).apply(make_bundle(other, {"models/x": b""}, 9))
    with pytest.raises(UsageError, match="believes another key"):
        updates(door, Trial()).apply(bundle(door, 9), public_text(other))
    with pytest.raises(SealError, match="comes with its bundles"):
        updates(door, Trial()).apply(make_bundle(KEY, {"models/x": b""}, 9))


def test_what_was_sealed_later_than_a_bundle_keeps_the_door_as_it_is(door: Door) -> None:
    """The update was in force, and no program started: a seal's version may be ahead of clocks."""
    updates(door, Trial()).apply(bundle(door, 1, "One"), PUBLIC)
    updates(door, Trial()).apply(bundle(door, 2, "Two"))
    files = {str(door.path): digest(door.path.read_bytes())}
    seal_path(door.path).write_text(make_seal(KEY, files, 9))
    enforce(None)
    assert take_up_seal(door.config, door.path) is not None
    enforce(None)
    with pytest.raises(
        SealError, match=r"was sealed later, as version 9, .*`edge-door update make"
    ):
        updates(door, Trial()).apply(bundle(door, 3, "Three"))

    def in_force(config: Path, folder: Path, key: str) -> None:
        if folder.is_symlink():
            try:
                selftest(config, folder, key)
            finally:
                enforce(None)

    with pytest.raises(SealError, match="is not what was sealed"):
        Updates(load(door.path), door.path, in_force).undo()
    assert said(door) == "Two"
    updates(door, Trial()).apply(bundle(door, 10, "Ten"))
    assert said(door) == "Ten"


def test_an_older_release_put_back_by_hand_does_not_start(door: Door) -> None:
    link = door.config.paths.release
    updates(door, Trial()).apply(bundle(door, 1), PUBLIC)
    updates(door, Trial()).apply(bundle(door, 2))
    shutil.copytree(link.with_name("releases") / "1", link.with_name("one"))
    link.unlink()
    link.symlink_to(link.with_name("one"))
    with pytest.raises(SealError, match="has seen 2: an older one was put back"):
        take_up_seal(load(door.path), door.path)
    config = load(door.path)
    link.unlink()
    seal_path(door.path).write_text(make_seal(KEY, {"somewhere": ""}, 9))
    with pytest.raises(SealError, match="version none, and this door has seen 2"):
        take_up_seal(config, door.path)


def test_a_release_that_is_older_than_what_was_seen_is_mended_as_the_message_says(
    door: Door,
) -> None:
    updates(door, Trial()).apply(bundle(door, 1, "One"), PUBLIC)
    updates(door, Trial()).apply(bundle(door, 2, "Two"))
    link = door.config.paths.release
    link.unlink()
    link.symlink_to("releases/1")
    with pytest.raises(SealError, match=r"`edge-door update apply FILE` with the bundle of ver"):
        take_up_seal(load(door.path), door.path)
    enforce(None)
    with pytest.raises(SealError, match="takes newer ones only"):
        updates(door, Trial()).apply(bundle(door, 1, "One"))
    updates(door, Trial()).apply(bundle(door, 2, "Two"))
    take_up_seal(load(door.path), door.path)
    assert said(door) == "Two"


@pytest.mark.parametrize("first", [True, False])
def test_an_update_whose_last_step_fails_leaves_a_door_that_starts(
    door: Door, first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = door.folder / "machine" / "owner.pub"
    monkeypatch.setenv("EDGE_DOOR_OWNER", str(owner))
    owner.parent.mkdir()
    trust = PUBLIC if first else None
    if not first:
        seal_path(door.path).write_text(make_seal(KEY, {}, 1))
        updates(door, Trial()).apply(bundle(door, 1, "One"), PUBLIC)
    before = said(door)
    owner.with_name("sealed.toml").unlink(missing_ok=True)
    owner.with_name("sealed.toml").mkdir()  # where no file can be put: as on a full disk
    with pytest.raises(OSError, match="Is a directory"):
        updates(door, Trial()).apply(bundle(door, 2, "Two"), trust)
    take_up_seal(load(door.path), door.path)
    enforce(None)
    assert said(door) == before
    if not first:
        with pytest.raises(OSError, match="Is a directory"):
            updates(door, Trial()).undo()
        take_up_seal(load(door.path), door.path)
        enforce(None)
    owner.with_name("sealed.toml").rmdir()
    updates(door, Trial()).apply(bundle(door, 3, "Three"), trust)
    assert said(door) == "Three"
    assert owner.read_text() == f"{PUBLIC}\n"


def test_who_writes_a_released_file_is_noticed(door: Door) -> None:
    updates(door, Trial()).apply(bundle(door, 1), PUBLIC)
    inside = door.config.paths.release / "config" / "test.toml"
    inside.write_bytes(inside.read_bytes() + b"\n# changed\n")
    with pytest.raises(SealError, match="is not what was signed"):
        verify_release(load(door.path))
    with pytest.raises(SealError, match="is not what was sealed"):
        take_up_seal(load(door.path), door.path)


def test_one_that_was_cut_short_after_the_swap_is_noted_by_the_next_start(door: Door) -> None:
    updates(door, Trial()).apply(bundle(door, 1, "One"), PUBLIC)

    class Cut(Trial):
        @override
        def __call__(self, config: Path, folder: Path, key: str) -> None:
            super().__call__(config, folder, key)
            if len(self.asked) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        updates(door, Cut()).apply(bundle(door, 2, "Two"))
    enforce(None)
    take_up_seal(load(door.path), door.path)
    assert read_believed(door.path)
    assert said(door) == "Two"
    assert updates(door, Trial()).undo() == 1


def test_on_the_command_line_with_the_real_self_test(
    door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    key = tmp_path / "owner.key"
    key.write_bytes(
        KEY.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    models = tmp_path / "models"
    shutil.copytree(shipped_models(), models, ignore=shutil.ignore_patterns("build", "cards"))
    make = ["update", "make", "--key", str(key), "--door", str(door.path), "--models", str(models)]
    assert edge_door(*make, "good", "--version", "1").returncode == 0
    assert edge_door(*make, "again", "--version", "3").returncode == 0
    manifest = models / "manifest.toml"
    whole = manifest.read_text()
    before, skin, rest = whole.partition("[models.skin-int8]")
    manifest.write_text(
        before.replace('skin = "skin-int8"\n', "") + rest[rest.index("[models.mobilefacenet-") :]
    )
    assert skin
    assert edge_door(*make, "before the skin", "--version", "2").returncode == 0
    manifest.write_text(whole)
    for calibration in (models / "calibration").glob("*.json"):
        calibration.write_text("{}")
    assert edge_door(*make, "bad", "--version", "2").returncode == 0
    good, bad = str(door.folder / "good"), str(door.folder / "bad")
    assert door.command("update", "check", good).returncode == 2
    done = door.command("update", "apply", good, "--trust", PUBLIC, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["version"] == 1
    assert load(door.path).models_folder == door.config.paths.release / "models"
    assert door.command("update", "check", bad).returncode == 0  # signed, if not sound
    failed = door.command("update", "apply", bad)
    assert failed.returncode == 1
    assert "fails its self-test" in failed.stderr
    older = door.command("update", "apply", str(door.folder / "before the skin"))
    assert older.returncode == 1  # sight would not start with it
    assert "among these models is none for skin. Models and program belong" in older.stderr
    assert "`edge-door update make` with --models and --program" in older.stderr
    with open_vault(door.config) as vault:
        vault.add(Template("Ada", np.full((1, 16), 0.25, np.float32), "a" * 64))
    foreign = door.command("update", "apply", str(door.folder / "again"))
    assert foreign.returncode == 1  # nor with her
    assert "Ada: enrolled with another model than the one in use" in foreign.stderr
    checked = json.loads(door.command("update", "check", "--json").stdout)
    assert (checked["ok"], checked["version"]) == (True, 1)
    (door.config.paths.release / "models" / "manifest.toml").write_text("")
    with pytest.raises(SealError, match="is not what was signed"):
        verify_release(door.config)


def test_a_program_that_does_not_start_is_not_put_in_force(door: Door, tmp_path: Path) -> None:
    wheel = tmp_path / "edge.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("edge/__init__.py", "")
        archive.writestr("edge/cli/__init__.py", "raise ImportError('no such part')")
    with zipfile.ZipFile(wheel) as archive:
        program = {f"program/{name}": archive.read(name) for name in archive.namelist()}
    with pytest.raises(UpdateError, match="no such part"):
        Updates(door.config, door.path).apply(bundle(door, 1, "One", **program), PUBLIC)
    assert not door.path.is_symlink()
    assert said(door) == "Front door"


@pytest.mark.parametrize("name", ["people.db", "ledger/ledger.db"])
def test_a_program_that_does_not_know_the_databases_of_a_newer_one_fails(
    door: Door, name: str
) -> None:
    open_ledger(door.config).close()
    updates(door, Trial()).apply(bundle(door, 1), PUBLIC)
    raw(door.config.paths.state / name, "PRAGMA user_version = 99")
    enforce(None)  # of this process, which has read the configuration of before
    with pytest.raises(EdgeDoorError, match=r"newer edge-door \(version 99"):
        selftest(door.path, door.config.paths.release, PUBLIC)


def test_a_program_that_would_not_be_the_one_that_runs_fails(tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    with pytest.raises(UpdateError, match="not the one that starts here"):
        selftest(tmp_path / "edge-door.toml", tmp_path, PUBLIC)
