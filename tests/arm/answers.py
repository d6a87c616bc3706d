"""What every model answers to the known pictures, one line of JSON each: `answers RUNTIME`."""

from __future__ import annotations

import json
import platform
import sys

from edge.vision.models.known import ask
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import choose

if __name__ == "__main__":
    runtime = choose(sys.argv[1])
    for name, entry in read_manifest().models.items():
        if name in sys.argv[2:] or not sys.argv[2:]:
            line = [platform.machine(), name, ask(Model(entry, runtime))]
            print(json.dumps(line), flush=True)
