"""PyTorch is only where models are trained (`pip install torch==2.13.0`)."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["test_recapture.py", "test_surroundings.py"]
