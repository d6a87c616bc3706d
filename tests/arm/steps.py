"""What the pipeline makes of some frames, one line of JSON each."""

from __future__ import annotations

import json

from tests.cost.frames import face, pipeline

FRAMES = 8
"""The detector and the embedder are due twice."""

if __name__ == "__main__":
    door = pipeline()
    for evidence in map(door.step, face(FRAMES)):
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
