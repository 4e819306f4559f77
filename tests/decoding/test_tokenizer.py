"""Tokenizers rebuilt from GGUF metadata."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentcore.decoding import Tokenizer, UnsupportedModelError
from agentcore.decoding._gguf import GgufFile
from agentcore.decoding.testing import TinyModel, write_tiny_gguf

SAMPLES = [
    "The quick brown fox jumps over the lazy dog, doesn't it?",
    "  leading,   inner and trailing blanks  ",
    "line\nbreaks\r\n\r\n\tand tabs",
    "def f(x):\n    return {'a': x ** 2, \"b\": [1, 2.50, -3e10]}",
    "Zürich, naïve café, Ελληνικά, русский, 日本語のテキスト, العربية",
    "emoji 😀 👩‍👩‍👧 and combining e\u0301",
    "I'LL we've YOU'RE they'd it's",
    "2024-02-29 12:34:56 +1,000,000.00 %",
    "x" * 200 + " " * 50 + "!" * 30,
    "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n",
]


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "tiny.gguf"
    write_tiny_gguf(path, TinyModel(architecture=request.param))
    return Tokenizer.from_metadata(GgufFile(path).metadata)


@pytest.mark.parametrize("text", SAMPLES)
def test_tokens_are_those_of_transformers(text: str, smollm2_path: Path, reference: object) -> None:
    """The shipped model's tokenizer splits varied text as transformers' own GGUF tokenizer does."""
    ours = Tokenizer.from_metadata(GgufFile(smollm2_path).metadata)
    assert ours.encode(text) == reference(text, add_special_tokens=False)["input_ids"]


@pytest.fixture(scope="module")
def reference(smollm2_path: Path) -> object:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(smollm2_path.parent, gguf_file=smollm2_path.name)


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=60))
def test_decoding_inverts_encoding(text: str) -> None:
    """Every text without control tokens comes back as it went in, token by token or at once."""
    tokenizer = _shared()
    ids = tokenizer.encode(text)
    assert tokenizer.decode(ids, skip_control=False) == text
    stream = tokenizer.stream()
    assert "".join([*(stream.push(i) for i in ids), stream.flush()]) == text


def _shared(made: list[Tokenizer] = []) -> Tokenizer:  # noqa: B006 - built once a process
    if not made:
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tiny.gguf"
            write_tiny_gguf(path)
            made.append(Tokenizer.from_metadata(GgufFile(path).metadata))
    return made[0]


def test_half_a_character_is_never_shown(tokenizer: Tokenizer) -> None:
    """Bytes of one character that arrive one by one show nothing until it is whole."""
    ids = tokenizer.encode("é😀")
    assert len(ids) == 6
    stream = tokenizer.stream()
    assert [stream.push(i) for i in ids] == ["", "é", "", "", "", "😀"]


def test_a_broken_character_becomes_a_replacement_mark(tokenizer: Tokenizer) -> None:
    """Text that ends inside a character says so instead of losing the bytes silently."""
    stream = tokenizer.stream()
    assert stream.push(tokenizer.encode("é")[0]) == ""
    assert stream.flush() == "\ufffd"


def test_half_a_surrogate_pair_is_refused(tokenizer: Tokenizer) -> None:
    """What is no text is a ValueError that says what to do."""
    for encode in (tokenizer.encode, tokenizer.encode_with_offsets):
        with pytest.raises(ValueError, match="surrogate"):
            encode("half \ud800")


def test_offsets_point_into_the_text(tokenizer: Tokenizer) -> None:
    """Each token's offsets cut its own text out of the prompt."""
    text = "the man in the moon"
    ids, offsets = tokenizer.encode_with_offsets(text)
    assert "".join(text[a:b] for a, b in offsets).replace(" ", "") == text.replace(" ", "")
    assert all(text[a:b].strip() in tokenizer.decode([i]) for i, (a, b) in zip(ids, offsets, strict=True))


def test_control_tokens_are_marks_and_not_text(tokenizer: Tokenizer) -> None:
    """A control token is one token on the way in and nothing on the way out."""
    ids = tokenizer.encode("<|im_start|>hi<|im_end|>")
    assert ids[0] == 1
    assert ids[-1] == 2
    assert tokenizer.decode(ids) == "hi"
    assert tokenizer.eos_ids == {0, 2}


@pytest.mark.parametrize(
    ("change", "message"),
    [({"tokenizer.ggml.pre": "mystery"}, "mystery"), ({"tokenizer.ggml.model": "llama"}, "byte-level BPE")],
)
def test_an_unknown_tokenizer_is_refused_by_name(
    change: dict[str, str], message: str, tmp_path: Path
) -> None:
    """A vocabulary that we would split wrongly is an error that names it."""
    write_tiny_gguf(tmp_path / "tiny.gguf")
    metadata = {**GgufFile(tmp_path / "tiny.gguf").metadata, **change}
    with pytest.raises(UnsupportedModelError, match=message):
        Tokenizer.from_metadata(metadata)


@pytest.mark.parametrize("token_id", [-1, 10**6])
def test_a_token_outside_the_vocabulary_has_no_text(token_id: int, tokenizer: Tokenizer) -> None:
    """Counting from the end, as lists do, would show another token's text."""
    with pytest.raises(ValueError, match="is not in the vocabulary"):
        tokenizer.decode([token_id])
