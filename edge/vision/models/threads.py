"""How many threads each network gets on this device: what `edge-door bench --tune` found."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING

from edge.errors import NOT_AS_WRITTEN
from edge.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.config import Config

log = logging.getLogger(__name__)


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0))


def tuned_file(config: Config) -> Path:
    """Where it is kept."""
    return config.paths.state / "threads.json"


def keep(config: Config, threads: Mapping[str, int]) -> None:
    """Write down the threads of each network, by its file's SHA-256.

    Raises:
        OSError: the state folder cannot be written.
    """
    kept = {"cores": cores(), "threads": dict(threads)}
    replace_file(tuned_file(config), json.dumps(kept, indent=2).encode())


def tuned(config: Config) -> dict[str, int]:
    """What was kept; nothing where it was found on a board with another number of cores."""
    path = tuned_file(config)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        threads = {str(sha256): max(1, int(n)) for sha256, n in kept["threads"].items()}
        return threads if kept["cores"] == cores() else {}
    except OSError:  # never tuned, or not ours to read
        return {}
    except NOT_AS_WRITTEN as error:
        log.warning("%s is damaged (%s): run `edge-door bench --tune`", path, error)
        return {}
