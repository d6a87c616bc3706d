"""What models answer to the known pictures, one line of JSON each: `answers RUNTIME MODEL...`.

In this order, so that whoever asks knows of which one a runtime died.
"""

from __future__ import annotations

import json
import platform
import sys

from edge.vision.models.known import ask
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import RUNTIMES

if __name__ == "__main__":
    # Not `choose`: this is to see what a runtime does where it is not chosen.
    runtime = next(each for each in RUNTIMES if each.name == sys.argv[1])
    models = read_manifest().models
    for name in sys.argv[2:]:
        line = [platform.machine(), name, ask(Model(models[name], runtime))]
        print(json.dumps(line), flush=True)
