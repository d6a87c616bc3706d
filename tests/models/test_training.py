"""The training of MobileFaceNet: its network against the shipped file, lessons, schedule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typing_extensions import override

from edge.vision.models.entries import EmbedderEntry
from edge.vision.models.manifest import read_manifest, read_toml
from edge.vision.models.model import Model

torch = pytest.importorskip(
    "torch",
    reason="only where models are trained: pip install torch==2.13.0 onnx onnxruntime tomlkit",
)

from models.build.train import (  # noqa: E402
    compose,
    damage,
    distil,
    draws,
    masks,
    networks,
    pack,
    teachers,
    views,
    widen,
)

TRAIN = Path(networks.__file__).parent
RIM = masks.RIM
CONFIG = distil.Config(**read_toml(TRAIN / "config.toml"))


@pytest.fixture(scope="module")
def faces() -> NDArray[Any]:
    """Smooth pictures of nothing, ``(16, 128, 128, 3)``."""
    random = np.random.default_rng(0)
    coarse = random.uniform(0, 255, (16, 9, 9, 3)).astype(np.float32)
    return np.stack([cv2.resize(c, (128, 128)) for c in coarse]).astype(np.uint8)


def _tensor(pictures: NDArray[Any]) -> Any:
    return torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())


def _student(arrays: dict[str, NDArray[np.float32]]) -> Any:
    student = networks.Student()
    student.load(arrays)
    return student.eval()


def _kept() -> dict[str, NDArray[np.float32]]:
    with np.load(TRAIN / "student_256.npz") as archive:
        return dict(archive)


def test_network_and_shipped_file_agree(faces: NDArray[Any]) -> None:
    """To what int8 costs, of the length of a vector that is sure of a face: these show none."""
    templates = faces[:, RIM:-RIM, RIM:-RIM]
    with torch.no_grad():
        ours = _student(_kept())(_tensor(templates).float())[0].numpy()
    model = Model(read_manifest().entry(EmbedderEntry, "mobilefacenet-256-int8"))
    theirs = np.stack([model.run(face)["embedding"].ravel() for face in templates])
    assert np.linalg.norm(ours - theirs, axis=1).max() < 0.1 * CONFIG.length
    assert np.linalg.norm(ours, axis=1).min() > 0.1 * CONFIG.length


def test_blocks_just_added_do_nothing(faces: NDArray[Any]) -> None:
    few = _kept()
    last = len(networks.BLOCKS) - 1
    fewer = {n: a for n, a in few.items() if not n.startswith(f"blocks.{last}.")}
    torch.manual_seed(0)
    student = _student(fewer)
    before = _tensor(faces[:2, RIM:-RIM, RIM:-RIM]).float()
    with torch.no_grad():
        said = student(before)[0]
        for conv in networks.BLOCKS[last].convs:
            student.layer(conv).weight.mul_(3.0)
        assert torch.equal(student(before)[0], said)


def test_an_older_students_blocks_are_the_first_of_their_stages() -> None:
    counts = [stage.blocks for stage in networks.STAGES]
    to = widen.places()
    assert len(to) == sum(widen.BEFORE)
    starts = np.cumsum([0, *counts[:-1]])
    assert set(starts) <= set(to)
    moved = widen.widened({f"blocks.{i}.n.0.0.weight": np.zeros(1, np.float32) for i in range(20)})
    assert set(moved) == {f"blocks.{i}.n.0.0.weight" for i in to}
    kept = _kept()
    assert widen.widened(kept).keys() == kept.keys()


def test_statistics_made_true_change_no_word(faces: NDArray[Any]) -> None:
    """What `renormalise` makes is the same function, and normalises what it was measured on."""
    student = _student(_kept())
    pictures = _tensor(faces[:, RIM:-RIM, RIM:-RIM]).float()
    with torch.no_grad():
        before = student(pictures)[0]
        widen.renormalise(student, [pictures])
        assert student.training
        seen: list[Any] = []
        norm = student.layer(networks.BLOCKS[9].convs[0]).norm
        norm.register_forward_hook(lambda _module, _given, made: seen.append(made))
        after = student.eval()(pictures)[0]
    assert torch.allclose(before, after, atol=1e-2 * float(before.abs().max()))
    mean, std = seen[0].mean((0, 2, 3)), seen[0].std((0, 2, 3))
    assert torch.allclose(mean, norm.bias, atol=1e-2)
    assert torch.allclose(std, norm.weight.abs(), rtol=0.05, atol=1e-2)


def _material(faces: NDArray[Any]) -> Any:
    whole = _tensor(faces)
    return compose.Material.of(whole, torch.ones(len(whole)), whole)


def test_lessons_are_the_same_for_one_seed(faces: NDArray[Any]) -> None:
    material = _material(faces)
    covers = views.Covers(material)

    def made(seed: int) -> Any:
        torch.manual_seed(seed)
        return views.views(compose.compose(material, 6), covers)

    first, again, other = made(1), made(1), made(2)
    assert first.images.shape == (12, 3, networks.SIZE, networks.SIZE)
    assert first.images.min() >= 0
    assert first.images.max() <= 255
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)
    assert first.somebody[:6].all()  # as the teachers saw them


def test_nobody_is_upside_down(faces: NDArray[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    material = _material(faces)
    monkeypatch.setattr(views, "OVERTURNED", 1.0)
    seen = views.views(compose.compose(material, 4), views.Covers(material))
    assert seen.somebody.tolist() == 4 * [True] + 4 * [False]


def test_jpeg_of_the_best_quality_is_nearly_the_picture(faces: NDArray[Any]) -> None:
    """Against OpenCV's own of the same quality, too."""
    smooth = cv2.GaussianBlur(faces[0], (0, 0), 3)[RIM:-RIM, RIM:-RIM]
    pictures = _tensor(smooth[None]).float()
    assert (damage.compressed(pictures, 99, 100) - pictures).abs().mean() < 1.5
    coded = cv2.imencode(".jpg", smooth[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    theirs = cv2.imdecode(coded, cv2.IMREAD_COLOR)[:, :, ::-1].astype(np.float32)
    ours = damage.compressed(pictures, 30, 30)[0].permute(1, 2, 0).numpy()
    assert np.abs(ours - theirs).mean() < 2.0


def test_a_placement_that_moves_nothing_shows_the_picture(faces: NDArray[Any]) -> None:
    pictures = _tensor(faces).float()
    still = draws.Placement(turn=0, smaller=1, larger=1)
    assert torch.allclose(still(pictures), pictures, atol=0.05)
    centre = draws.sample(pictures, still.grid(16, networks.SIZE, pictures.device))
    assert torch.allclose(centre, pictures[:, :, RIM:-RIM, RIM:-RIM], atol=0.05)


class _Taught(teachers.Teachers):
    """Teachers that read a few numbers off a picture, for a step to follow."""

    def __init__(self) -> None:
        """They need no script."""

    @override
    def ask(self, pictures: Any) -> tuple[dict[str, Any], Any]:
        mean = pictures.mean((2, 3))
        said = torch.cat([mean, 255 - mean], 1).repeat(1, 86)[:, :512]
        unit = torch.nn.functional.normalize(said)
        maps = pictures[None, :, :1, ::16, ::16].expand(2, -1, 512, -1, -1)
        return {"edgeface": unit, "w600k": unit}, maps


def _run(faces: NDArray[Any]) -> Any:
    few = replace(CONFIG, faces=2, statistics=1, others=8)
    templates = _tensor(faces[:4, RIM:-RIM, RIM:-RIM])
    axes = torch.eye(1024)[:, :: 1024 // networks.EMBEDDING]
    pairs = np.array([[0, 1, 1], [2, 3, 0]] * 10)
    names = np.array([f"p{i}/1.jpg" for i in range(4)])
    data = pack.Data(
        _tensor(faces),
        torch.ones(len(faces)),
        _tensor(faces),
        templates,
        templates,
        axes,
        pairs,
        names,
    )
    return distil.Distillation(few, data, _Taught(), _kept())


def test_a_step_changes_what_is_trained_and_what_is_exported(faces: NDArray[Any]) -> None:
    run = _run(faces)
    before = {name: a.copy() for name, a in run.average.arrays().items()}
    losses = run.step(1.0)
    assert torch.isfinite(losses).all()
    after = run.average.arrays()
    assert after.keys() == before.keys()
    moved = [n for n in after if ".running_" not in n and not np.array_equal(after[n], before[n])]
    assert {"fc.weight", "stem.0.0.weight", "blocks.9.n.1.1.bias"} <= set(moved)
    facts = run.evaluate()
    assert -1 <= facts["lfw_cosine"] <= 1


def test_the_rate_warms_up_and_has_annealed_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schedule = distil.Schedule(started=0.0, deadline=100.0, warm_up=100, steps=49)
    monkeypatch.setattr("time.monotonic", lambda: 50.0)
    assert schedule.factor() == pytest.approx(0.25)
    schedule.steps = 1000
    assert schedule.factor() == pytest.approx(0.5)
    monkeypatch.setattr("time.monotonic", lambda: 100.0)
    assert schedule.factor() == pytest.approx(0.0)
    assert schedule.over()
