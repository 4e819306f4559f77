from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from agentcore.decoding import LanguageModel, load_gguf
from agentcore.decoding.testing import TinyModel, write_tiny_gguf
from agentcore.models import path_of


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny tensors and shared cores: torch's threads would only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LanguageModel]:
    """Return a maker of loaded tiny models: `tiny(weights="fp32", encoding="Q4_1", ...)`."""
    folder, made = tmp_path_factory.mktemp("tiny"), dict[tuple[object, ...], LanguageModel]()

    def build(weights: str = "fp32", **shape: object) -> LanguageModel:
        key = (weights, *sorted(shape.items()))
        if key not in made:
            path = folder / f"{len(made)}.gguf"
            write_tiny_gguf(path, TinyModel(**shape))
            made[key] = load_gguf(path, weights=weights)
        return made[key]

    return build


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    path = path_of("smollm2")
    if path is None:
        pytest.skip("the smollm2 weights are not on this machine: agentcore models pull smollm2")
    return path
