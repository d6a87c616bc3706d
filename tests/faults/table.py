"""Prints faults.json: `python -m tests.faults.table FILE`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table


def main() -> int:
    """One row a threat, and the sum; what was measured; exit code 1 when anything was wrong."""
    data = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    table = Table("threat", "injected", "wrong", "once more")
    for row in data["threats"]:
        table.add_row(row["threat"], str(row["injected"]), str(row["wrong"]), row["again"])
    injected, wrong = (sum(row[key] for row in data["threats"]) for key in ("injected", "wrong"))
    table.add_section()
    table.add_row("all", str(injected), str(wrong), f"seed {data['seed']}")
    figures = Table("measured", "figures", "once more")
    for row in data["measured"]:
        said = ", ".join(f"{name} {value}" for name, value in row["figures"].items())
        figures.add_row(row["what"], said, row["again"])
    Console().print(table, figures)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
