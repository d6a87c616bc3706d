"""Frame to evidence: camera, models, quality, liveness."""
