"""The judge's benchmark: paired figures, and a real run on a tiny model."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentcore.decoding import load_gguf
from agentcore.decoding.speculation import _acceptance
from agentcore.decoding.testing import TinyModel, write_tiny_gguf
from agentcore.evaluation.decoding_judge import Answered, compare, run
from agentcore.evaluation.trimming_live import Problem

_TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"


def test_an_arm_is_compared_problem_by_problem() -> None:
    """Time a token and score are differences within problems, each inside its own interval."""
    lossless = [Answered(True, 11, 5, 5, 2.0), Answered(True, 21, 10, 10, 4.0)]
    judged = [Answered(True, 11, 4, 6, 1.0), Answered(False, 21, 8, 12, 2.0)]
    figures = compare(lossless, judged)
    assert figures["accuracy"] == 0.5
    assert figures["speedup"] == [2.0, 2.0, 2.0]
    change, low, high = figures["score_change"]
    assert (change, low, high) == (-0.5, -1.0, 0.0)
    assert figures["accepted_mean"] == 1.5


def test_a_generous_judge_keeps_what_lossless_verification_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one prompt and one draft, a judge without a limit keeps more a forward than exact verification does."""
    monkeypatch.setattr(_acceptance, "_LEAST_SHARE", 0.0)  # two random models agree on nothing
    models = []
    for layers in (24, 1):  # a drafting model cheap enough to be asked
        path = tmp_path / f"{layers}.gguf"
        write_tiny_gguf(path, TinyModel(num_layers=layers), metadata={"tokenizer.chat_template": _TEMPLATE})
        models.append(load_gguf(path, weights="bf16"))
    target, draft = models
    figures = run(target, draft, [Problem("How many?", "3", "easy")], thresholds=[100.0], max_new_tokens=24)
    assert figures["problems"] == 1
    assert set(figures["thresholds"]) == {"0", "100"}
    assert figures["draft_to_target_time"] > 0
    exact, lossy = (figures["answers"][arm][0] for arm in ("0", "100"))
    assert lossy["accepted"] > exact["accepted"]
