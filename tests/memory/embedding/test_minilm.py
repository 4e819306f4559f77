"""The ONNX encoder against the reference implementation, and what it promises beside the numbers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agentcore.memory.embedding import (
    MiniLMEmbedder,
    ModelDamagedError,
    ModelMissingError,
    build_onnx,
    default_embedder,
    model_directory,
)

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
Writer = Callable[[Path], Path]
WORDS = ["moon", "cat", "dogs", "who", "sun"]
TEXTS = ["the dog ran in may", "who is the cat?", "moon", "a red river bank. " * 20, "", "the dogs running"]


@pytest.fixture(scope="module")
def weights(write_checkpoint: Writer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def built(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_onnx(weights, tmp_path_factory.mktemp("built"))


def reference(folder: Path, texts: list[str], max_tokens: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Pooled and token vectors by the transformers library, one text at a time."""
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    model = transformers.BertModel.from_pretrained(folder, dtype=torch.float32).eval()
    pooled, tokens = [], []
    with torch.no_grad():
        for text in texts:
            hidden = model(torch.tensor([tokenizer.encode(text).ids])).last_hidden_state[0].numpy()
            mean = hidden.mean(axis=0)
            pooled.append(mean / np.linalg.norm(mean))
            tokens.append((hidden / np.linalg.norm(hidden, axis=1, keepdims=True))[1:-1])
    return np.stack(pooled), tokens


def test_graph_equals_reference(weights: Path, built: Path) -> None:
    """The graph assembled by hand computes what the reference BertModel computes, pooled and per token."""
    ours = MiniLMEmbedder(built, precision="fp32", max_tokens=48).encode(TEXTS)
    pooled, tokens = reference(weights, TEXTS, 48)
    assert np.abs(ours.pooled - pooled).max() < 1e-5
    assert ours.tokens is not None
    for mine, theirs in zip(ours.tokens, tokens, strict=True):
        assert mine.vectors.shape == theirs.shape
        assert np.abs(mine.vectors - theirs).max(initial=0) < 1e-5


def test_one_pass_gives_pieces_without_specials(built: Path) -> None:
    """Token vectors come with the ids and strings of the word pieces, start and end tokens left out."""
    entry = MiniLMEmbedder(built).encode(["the dogs running"]).tokens
    assert entry is not None
    assert entry[0].pieces == ("the", "dog", "##s", "run", "##ning")
    assert entry[0].ids.tolist() == [4, 6, 25, 9, 26]
    assert np.allclose(np.linalg.norm(entry[0].vectors, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("precision", ["fp32", "int8"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_text_does_not_depend_on_its_company(built: Path, precision: str, threads: int) -> None:
    """A text has the same vectors alone and in any batch, in the order of the texts given."""
    embedder = MiniLMEmbedder(built, precision=precision, threads=threads, max_tokens=48)
    texts = [f"{TEXTS[i % 3]} {WORDS[i % 5]}" for i in range(40)]
    together = embedder.encode(texts)
    assert together.tokens is not None
    for row, text in enumerate(texts):
        alone = embedder.encode([text])
        assert alone.tokens is not None
        assert np.abs(alone.pooled[0] - together.pooled[row]).max() < 1e-5
        assert alone.tokens[0].pieces == together.tokens[row].pieces
        assert np.abs(alone.tokens[0].vectors - together.tokens[row].vectors).max() < 1e-5
    assert np.abs(embedder.embed(texts) - together.pooled).max() < 1e-6


def test_odd_input(built: Path) -> None:
    """Nothing, the empty text, a lone surrogate and a megabyte all give unit vectors of the right shape."""
    embedder = MiniLMEmbedder(built, max_tokens=48)
    assert embedder.embed([]).shape == (0, embedder.dimension)
    assert embedder.encode([]).tokens == ()
    vectors = embedder.embed(["", "\ud800 dog", "dog " * 250_000, "\x00"])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    with pytest.raises(TypeError, match="sequence"):
        embedder.embed("one text")


@pytest.mark.parametrize(
    "options", [{"precision": "int4"}, {"threads": 0}, {"max_tokens": 2}, {"max_tokens": 513}]
)
def test_unknown_options_are_refused(built: Path, options: dict[str, object]) -> None:
    """An option out of its range is a ValueError that shows the value."""
    with pytest.raises(ValueError, match=r"must be"):
        MiniLMEmbedder(built, **options)  # type: ignore[arg-type]


def test_missing_model_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without weights every way in says which command fetches them."""
    monkeypatch.setenv("AGENTCORE_CACHE", str(tmp_path / "empty"))
    assert model_directory() == tmp_path / "empty" / "models" / "minilm"
    for attempt in (default_embedder, MiniLMEmbedder, lambda: build_onnx(tmp_path, tmp_path / "out")):
        with pytest.raises(ModelMissingError, match="agentcore models pull minilm"):
            attempt()


def test_damaged_files_are_named(
    weights: Path, built: Path, write_checkpoint: Writer, tmp_path: Path
) -> None:
    """A truncated ONNX file, tokenizer or weight file is one clear error, and a failed build leaves nothing behind."""
    for name in ("model.onnx", "tokenizer.json"):
        folder = tmp_path / name
        folder.mkdir()
        for path in built.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
        (folder / name).write_bytes((built / name).read_bytes()[:-40])
        with pytest.raises(ModelDamagedError, match=name):
            MiniLMEmbedder(folder, precision="fp32")
    broken = write_checkpoint(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes((weights / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ModelDamagedError, match="broken"):
        build_onnx(broken, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_architecture_is_refused(write_checkpoint: Writer, tmp_path: Path) -> None:
    """Weights that are no BERT encoder are an error at build time, not a wrong graph."""
    folder = write_checkpoint(tmp_path / "weights")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(ModelDamagedError, match="BERT"):
        build_onnx(folder, tmp_path / "out")


def packaged(precision: str) -> MiniLMEmbedder:
    try:
        return MiniLMEmbedder(precision=precision)  # type: ignore[arg-type]
    except ModelMissingError as exc:
        pytest.skip(str(exc))


def test_packaged_model_knows_meaning() -> None:
    """The packaged model puts a paraphrase nearer than a text that merely shares words."""
    embedder = packaged("int8")
    question, paraphrase, other = embedder.embed(
        [
            "How do I fix a flat tire?",
            "Steps for repairing a punctured wheel.",
            "How do I bake a flat bread?",
        ]
    )
    assert (embedder.name, embedder.dimension) == ("all-MiniLM-L6-v2", 384)
    assert question @ paraphrase > question @ other


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "least"), [("fp32", 0.999), ("int8", 0.97)])
def test_thousand_texts_against_the_reference(precision: str, least: float) -> None:
    """On 1,000 real texts the packaged model's pooled vectors agree with the fp32 reference."""
    path = DATA / "wiki_passages_6119.json"
    checkpoint = next(
        (folder for folder in checkpoint_folders() if (folder / "model.safetensors").is_file()), None
    )
    if not path.is_file() or checkpoint is None:
        pytest.skip("needs ../shared/data and an unpacked checkpoint (AGENTCORE_MINILM_CHECKPOINT)")
    texts = [passage["text"][:600] for passage in json.loads(path.read_text())[:1000]]
    pooled, _ = reference(checkpoint, texts, 256)
    cosine = (packaged(precision).embed(texts) * pooled).sum(axis=1)
    assert cosine.min() >= least, f"least cosine {cosine.min():.5f}, mean {cosine.mean():.5f}"


def checkpoint_folders() -> list[Path]:
    named = os.environ.get("AGENTCORE_MINILM_CHECKPOINT")
    return [Path(named)] if named else []
