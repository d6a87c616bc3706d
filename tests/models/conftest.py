"""What trains networks is only where models are trained: see `models/README.md`."""

from importlib.util import find_spec

NEEDING = ("recapture", "surroundings", "skin")
NEEDED = ("torch", "onnx", "onnxruntime", "tomlkit")
collect_ignore = [] if all(map(find_spec, NEEDED)) else [f"test_{name}.py" for name in NEEDING]
