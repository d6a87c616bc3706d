"""The training of the surroundings network: what it begins as, and what is kept of it."""

from __future__ import annotations

import torch

from models.build.recapture.taught import SURE
from models.build.surroundings.shape import BLOCKS, SIZE
from models.build.surroundings.student import Student, fold, layers, ranges
from models.build.surroundings.train import MAPS, STAGE_ENDS


def test_each_block_has_a_map_to_learn_and_begins_as_its_shortcut() -> None:
    assert len(MAPS) == len(BLOCKS) == STAGE_ENDS[-1]
    student, x = Student().eval(), torch.rand(2, 64, 20, 20)
    assert torch.equal(student.blocks[1](x), x)


def test_what_is_kept_is_what_the_build_reads() -> None:
    torch.manual_seed(0)
    student = Student().eval()
    kept, names = fold(student), set(layers(student))
    parts = {f"{name}.{part}" for name in [*names, "out"] for part in ("kernel", "bias")}
    assert parts == set(kept)
    found = ranges(student, torch.rand(2, 3, SIZE, SIZE))
    sums = {f"blocks.{n}.sum" for n, block in enumerate(BLOCKS) if block.stride == 1}
    assert set(found) == names | sums | {"image"}
    assert all(low <= 0 <= high for low, high in found.values())


def test_the_last_two_layers_are_kept_as_one() -> None:
    torch.manual_seed(0)
    student = Student().eval()
    kept, features = fold(student), torch.rand(3, student.taught.in_features)
    with torch.no_grad():
        said = SURE * student.odds(student.taught(features))
    one = features.numpy() @ kept["out.kernel"] + kept["out.bias"]
    assert torch.allclose(said, torch.from_numpy(one), atol=2e-2)
