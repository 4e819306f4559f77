"""Training a head: the model's own texts, its states, and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from agentcore.decoding import LanguageModel, load_gguf
from agentcore.decoding.speculation import HeadWeights, RecurrentHead
from agentcore.decoding.testing import TinyModel, write_tiny_gguf
from agentcore.training import __main__ as training
from agentcore.training import _states, _texts
from agentcore.training._prompts import prompts
from agentcore.training._states import read_states
from agentcore.training._texts import Text, read_texts, write_texts

PASSAGES = [
    {"title": f"Lighthouse {i}", "text": f"Lighthouse {i} stands on a rock and is {i + 20} m high."}
    for i in range(40)
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    path = tmp_path_factory.mktemp("tiny") / "tiny.gguf"
    write_tiny_gguf(path, TinyModel(context_length=1024))
    torch.set_num_threads(1)
    return load_gguf(path, weights="bf16")


def test_equal_seeds_ask_the_same() -> None:
    """Conversations depend on the seed alone, and name the passage that they are about."""
    first, again, other = (prompts(PASSAGES, seed=seed) for seed in (1, 1, 2))
    ten = [next(first) for _ in range(10)]
    assert ten == [next(again) for _ in range(10)] != [next(other) for _ in range(10)]
    assert all("Lighthouse" in conversation[-1]["content"] for conversation in ten)


def test_texts_are_kept_and_gone_on_with(model: LanguageModel, tmp_path: Path) -> None:
    """A second call writes only what is missing, and a line cut short by a crash costs no more than itself."""
    path = tmp_path / "texts.jsonl"
    first = write_texts(model, PASSAGES, path, num_tokens=300)
    assert sum(text.num_new for text in first) >= 300
    assert write_texts(model, PASSAGES, path, num_tokens=300) == read_texts(path)
    assert len(read_texts(path)) == len(first)
    path.write_text(path.read_text() + '{"num_prompt":3,"ids":[1,2')
    assert len(read_texts(path)) == len(first)
    more = write_texts(model, PASSAGES, path, num_tokens=sum(text.num_new for text in first) + 50)
    assert len(read_texts(path)) == len(more) > len(first)


def test_states_are_those_of_the_models_own_tokens(model: LanguageModel) -> None:
    """Places begin at the prompt's last token, and leave room for the tokens that are guessed."""
    texts = [Text(4, tuple(range(5, 15))), Text(1, tuple(range(30, 36))), Text(3, (40, 41, 42, 2))]
    states = read_states(model, texts, depth=2)
    assert states.places.tolist() == [3, 4, 5, 6, 10, 11, 12]  # an answer of one token leaves no room
    assert states.ids.tolist() == [*range(5, 15), *range(30, 36), 40, 41, 42, 2]
    hidden: list[torch.Tensor] = []
    model.forward(texts[1].ids, model.new_cache(), hidden=hidden)
    torch.testing.assert_close(states.hidden[10:16], hidden[0])


def test_what_a_gpu_does_in_lockstep_is_what_the_engine_does(
    model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same prompts get the same answers when all are greedy, and the same states are read."""
    monkeypatch.setattr(_texts, "_TEMPERATURE", 0.0)
    monkeypatch.setattr(_texts, "_SEQUENCES", 7)
    monkeypatch.setattr(_states, "_SEQUENCES", 3)
    exact = load_gguf(model.path, weights="fp64")
    in_turns = write_texts(exact, PASSAGES, tmp_path / "a.jsonl", num_tokens=2000)
    monkeypatch.setattr(_texts, "_write_in_turns", _texts._write_in_lockstep)
    in_lockstep = write_texts(exact, PASSAGES, tmp_path / "b.jsonl", num_tokens=2000)
    assert sum(text.num_new for text in in_lockstep) >= 2000
    answers = {text.ids[: text.num_prompt]: text for text in in_turns}
    common = [text for text in in_lockstep if text.ids[: text.num_prompt] in answers]
    assert len(common) > 5
    assert all(answers[text.ids[: text.num_prompt]] == text for text in common)
    expected = read_states(exact, in_lockstep, depth=2)
    monkeypatch.setattr(_states, "_read_in_turns", _states._read_in_lockstep)
    found = read_states(exact, in_lockstep, depth=2)
    torch.testing.assert_close(found.hidden, expected.hidden)
    assert found.places.tolist() == expected.places.tolist()
    assert found.ids.tolist() == expected.ids.tolist()


def test_a_trained_head_agrees_with_its_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few seconds of training make a head that guesses a tiny model's next token better than any single token would."""
    path, data, out = tmp_path / "tiny.gguf", tmp_path / "passages.json", tmp_path / "head.safetensors"
    write_tiny_gguf(path, TinyModel(context_length=1024))
    data.write_text(json.dumps(PASSAGES))
    monkeypatch.chdir(tmp_path)
    wish = f"--data {data} --out {out} --model {path} --tokens 3000 --minutes 0.1 --threads 1"
    assert training.main(wish.split()) == 0
    printed = capsys.readouterr().out.splitlines()
    metrics = json.loads(printed[-1])["metrics"]
    assert metrics["agreement"][0] > 0.25
    assert metrics["agreement"] == sorted(metrics["agreement"], reverse=True)
    RecurrentHead(HeadWeights.load(out), load_gguf(path))


def test_a_file_of_no_passages_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no list of titles and texts ends in a usage error that says what is needed."""
    path, data = tmp_path / "tiny.gguf", tmp_path / "passages.json"
    write_tiny_gguf(path, TinyModel())
    for content in ("nonsense", "{}", "[1]", '[{"title": "x"}]', "[]"):
        data.write_text(content)
        with pytest.raises(SystemExit) as ended:
            training.main(["--data", str(data), "--out", str(tmp_path / "x"), "--model", str(path)])
        assert ended.value.code == 2
        assert "title and text" in capsys.readouterr().err
