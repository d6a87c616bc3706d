"""A release's self-test: its seal and configuration, databases that it knows, known answers.

It runs in the release's own program, apart from the one that updates.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import edge
from edge.believed import enforce
from edge.bundle import CONFIG, PROGRAM
from edge.config import load
from edge.errors import UpdateError
from edge.ops.owner import acting_as_owner
from edge.process import PYTHON

LIMIT_S = 300.0
_WITH = "import sys; sys.path.insert(0, sys.argv.pop(1)); from edge.cli import main; main()"


def selftest(config_path: Path, folder: Path, key: str) -> int:
    """Try what lies in a release's folder; how many networks answer as they should.

    Args:
        config_path: The door's configuration, where the release brings none.
        folder: The release, in force or not.
        key: Base64 public key of who must have sealed all of it.

    Raises:
        EdgeDoorError: what is wrong with it.
    """
    from edge.ledger.ledger import Ledger
    from edge.sight.seals import vouched
    from edge.vault.vault import Vault
    from edge.vision.calibrated import read_calibration
    from edge.vision.models.loader import Loader
    from edge.vision.models.manifest import read_manifest
    from edge.vision.models.runtimes import choose
    from edge.vision.stages import Stages

    _require_own_program(folder)
    inside = sorted((folder / CONFIG).glob("*.toml"))
    config = load(inside[0] if inside else config_path)
    paths = config.paths.model_copy(update={"release": folder})
    config = config.model_copy(update={"paths": paths})
    enforce(vouched(config, config_path, key).files)
    if folder.is_symlink():
        load(config_path)  # as programs do; what was sealed later beside it has the last word
    with acting_as_owner(config.paths.state):
        Vault.require_not_newer(config.people_db)
        Ledger.require_not_newer(config.ledger_db)
    read_calibration(config)
    manifest = read_manifest(config.models_folder)
    embedder = Stages.load(config).embedder  # what sight needs is there
    with acting_as_owner(config.paths.state):
        Vault.require_model(config.people_db, embedder.model_sha256)  # else it would not start
    load_model = Loader(config.models_folder, choose(config.models.runtime))
    for entry in manifest.models.values():
        load_model(entry)
    return len(manifest.models)


def selftest_apart(config_path: Path, folder: Path, key: str) -> None:
    """`selftest` in a process of its own, by the release's program where it brings one.

    Raises:
        UpdateError: it failed; says why.
    """
    program = folder / PROGRAM
    in_force = folder.is_symlink()  # then it must start as every other command does
    start = ["-c", _WITH, str(program)] if program.is_dir() and not in_force else ["-m", "edge"]
    command = [*PYTHON, *start, "update", "test", str(folder), "--key", key, "--json"]
    command += ["--config", str(config_path)]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise UpdateError(f"the self-test of {folder} took longer than {LIMIT_S:g} s.") from error
    if ended.returncode:
        what = "what was installed before the first update" if folder.name == "0" else folder
        raise UpdateError(f"{what} fails its self-test, so it is not used: {_why(ended)}")


def _require_own_program(folder: Path) -> None:
    program = (folder / PROGRAM).resolve()
    if program.is_dir() and not Path(str(edge.__file__)).is_relative_to(program):
        raise UpdateError(
            f"the program in {program} is not the one that starts here. Install edge-door with "
            "deploy/install.sh, whose programs start from the release in force."
        )


def _why(ended: subprocess.CompletedProcess[str]) -> str:
    try:
        return str(json.loads(ended.stdout.splitlines()[-1])["error"])
    except (IndexError, ValueError, KeyError, TypeError):
        said = ended.stderr.strip().splitlines()
        return said[-1] if said else f"exit code {ended.returncode}"
