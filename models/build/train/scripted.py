"""Both teachers as one TorchScript file, which needs nothing but PyTorch where it runs.

``python -m models.build.train.scripted --loader load.py --out teachers.ts``; ``load.py`` lies
beside the teachers and makes PyTorch modules of them (it needs timm and onnx).

The file's ``forward`` takes RGB ``(n, 3, 112, 112)``, 0 to 255, and returns EdgeFace's and w600k's
unit vectors ``(n, 512)`` and w600k's last map ``(n, 512, 7, 7)``; its numbers are float16.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from types import ModuleType

INPUT = "input.1"  # what the loader calls the input of w600k

Layer = tuple[str, list[str], str, dict[str, Any]]  # operation, inputs, output, attributes


def _piece(network: nn.Module, layers: list[Layer]) -> nn.Module:
    """Return a copy that has these of its layers, and the numbers of these alone."""
    piece = copy.deepcopy(network)
    piece.layers = layers
    used = {piece.at[name] for _, names, *_ in layers for name in names if name in piece.at}
    for name in set(dict(piece.named_buffers())) - used:
        delattr(piece, name)
    return piece


class Teachers(nn.Module):
    """EdgeFace, and w600k in two pieces: up to its last map, and from there."""

    def __init__(self, edgeface: nn.Module, w600k: nn.Module) -> None:
        """Cut w600k before its last convolution."""
        super().__init__()
        layers: list[Layer] = w600k.layers
        cut = max(i for i, (op, *_) in enumerate(layers) if op == "Conv")
        seen = layers[cut][1][0]
        rest = [
            (op, [INPUT if name == seen else name for name in names], made, about)
            for op, names, made, about in layers[cut:]
        ]
        self.edgeface = edgeface
        self.begin, self.end = _piece(w600k, layers[:cut]), _piece(w600k, rest)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return both unit vectors and the map."""
        x = (pictures - 127.5) / 127.5
        last = self.begin(x)
        return functional.normalize(self.edgeface(x)), functional.normalize(self.end(last)), last


def _loader(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("teachers_loader", path)
    if spec is None or spec.loader is None:
        raise SystemExit(
            f"{path}: not a Python file. Give the loader that lies beside the teachers"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.scripted")
    parser.add_argument("--loader", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    both = _loader(options.loader).Teachers()
    whole = Teachers(both.edgeface, both.w600k).eval()
    pictures = torch.randint(0, 256, (3, 3, 112, 112)).float()
    with torch.no_grad():
        script = torch.jit.trace(whole, pictures, check_trace=False)
        other = torch.randint(0, 256, (5, 3, 112, 112)).float()
        worst = min(
            float((traced * own).sum(1).min())
            for traced, own in zip(script(other)[:2], reversed(both(other)), strict=True)
        )
    print(f"the script agrees with the modules by a cosine of at least {worst:.5f}")
    script.half().save(options.out)


if __name__ == "__main__":
    main()
