"""Sign what is shipped: `python -m models.build.sign --key FILE`, else $EDGE_DOOR_RELEASE_KEY."""

import argparse
import os
import sys
from pathlib import Path

from edge.access.command import public_text
from edge.cli.fleet.keys import read_key
from edge.errors import EdgeDoorError, SealError, UsageError
from edge.sealing import make_seal
from edge.vision.models.shipped import PROJECT, SEAL, SIGN, read_shipped, shipped_files

MODELS = Path(__file__).parent.parent
KEY = "EDGE_DOOR_RELEASE_KEY"


def sign(folder: Path, key_file: Path) -> int:
    """Write the seal over a folder of models; how many files it vouches for.

    Raises:
        UsageError: it is not the project's key.
    """
    key = read_key(key_file)
    if public_text(key) != PROJECT:
        raise UsageError(
            f"{key_file} is not the project's key: that one's public half is {PROJECT}."
        )
    try:
        version = read_shipped(folder).version + 1
    except SealError:  # the first
        version = 1
    files = shipped_files(folder)
    (folder / SEAL).write_text(make_seal(key, files, version), encoding="utf-8")
    return len(files)


def sign_or_say(key_file: Path | None = None) -> None:
    """Sign where the key is named; else say what to type."""
    named = key_file or os.environ.get(KEY)
    if named:
        print(f"{sign(MODELS, Path(named))} files signed")
    else:
        print(f"Not signed. Who has the project's key types: {SIGN} --key FILE")


def main() -> int:
    """Sign; exit code 2 without the key."""
    parser = argparse.ArgumentParser(prog=SIGN, description=__doc__)
    parser.add_argument(
        "--key", type=Path, default=os.environ.get(KEY), required=KEY not in os.environ
    )
    try:
        print(f"{sign(MODELS, Path(parser.parse_args().key))} files signed")
    except EdgeDoorError as error:
        print(f"{SIGN}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
