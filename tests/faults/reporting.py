"""What a run of the faults leaves behind: faults.json, where one is wanted."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

REPORT = os.environ.get("EDGE_DOOR_FAULTS")
SEED = int(os.environ.get("EDGE_DOOR_FAULTS_SEED", "1"))


def report(rows: list[dict[str, Any]]) -> None:
    """Add threats: what was injected, how much of it was wrong, and how to do it again."""
    _add("threats", rows, "threat")


def measured(what: str, figures: dict[str, Any], again: str) -> None:
    """Add figures that are no faults."""
    _add("measured", [{"what": what, "figures": figures, "again": again}], "what")


def _add(part: str, rows: list[dict[str, Any]], name: str) -> None:
    if not REPORT:
        return
    path = Path(REPORT)
    data: dict[str, Any] = {"seed": SEED, "threats": [], "measured": []}
    if path.exists():
        data = json.loads(path.read_text())
    names = {row[name] for row in rows}
    data[part] = [row for row in data[part] if row[name] not in names] + rows
    path.write_text(json.dumps(data, indent=2) + "\n")
