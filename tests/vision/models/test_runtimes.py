"""The choice of a runtime: none is taken that a model of ours kills."""

from __future__ import annotations

import platform

import pytest

from edge.errors import ModelError
from edge.vision.models.runtimes import available, candidates, choose


@pytest.fixture
def on_arm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")


@pytest.mark.usefixtures("on_arm")
def test_a_runtime_that_a_model_kills_is_never_chosen() -> None:
    for runtimes in (available(), candidates()):
        assert "tflite-runtime" not in [runtime.name for runtime in runtimes]
    with pytest.raises(ModelError, match="tflite-runtime dies in an int8 embedder on aarch64"):
        choose("tflite-runtime")
