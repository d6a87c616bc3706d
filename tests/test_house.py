"""What the page about the house names is there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_every_file_that_the_page_names_is_there() -> None:
    page = (ROOT / "edge/README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)*[a-z_]+\.py)`", page))
    beside = {"tflite.py", "runtimes.py", "machine.py"}  # of the room named in the same row
    assert len(named) > 30
    assert not [
        name
        for name in named - beside
        if not ((ROOT / "edge" / name).exists() or (ROOT / name).exists())
    ]


def test_every_room_is_on_the_page_and_says_what_it_is() -> None:
    page = (ROOT / "edge/README.md").read_text(encoding="utf-8")
    for room in (ROOT / "edge").glob("*/__init__.py"):
        assert f"`{room.parent.name}`" in page, room
        assert room.read_text(encoding="utf-8").startswith('"""'), room
