"""A two-layer BERT with random weights and a small vocabulary: the real code path without the real model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

WORDS = [
    "the",
    "a",
    "dog",
    "cat",
    "ran",
    "run",
    "sat",
    "on",
    "mat",
    "in",
    "may",
    "blue",
    "red",
    "moon",
    "sun",
    "river",
    "bank",
    "when",
    "did",
    "who",
    "is",
]
LAYERS, HEADS, WIDTH, INNER, POSITIONS = 2, 4, 32, 64, 64


@pytest.fixture(scope="session")
def write_checkpoint() -> Callable[[Path], Path]:
    return write_tiny_bert


def write_tiny_bert(folder: Path, *, seed: int = 0) -> Path:
    """Write `config.json`, `tokenizer.json` and `model.safetensors` of a random encoder."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, "##s", "##ning", "?", ".", ":"]
    _write_tokenizer(folder / "tokenizer.json", vocabulary)
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "type_vocab_size": 2,
        "vocab_size": len(vocabulary),
        "layer_norm_eps": 1e-12,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    save_file(_weights(len(vocabulary), seed), folder / "model.safetensors")
    return folder


def _write_tokenizer(path: Path, vocabulary: list[str]) -> None:
    ids = {word: number for number, word in enumerate(vocabulary)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(path))


def _weights(vocabulary: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def random(*shape: int) -> np.ndarray:
        return rng.normal(0, 0.3, shape).astype(np.float32)

    def norm(prefix: str) -> dict[str, np.ndarray]:
        return {f"{prefix}.weight": 1 + random(WIDTH), f"{prefix}.bias": random(WIDTH)}

    tensors = {
        "embeddings.word_embeddings.weight": random(vocabulary, WIDTH),
        "embeddings.position_embeddings.weight": random(POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": random(2, WIDTH),
        "pooler.dense.weight": random(WIDTH, WIDTH),
        "pooler.dense.bias": random(WIDTH),
        **norm("embeddings.LayerNorm"),
    }
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        shapes = {
            **{f"attention.self.{role}": (WIDTH, WIDTH) for role in ("query", "key", "value")},
            "attention.output.dense": (WIDTH, WIDTH),
            "intermediate.dense": (INNER, WIDTH),
            "output.dense": (WIDTH, INNER),
        }
        for name, (rows, columns) in shapes.items():
            tensors[f"{prefix}{name}.weight"] = random(rows, columns)
            tensors[f"{prefix}{name}.bias"] = random(rows)
        tensors |= norm(f"{prefix}attention.output.LayerNorm") | norm(f"{prefix}output.LayerNorm")
    return tensors
