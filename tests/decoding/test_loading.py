"""Files that cannot be run are refused in one clear line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
import torch
from gguf import GGUFEndian, GGUFReader, GGUFWriter

from agentcore.decoding import (
    DecodingError,
    LanguageModel,
    ModelFileError,
    UnsupportedModelError,
    attention_from_last,
    generate,
    load_gguf,
    score,
)
from agentcore.decoding._gguf import GgufFile
from agentcore.decoding._spec import ModelSpec
from agentcore.decoding.testing import TinyModel, write_tiny_gguf

IDS = [5, 40, 77, 120, 9, 200, 31]


def test_a_missing_file_names_the_cure(tmp_path: Path) -> None:
    """No file: the message names the path and the command that fetches models."""
    with pytest.raises(ModelFileError, match="agentcore models pull"):
        load_gguf(tmp_path / "none.gguf")


@pytest.mark.parametrize("keep", [0, 3, 100, 5000, -200])
def test_a_truncated_file_is_refused(keep: int, tmp_path: Path) -> None:
    """Wherever a file is cut, loading says that it cannot be read."""
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ModelFileError, match=r"fetch it again|truncated"):
        load_gguf(path, weights="fp32")


@pytest.mark.parametrize("order", [GGUFEndian.LITTLE, GGUFEndian.BIG])
def test_a_header_says_what_the_librarys_own_reader_says(order: GGUFEndian, tmp_path: Path) -> None:
    """Arrays are read in a quicker way and hold the same, whatever their items, also none and lists of lists."""
    path = tmp_path / "header.gguf"
    writer = GGUFWriter(str(path), "llama", endianess=order)
    arrays: list[list[Any]] = [
        ["a", "", "Zoë 😀", "\n"],
        [1, -2, 3],
        [0.5, -1e30],
        [True, False],
        [[1, 2], [3]],
        [["x"], ["y", "z"]],
    ]
    for number, array in enumerate(arrays):
        writer.add_array(f"test.{number}", array)
    writer.add_string("test.text", "ä")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    theirs = {name: field.contents() for name, field in GGUFReader(path).fields.items()}
    assert GgufFile(path).metadata == theirs
    assert theirs["test.0"] == arrays[0]


@pytest.mark.parametrize("key", ["tokenizer.ggml.tokens", "tokenizer.ggml.token_type"])
@pytest.mark.parametrize("count", [2**20, 2**62])
def test_an_array_longer_than_the_file_is_refused(key: str, count: int, tmp_path: Path) -> None:
    """A count of items that the file cannot hold is an error at once, not a wait or all of the memory."""
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path)
    content = path.read_bytes()
    begin = content.index(key.encode()) + len(key) + 8  # behind the types of the array and of its items
    path.write_bytes(content[:begin] + count.to_bytes(8, "little") + content[begin + 8 :])
    with pytest.raises(ModelFileError, match="fetch it again"):
        load_gguf(path)


def test_a_damaged_header_is_refused(tmp_path: Path) -> None:
    """A text in the header that is none names the file and the cure."""
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path)
    path.write_bytes(path.read_bytes().replace(b"<|im_start|>", b"<|\xff_start|>"))
    with pytest.raises(ModelFileError, match="damaged"):
        load_gguf(path)


@pytest.mark.filterwarnings(
    "ignore::RuntimeWarning"
)  # numpy tells of the numbers that stand at a wrong offset
@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_a_flipped_bit_in_a_header_is_refused_or_harmless(architecture: str, tmp_path: Path) -> None:
    """Whatever a single bit does to names, counts, merges or shapes, it ends as an error of ours or a model that runs."""
    sound, damaged = tmp_path / "tiny.gguf", tmp_path / "damaged.gguf"
    write_tiny_gguf(sound, TinyModel(architecture, encoding="Q4_0", num_layers=1))
    content, random = sound.read_bytes(), Random(0)
    end = content.rindex(b"blk.0.ffn_norm") + 60  # behind the last tensor's description
    for _ in range(250):
        flipped = bytearray(content)
        flipped[random.randrange(end)] ^= 1 << random.randrange(8)
        damaged.write_bytes(flipped)
        try:
            model = load_gguf(damaged, weights="fp32")
            list(generate(model, model.tokenizer.encode("the") or [1], max_new_tokens=2))
        except DecodingError as exc:
            assert "\n" not in str(exc)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (b"tokenizer.ggml.merges", "merges is no list of texts"),
        (b"tokenizer.ggml.tokens", "tokens is no list of texts"),
        (b"tokenizer.ggml.token_type", None),
        ("Ġ the".encode(), "out of vocabulary"),
    ],
)
def test_a_damaged_vocabulary_is_named(entry: bytes, message: str | None, tmp_path: Path) -> None:
    """A tokenizer whose parts are missing or do not fit together is refused in one line with its cure."""
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path)
    path.write_bytes(path.read_bytes().replace(entry, entry[:-1] + b"?", 1))
    if message is None:  # types are optional
        assert load_gguf(path).tokenizer.vocabulary_size
        return
    with pytest.raises(ModelFileError, match=rf"{message}.*fetch it again"):
        load_gguf(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"llama.attention.head_count": 0}, "head_count is 0"),
        ({"llama.attention.head_count_kv": 3}, "head_count_kv is 3"),
        ({"llama.context_length": "long"}, "context_length is 'long'"),
        ({"llama.rope.freq_base": float("nan")}, "freq_base is nan"),
    ],
)
def test_numbers_that_describe_no_model_are_named(change: dict, message: str, tmp_path: Path) -> None:
    """A header whose numbers cannot be meant is called damaged, with the key."""
    write_tiny_gguf(tmp_path / "tiny.gguf")
    metadata = {**GgufFile(tmp_path / "tiny.gguf").metadata, **change}
    with pytest.raises(UnsupportedModelError, match=message):
        ModelSpec.from_metadata(metadata, vocabulary_size=10)


def test_a_file_whose_tensors_are_not_those_of_its_header_is_refused(tmp_path: Path) -> None:
    """Another width, or more layers than are counted, would compute something else in silence."""
    path = tmp_path / "tiny.gguf"
    write_tiny_gguf(path)
    content = path.read_bytes()
    for key, was, now in (("feed_forward_length", 96, 64), ("block_count", 2, 1)):
        begin = content.index(key.encode()) + len(key) + 4  # behind the type
        assert content[begin : begin + 4] == was.to_bytes(4, "little")
        path.write_bytes(content[:begin] + now.to_bytes(4, "little") + content[begin + 4 :])
        with pytest.raises(ModelFileError, match="header"):
            load_gguf(path, weights="fp32")


def test_another_format_is_refused(tmp_path: Path) -> None:
    """Text named .gguf is not taken for a model."""
    path = tmp_path / "notes.gguf"
    path.write_text("hello " * 100)
    with pytest.raises(ModelFileError, match="no readable GGUF"):
        load_gguf(path)


def test_unknown_weights_are_a_callers_mistake(tmp_path: Path) -> None:
    """A layout that does not exist is a ValueError listing those that do."""
    with pytest.raises(ValueError, match="int4"):
        load_gguf(tmp_path / "none.gguf", weights="int3")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"max_bits": 5}, "max_bits must be 4 or 8"),
        ({"device": "gpu"}, "no device 'gpu' here"),
        ({"device": "meta:x"}, "no device 'meta:x' here"),
        ({"device": None}, "^there is no device None here .*: use 'cpu'$"),
        ({"threads": True}, "threads is True"),
        ({"cache_bytes": -1}, "cache_bytes is -1"),
        ({"cache_bytes": float("nan")}, "cache_bytes is nan"),
    ],
)
def test_an_option_that_there_is_not_is_named(option: dict, message: str, tmp_path: Path) -> None:
    """What a file is loaded for is checked before the file is read."""
    with pytest.raises(ValueError, match=message):
        load_gguf(tmp_path / "none.gguf", **option)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_missing_gpu_names_the_cure(tmp_path: Path) -> None:
    """Without CUDA, asking for it is one line and no assertion of torch."""
    with pytest.raises(ValueError, match=r"no device 'cuda' here .*use 'cpu'"):
        load_gguf(tmp_path / "none.gguf", device="cuda")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"general.architecture": "gemma3"}, "gemma3"),
        ({"llama.rope.scaling.type": "yarn"}, "yarn"),
        ({"llama.expert_count": 8}, "mixture-of-experts"),
        ({"llama.rope.dimension_count": 4}, "partial rotary"),
        ({"llama.block_count": None}, "block_count"),
    ],
)
def test_a_model_that_would_be_computed_wrongly_is_refused(
    change: dict, message: str, tmp_path: Path
) -> None:
    """Features that this engine lacks are errors, never silently ignored."""
    write_tiny_gguf(tmp_path / "tiny.gguf")
    metadata = {**GgufFile(tmp_path / "tiny.gguf").metadata, **change}
    with pytest.raises(UnsupportedModelError, match=message):
        ModelSpec.from_metadata(metadata, vocabulary_size=10)


def test_scores_add_up_token_by_token(tiny: Callable[..., LanguageModel]) -> None:
    """The score of a continuation is the sum of its tokens' log-probabilities, alone or among others."""
    model = tiny()
    continuations = [[3], [4, 5, 6], [7, 8], [9] * 90, [10, 11] * 40]
    together = score(model, IDS, continuations)
    for ids, total in zip(continuations, together, strict=True):
        rows = model.forward([*IDS, *ids], model.new_cache(), rows="all").log_softmax(-1)[len(IDS) - 1 : -1]
        expected = float(rows.gather(1, torch.tensor(ids)[:, None]).sum())
        assert total == pytest.approx(expected, abs=1e-3)
        assert score(model, IDS, [ids]) == pytest.approx([expected], abs=1e-3)


def test_attention_is_that_of_the_last_token(tiny: Callable[..., LanguageModel]) -> None:
    """Weights sum to one, and moving the values of unattended tokens would not matter: they mix the right values."""
    model = tiny(num_layers=1)
    heads = [(0, h) for h in range(4)]
    weights = attention_from_last(model, IDS, heads=heads)
    assert torch.allclose(weights.sum(-1), torch.ones(4), atol=1e-5)
    # Mixing the cached values by these weights must give what the model's own attention gives.
    cache, queries = model.new_cache(), []
    model.forward(IDS, cache, queries=queries)
    keys, values = cache._blocks[0].buffer[0, :, :, : len(IDS)]
    for head in range(4):
        own = torch.nn.functional.scaled_dot_product_attention(
            queries[0][head][None], keys[head // 2], values[head // 2]
        )[0]
        assert torch.allclose(weights[head] @ values[head // 2], own, atol=1e-5)


def test_attention_after_a_reused_beginning_is_the_same(tiny: Callable[..., LanguageModel]) -> None:
    """A prompt whose first chunk is remembered gives bit-equal weights."""
    model = tiny()
    ids = [(7 * i) % 250 + 3 for i in range(100)]
    model.blocks.clear()
    whole = attention_from_last(model, ids, heads=[(1, 2)])
    assert torch.equal(attention_from_last(model, ids, heads=[(1, 2)]), whole)


def test_a_head_that_does_not_exist_is_refused(tiny: Callable[..., LanguageModel]) -> None:
    """Asking for a head beyond the model's names its size."""
    with pytest.raises(ValueError, match="2 layers of 4 heads"):
        attention_from_last(tiny(), IDS, heads=[(0, 4)])


def test_the_digest_is_the_files(tmp_path: Path) -> None:
    """A model is identified by the sha256 of its file."""
    import hashlib

    write_tiny_gguf(tmp_path / "tiny.gguf")
    model = load_gguf(tmp_path / "tiny.gguf", weights="fp32")
    assert model.digest == hashlib.sha256((tmp_path / "tiny.gguf").read_bytes()).hexdigest()


@pytest.mark.parametrize("weights", ["int4", "int8"])
def test_without_the_dense_copy_scores_are_nearly_the_same(weights: str, tmp_path: Path) -> None:
    """A packed model that keeps no dense copy runs prompts through its packed kernels and says the same but for rounding."""
    write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(encoding="Q4_1", is_tied=False))
    both, lean = (
        load_gguf(tmp_path / "tiny.gguf", weights=weights, dense_copy=keep) for keep in (True, False)
    )
    if lean.layout != weights:
        pytest.skip(f"this machine's torch does not run {weights}")
    ids = [(7 * i) % 250 + 3 for i in range(60)]
    scores = [model.prefill(ids, model.new_cache()) for model in (both, lean)]
    assert (scores[0] - scores[1]).abs().max() < 0.06 * scores[0].abs().max()
    few = [model.forward(ids[:3], model.new_cache()) for model in (both, lean)]
    assert torch.equal(few[0], few[1])


def test_a_draft_model_can_be_rounded_to_four_bits(tmp_path: Path) -> None:
    """With max_bits=4 an eight-bit file reads fewer bytes a token, and still means nearly the same."""
    write_tiny_gguf(tmp_path / "tiny.gguf", TinyModel(encoding="Q8_0"))
    exact, rounded = (load_gguf(tmp_path / "tiny.gguf", weights="int4", max_bits=bits) for bits in (8, 4))
    if exact.layout != "int4":
        pytest.skip("this machine's torch does not run int4")
    assert rounded.num_bytes < exact.num_bytes * 0.7
    ids = [(7 * i) % 250 + 3 for i in range(20)]
    scores = [model.prefill(ids, model.new_cache()) for model in (exact, rounded)]
    assert not torch.equal(scores[0], scores[1])
    assert torch.cosine_similarity(scores[0], scores[1]).item() > 0.9
