"""The commands of a page, in the order in which they stand there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGES = (
    "README.md",
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "deploy/guide").glob("*.md")),
    *(f"deploy/{place}/README.md" for place in ("boot", "broker", "fleet")),
)
_BEGINS = (
    r"sudo |edge-door |\./deploy/|pip |python3? -m |EDGE_DOOR_\w+=\S+ \S"
    r"|(?:apt-get|git|journalctl|rabbitmqctl|sqlite3|systemctl|tar) "
)
_PLACES = re.compile(
    r"^ *```(?P<language>sh|bash|python)\n(?P<block>.*?)^ *```"
    rf"|`(?P<quoted>(?:{_BEGINS})[^`\n]*)`"
    rf"|^ {{4,}}(?P<indented>(?:{_BEGINS})[^\n]*)",
    re.MULTILINE | re.DOTALL,
)


def commands(place: str) -> list[str]:
    """What a page, or PAGE#SECTION of it, tells people to type.

    Its shell blocks line by line, its Python blocks, and what it quotes within a line.
    """
    page, _, section = place.partition("#")
    text = (ROOT / page).read_text(encoding="utf-8")
    if section:
        text = text.split(f"\n## {section}\n")[1].split("\n## ")[0]
    return list(filter(None, _all(text)))


def _all(text: str) -> Iterator[str]:
    for found in _PLACES.finditer(text):
        if found["language"] == "python":
            yield f"python <<'PAGE'\n{found['block']}PAGE"
        elif found["block"]:
            for line in found["block"].splitlines():
                yield re.sub(r" *# .*", "", line).strip()
        else:
            yield re.sub(r" +# .*", "", found["quoted"] or found["indented"]).strip()
