"""A door that is given another id: at once while it is new, and not once it knows somebody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.config import load
from edge.ops.renamed import id_before, set_unused_aside
from edge.records import EventKind, Reason, Template
from edge.sight.journal import Journal
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from tests.support.running import Door


@pytest.fixture
def door(tmp_path: Path) -> Door:
    """Installed and started, under the id of the example."""
    made = Door(tmp_path, "/dev/video99")
    assert made.command("init").returncode == 0
    with open_ledger(made.config) as ledger:
        Journal(ledger, made.config.device.id).note(EventKind.SYSTEM, Reason.STARTED)
    return made


def renamed(door: Door) -> Door:
    text = door.path.read_text()
    id_ = door.config.device.id
    assert f'id = "{id_}"' in text
    door.path.write_text(text.replace(f'id = "{id_}"', 'id = "front"'))
    return door


def test_a_new_door_takes_another_id(door: Door) -> None:
    """Else the second door of every site met an error that takes the moving of sealed files."""
    before = door.config.device.id
    renamed(door)
    refused = door.command("people", "list")
    assert refused.returncode == 1
    assert "Where nobody was enrolled yet, `edge-door init` begins anew" in refused.stderr
    done = door.command("init")
    assert done.returncode == 0, done.stderr
    assert f"what there was of '{before}' is kept beside them" in done.stdout
    assert door.command("init").stdout == "everything is there already\n"
    for words in (("people", "list"), ("audit", "verify"), ("ledger", "check")):
        assert door.command(*words).returncode == 0
    state = door.path.parent / "state"
    assert (state / f"people.db.{before}").exists()
    assert (state / "ledger" / f"ledger.db.{before}").exists()


def test_a_door_that_ever_knew_somebody_keeps_its_id(door: Door) -> None:
    with open_vault(door.config) as vault:
        vault.add(Template("Ada", np.full((1, 16), 0.25, np.float32), "a" * 64))
        vault.remove("Ada")
    renamed(door)
    files = {path: path.read_bytes() for path in door.config.paths.state.rglob("*.db")}
    done = door.command("init")
    assert done.returncode == 2
    assert "people were enrolled here while device.id was 'test'" in done.stderr
    assert {path: path.read_bytes() for path in files} == files


def test_what_was_cut_short_is_done_by_the_same_command(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed(door)
    config, real = load(door.path), Path.rename

    def cut(path: Path, target: Path) -> Path:
        if path == config.people_db:
            raise OSError("power")
        return real(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", cut)
        with pytest.raises(OSError, match="power"):
            set_unused_aside(config, "test")
    assert id_before(config) == "test"
    assert door.command("init").returncode == 0
    assert door.command("audit", "verify").returncode == 0
