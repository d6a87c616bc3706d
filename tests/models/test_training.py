"""The training of MobileFaceNet: its kernels against the shipped file, its views, its schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.models.entries import EmbedderEntry
from edge.vision.models.manifest import read_manifest, read_toml
from edge.vision.models.model import Model

torch = pytest.importorskip(
    "torch", reason="PyTorch is only where models are trained: pip install torch==2.13.0"
)
if "avx512_bf16" not in Path("/proc/cpuinfo").read_text(encoding="ascii"):
    pytest.skip("needs a processor with avx512_bf16", allow_module_level=True)

from models.build.train import data, distil, networks  # noqa: E402

TRAIN = Path(networks.__file__).parent
CONFIG = distil.Config.read(read_toml(TRAIN / "config.toml"))


@pytest.fixture(scope="module")
def student() -> networks.Student:
    with np.load(TRAIN / "student.npz") as archive:
        return networks.Student(dict(archive))


@pytest.fixture(scope="module")
def faces() -> NDArray[Any]:
    """Smooth pictures of nothing."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (16, 9, 9, 3)).astype(np.float32)
    return np.stack([cv2.resize(c, (128, 128)) for c in coarse]).astype(np.uint8)


def test_kernels_and_the_shipped_file_agree(student: networks.Student, faces: NDArray[Any]) -> None:
    """Only as far as the weights kept here are those of the file: both are of one training."""
    with torch.no_grad():
        leaves = networks.Leaves.of(student.fold())
        views = data.centre(faces), np.ascontiguousarray(data.centre(faces)[:, :, ::-1])
        ours = sum(networks.embed(data.normalise(view), leaves)[1] for view in views)
    model = Model(read_manifest().entry(EmbedderEntry, "mobilefacenet-float16"))
    theirs = np.stack([model.run(face)["embedding"].ravel() for face in data.centre(faces)])
    norms = np.linalg.norm(ours.numpy(), axis=1) * np.linalg.norm(theirs, axis=1)
    assert np.min((ours.numpy() * theirs).sum(1) / norms) >= 0.99


@pytest.mark.parametrize("array", ["fc.bias", "blocks.0.n.1.weight", "blocks.9.n.0.weight"])
def test_gradients_are_those_of_finite_differences(
    student: networks.Student, faces: NDArray[Any], array: str
) -> None:
    reach = 0.001  # of the array: small enough for a slope, large enough for bfloat16
    images = data.normalise(data.centre(faces))
    target = torch.nn.functional.normalize(torch.randn(16, 128, generator=torch.Generator()))

    def loss(folded: networks.Folded) -> Any:
        _, embedding = networks.embed(images, networks.Leaves.of(folded))
        return (torch.nn.functional.normalize(embedding) * target).sum()

    folded = {name: t.detach() for name, t in student.fold().items()}
    leaves = networks.Leaves.of(folded)
    _, embedding = networks.embed(images, leaves)
    value = (torch.nn.functional.normalize(embedding) * target).sum()
    found = torch.autograd.grad(value, list(leaves.arrays.values()))
    gradient = dict(zip(folded, leaves.folded(found, folded), strict=True))[array]
    step = reach * folded[array].norm() * gradient / gradient.norm()
    with torch.no_grad():
        up, down = (loss({**folded, array: folded[array] + sign * step}) for sign in (1, -1))
    slope = (up - down).item() / (2 * step.norm().item())
    assert slope == pytest.approx(gradient.norm().item(), rel=0.15)  # bfloat16


def _views(faces: NDArray[Any], seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    return data.views(faces, faces, 16, np.random.default_rng(seed), CONFIG.augmentation)


def test_views_are_the_same_for_one_seed(faces: NDArray[Any]) -> None:
    for first, again, other in zip(
        _views(faces, 1), _views(faces, 1), _views(faces, 2), strict=True
    ):
        assert first.shape == (16, data.VIEW, data.VIEW, 3)
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)


def test_only_the_veiled_look_different_to_the_teacher(faces: NDArray[Any]) -> None:
    bare, shown = _views(faces, 1)
    differ = [not np.array_equal(one, other) for one, other in zip(bare, shown, strict=True)]
    veiled = CONFIG.augmentation.veiled
    assert differ == [False] * (16 - veiled) + [True] * veiled


def test_the_rate_warms_up_and_has_annealed_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = distil.Clock(started=0.0, deadline=100.0, first_started=0.0, steps=49)
    monkeypatch.setattr("time.time", lambda: 50.0)
    assert clock.factor(warm_up=100) == pytest.approx(0.25)
    clock.steps = 1000
    assert clock.factor(warm_up=100) == pytest.approx(0.5)
    monkeypatch.setattr("time.time", lambda: 100.0)
    assert clock.factor(warm_up=100) == pytest.approx(0.0)
