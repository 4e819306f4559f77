"""The judge's benchmark: paired figures, and a real run on a tiny model."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from agentcore.decoding import load_gguf
from agentcore.decoding.speculation import _judge
from agentcore.decoding.testing import TinyModel, write_tiny_gguf
from agentcore.evaluation.decoding_judge import Answered, compare, run
from agentcore.evaluation.decoding_judge_tasks import problem, read_tasks, rouge_l
from agentcore.evaluation.trimming_live import Problem

_TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"


def test_an_arm_is_compared_problem_by_problem() -> None:
    """Time a token and score are differences within problems, each inside its own interval."""
    lossless = [Answered(1.0, 11, 5, 5, 2.0), Answered(1.0, 21, 10, 10, 4.0)]
    judged = [Answered(1.0, 11, 4, 6, 1.0), Answered(0.0, 21, 8, 12, 2.0)]
    figures = compare(lossless, judged)
    assert figures["score"] == 0.5
    assert figures["speedup"] == [2.0, 2.0, 2.0]
    change, low, high = figures["score_change"]
    assert (change, low, high) == (-0.5, -1.0, 0.0)
    assert figures["accepted_mean"] == 1.5


def test_a_generous_judge_keeps_what_lossless_verification_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On one prompt and one draft, a judge without a limit keeps more a forward than exact verification does."""
    monkeypatch.setattr(_judge, "_LEAST_SHARE", 0.0)  # two random models agree on nothing
    monkeypatch.setattr(_judge, "_PROSE", 0)  # and write no words
    monkeypatch.setattr(_judge, "_WORDING", re.compile(b".*", re.DOTALL))
    models = []
    for layers in (24, 1):  # a drafting model cheap enough to be asked
        path = tmp_path / f"{layers}.gguf"
        write_tiny_gguf(path, TinyModel(num_layers=layers), metadata={"tokenizer.chat_template": _TEMPLATE})
        models.append(load_gguf(path, weights="bf16"))
    target, draft = models
    figures = run(
        target, draft, [problem(Problem("How many?", "3", "easy"))], thresholds=[100.0], max_new_tokens=24
    )
    assert figures["tasks"] == 1
    assert set(figures["thresholds"]) == {"plain", "0", "100"}
    assert figures["draft_to_target_time"] > 0
    exact, lossy = (figures["answers"][arm][0] for arm in ("0", "100"))
    assert lossy["accepted"] > exact["accepted"]
    plain = figures["answers"]["plain"][0]
    assert (plain["accepted"], plain["forwards"]) == (0, plain["tokens"] - 1)
    assert plain["tokens"] == exact["tokens"]


def test_rouge_l_is_the_share_of_words_in_order() -> None:
    """The longest common subsequence over the mean length; order and case as the measure has them."""
    assert rouge_l("The cat sat on the mat.", "the cat sat on the mat") == 1.0
    assert rouge_l("police kill the gunman", "police killed the gunman") == pytest.approx(3 / 4)
    assert rouge_l("the gunman kill police", "police killed the gunman") == pytest.approx(2 / 4)
    assert rouge_l("", "word") == rouge_l("word", "") == rouge_l("no", "yes") == 0.0


def test_tasks_are_problems_or_summaries(tmp_path: Path) -> None:
    """Problems score by their number, sessions by their summary, in turns from all conversations; other files are refused."""
    problems = tmp_path / "problems.jsonl"
    problems.write_text('{"question": "How many?", "answer": "3"}\n')
    (only,) = read_tasks(problems, skip=0, limit=5)
    assert "How many?" in only.prompt
    assert (only.score("The answer is 3."), only.score("The answer is 4.")) == (1.0, 0.0)
    talks = [
        {
            "session_summary": {f"session_{i}_summary": f"{who} planted {i} trees" for i in range(1, count)},
            "conversation": {
                f"session_{i}": [{"speaker": who, "text": f"I planted {i} trees."}] for i in range(1, count)
            },
        }
        for who, count in (("Ann", 4), ("Bob", 2))
    ]
    locomo = tmp_path / "talks.json"
    locomo.write_text(json.dumps(talks))
    prompts = [task.prompt.splitlines()[-1] for task in read_tasks(locomo, skip=0, limit=9)]
    assert prompts == [
        f"{who}: I planted {i} trees." for who, i in (("Ann", 1), ("Bob", 1), ("Ann", 2), ("Ann", 3))
    ]
    (second,) = read_tasks(locomo, skip=1, limit=1)
    assert second.score("Bob planted 1 trees") == 1.0 > second.score("Ann planted 1 trees") > 0.5
    for content in ("{}", "[1]", "nonsense", '[{"qa": []}]'):
        locomo.write_text(content)
        with pytest.raises(ValueError, match="question and answer, or LoCoMo"):
            read_tasks(locomo, skip=0, limit=1)
