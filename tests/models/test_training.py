"""The training of MobileFaceNet: its kernels against the shipped file, its views, its schedule."""

from __future__ import annotations

from dataclasses import replace
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

from models.build.train import data, distil, networks, whiten, widen  # noqa: E402

TRAIN = Path(networks.__file__).parent
CONFIG = distil.Config.read(read_toml(TRAIN / "config.toml"))


@pytest.fixture(scope="module")
def arrays() -> dict[str, NDArray[np.float32]]:
    """The shipped network with the blocks that training adds, and its own last layer."""
    with np.load(TRAIN / "student.npz") as archive:
        old = dict(archive)
    return widen.widened(old) | {name: old[name] for name in ("fc.weight", "fc.bias")}


@pytest.fixture(scope="module")
def student(arrays: dict[str, NDArray[np.float32]]) -> networks.Student:
    return networks.Student(arrays)


@pytest.fixture(scope="module")
def faces() -> NDArray[Any]:
    """Smooth pictures of nothing."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (16, 9, 9, 3)).astype(np.float32)
    return np.stack([cv2.resize(c, (128, 128)) for c in coarse]).astype(np.uint8)


def test_kernels_and_the_shipped_file_agree(student: networks.Student, faces: NDArray[Any]) -> None:
    """Blocks just added do nothing, so the network is still that of the file."""
    with torch.no_grad():
        leaves = networks.Leaves.of(student.fold())
        views = data.centre(faces), np.ascontiguousarray(data.centre(faces)[:, :, ::-1])
        ours = sum(networks.embed(data.normalise(view), leaves) for view in views)
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
    random = torch.randn(16, len(student.parameters["fc.bias"]), generator=torch.Generator())
    target = torch.nn.functional.normalize(random)

    def loss(folded: networks.Folded) -> Any:
        embedding = networks.embed(images, networks.Leaves.of(folded))
        return (torch.nn.functional.normalize(embedding) * target).sum()

    folded = {name: t.detach().requires_grad_() for name, t in student.fold().items()}
    leaves = networks.Leaves.of(folded)
    embedding = networks.embed(images, leaves)
    value = (torch.nn.functional.normalize(embedding) * target).sum()
    found = torch.autograd.grad(value, list(leaves.trained().values()))
    gradient = dict(zip(folded, leaves.folded(found, folded), strict=True))[array]
    step = reach * folded[array].norm() * gradient / gradient.norm()
    with torch.no_grad():
        up, down = (loss({**folded, array: folded[array] + sign * step}) for sign in (1, -1))
    slope = (up - down).item() / (2 * step.norm().item())
    assert slope == pytest.approx(gradient.norm().item(), rel=0.15)  # bfloat16


def test_frozen_blocks_get_no_gradient(
    arrays: dict[str, NDArray[np.float32]], faces: NDArray[Any]
) -> None:
    student = networks.Student(arrays, frozen=3)
    leaves = networks.Leaves.of(student.fold())
    images = data.normalise(data.centre(faces))
    names = list(leaves.trained())
    found = torch.autograd.grad(
        networks.embed(images, leaves).sum(), list(leaves.trained().values())
    )
    assert not any(name.startswith(("stem.", "blocks.0.", "blocks.2.")) for name in names)
    assert {"blocks.3.n.0.weight", "fc.weight"} <= set(names)
    assert all(torch.isfinite(gradient).all() for gradient in found)


def test_a_student_that_has_all_blocks_keeps_them(arrays: dict[str, NDArray[np.float32]]) -> None:
    again = widen.widened(arrays)
    assert again.keys() == arrays.keys()
    kept = [name for name in arrays if not name.startswith("fc.")]
    assert all(np.array_equal(again[name], arrays[name]) for name in kept)


def test_regression_finds_the_layer_that_made_the_targets(
    arrays: dict[str, NDArray[np.float32]], faces: NDArray[Any]
) -> None:
    made = dict(arrays)
    targets = np.random.default_rng(0).normal(size=(1, networks.EMBEDDING)).astype(np.float32)
    widen.regress(made, faces, np.repeat(targets, len(faces), axis=0))
    leaves = networks.Leaves.of(networks.Student(made).fold())
    with torch.no_grad():
        said = networks.embed(data.normalise(data.centre(faces)), leaves).numpy()
    assert said == pytest.approx(np.repeat(widen.LENGTH * targets, len(faces), axis=0), abs=1e-3)


def _around(faces: NDArray[Any]) -> data.Around:
    return data.Around(faces, faces)


def _views(faces: NDArray[Any], seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    chosen = np.arange(16)
    return data.views(
        faces, chosen, _around(faces), np.random.default_rng(seed), CONFIG.augmentation
    )


def test_views_are_the_same_for_one_seed(faces: NDArray[Any]) -> None:
    (first, somebody), (again, _), (other, _) = (_views(faces, seed) for seed in (1, 1, 2))
    assert first.shape == (16, networks.SIZE, networks.SIZE, 3)
    assert somebody.dtype == bool
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_nobody_is_upside_down(faces: NDArray[Any]) -> None:
    upright = replace(CONFIG.augmentation, nobody=0.0)
    turned = replace(CONFIG.augmentation, nobody=1.0)
    rng = np.random.default_rng
    assert data.views(faces, np.arange(16), _around(faces), rng(1), upright)[1].all()
    assert not data.views(faces, np.arange(16), _around(faces), rng(1), turned)[1].any()


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


def test_whitening_favours_directions_that_are_told_well() -> None:
    rng = np.random.default_rng(0)
    targets = rng.normal(size=(500, 4)).astype(np.float32)
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    noise = rng.normal(size=(500, 4)).astype(np.float32) * np.array(
        (0.01, 0.01, 0.01, 1.0), np.float32
    )
    said = targets + noise
    matrix = whiten.whitener(said / np.linalg.norm(said, axis=1, keepdims=True), targets)
    assert matrix == pytest.approx(matrix.T, abs=1e-4)
    assert matrix[3, 3] < 0.8 * matrix[:3, :3].diagonal().min()
