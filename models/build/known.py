"""Record what every file is known to answer: `python -m models.build.known`."""

from pathlib import Path

from edge.vision.models.known import KNOWN, record
from edge.vision.models.manifest import read_manifest
from models.build import sign

MODELS = Path(__file__).parent.parent


def write(folder: Path = MODELS) -> None:
    """Make `known.json` beside the manifest."""
    (folder / KNOWN).write_text(record(read_manifest(folder).models.values()), encoding="utf-8")


if __name__ == "__main__":
    write()
    sign.sign_or_say()
