"""What the pipeline makes of so many frames, one line of JSON each: `steps COUNT`."""

from __future__ import annotations

import json
import sys

from tests.cost.frames import face, pipeline

if __name__ == "__main__":
    door = pipeline()
    for evidence in map(door.step, face(int(sys.argv[1]))):
        assert evidence.eyes is not None
        assert evidence.landmarks is not None
        eyes = evidence.eyes
        found = {
            "five": evidence.landmarks.five.ravel().tolist(),
            "openings": [eyes.right, eyes.left],
            "shut": [eyes.right_shut, eyes.left_shut],
            "vector": [] if evidence.embedding is None else evidence.embedding.vector.tolist(),
        }
        print(json.dumps(found), flush=True)  # its output
