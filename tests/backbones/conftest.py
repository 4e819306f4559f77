from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from agentcore.backbones import LocalChatModel
from agentcore.decoding.testing import TinyModel, write_tiny_gguf
from agentcore.models import path_of

CHATML_WITH_TOOLS = (
    "{% if tools %}TOOLS:{% for tool in tools %}{{ tool.function.name }};{% endfor %}{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function | tojson }}</tool_call>{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny tensors and shared cores: torch's threads would only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny-chat") / "tiny.gguf"
    write_tiny_gguf(path, TinyModel(context_length=8192))
    return path


@pytest.fixture
def tiny_chat(tiny_path: Path) -> Callable[..., LocalChatModel]:
    """Return a maker of chat models on a tiny random file: nonsense for text, real for everything else."""

    def build(**options: object) -> LocalChatModel:
        return LocalChatModel(model=f"gguf:{tiny_path}", **{"weights": "fp32", "max_tokens": 24, **options})

    return build


@pytest.fixture(scope="session")
def smollm2() -> LocalChatModel:
    if path_of("smollm2") is None:
        pytest.skip("the smollm2 weights are not on this machine: agentcore models pull smollm2")
    return LocalChatModel(max_tokens=64)
