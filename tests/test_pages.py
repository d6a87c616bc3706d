"""What the pages lead to is there: links and their headings, modules, the scripts' options."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

LINK = re.compile(r"\]\((?!https?:|mailto:)([^)\s#]*)#?([^)\s]*)\)")
MODULE = re.compile(r"python -m ((?:edge|models|tests)[\w.]*\w)")
OPTION = re.compile(r"(deploy/\w+\.sh)[^\n`|]*? (--[a-z-]+)")


def pages() -> list[Path]:
    listed = ["git", "ls-files", "*.md"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    found = [ROOT / name for name in done.stdout.split()]
    return found or pytest.skip("not a checkout of git")


def headings(page: Path) -> set[str]:
    """As GitHub makes anchors of them."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)", prose, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def astray(page: Path, text: str) -> list[str]:
    """What a page leads to and is not there."""
    found = []
    for name, heading in LINK.findall(text):
        there = page.parent / name if name else page
        if not there.exists() or (heading and heading not in headings(there)):
            found.append(f"{name}#{heading}")
    for module in MODULE.findall(text):
        place = ROOT / module.replace(".", "/")
        if not (place.with_suffix(".py").exists() or (place / "__main__.py").exists()):
            found.append(module)
    for script, option in OPTION.findall(text):
        if option not in (ROOT / script).read_text("utf-8"):
            found.append(f"{script} {option}")
    return found


def test_every_page_leads_to_what_is_there() -> None:
    wrong = {page.name: lost for page in pages() if (lost := astray(page, page.read_text("utf-8")))}
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "[a](nowhere.md)",
        "[a](SECURITY.md#no-such-heading)",
        "[a](#no-such-heading)",
        "`python -m models.nothing`",
        "`sudo ./deploy/install.sh --undo`",
    ],
)
def test_what_leads_astray_is_found(text: str) -> None:
    assert astray(ROOT / "README.md", text)


def test_the_page_on_installing_names_every_extra() -> None:
    page = (ROOT / "deploy/guide/installing.md").read_text("utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = re.findall(
        r"`([a-z0-9]+)`", page[page.index("Extras, for") : page.index("What a mess")]
    )
    assert set(named) == set(project["optional-dependencies"])
