"""PyTorch is only where models are trained (`pip install torch==2.13.0`)."""

from importlib.util import find_spec

NEEDING = ("recapture", "surroundings", "skin")
collect_ignore = [] if find_spec("torch") else [f"test_{name}.py" for name in NEEDING]
