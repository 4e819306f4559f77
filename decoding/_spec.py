"""The numbers that describe a decoder: read once from a file's metadata."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentcore.decoding.errors import UnsupportedModelError

__all__ = ["ModelSpec"]

_ARCHITECTURES = ("llama", "qwen2")
_MOST = 2**24  # of anything that is counted; the longest context published is ten million


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """Shape and constants of a decoder-only transformer.

    Letters as in the glossary: `H` query heads, `H_kv` key/value heads, `D` head width, `C` model width, `V` vocabulary.
    """

    architecture: str
    name: str
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_width: int
    model_width: int
    hidden_width: int
    vocabulary_size: int
    context_length: int
    rope_base: float
    norm_epsilon: float

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any], *, vocabulary_size: int) -> ModelSpec:
        """Read the specification out of GGUF metadata.

        Raises
        ------
        UnsupportedModelError
            If the architecture is neither llama nor qwen2, or needs a feature that is not built
            (rope scaling, partial rotation, experts); if a number is missing or describes no model.
        """
        architecture = str(metadata.get("general.architecture", "?"))
        if architecture not in _ARCHITECTURES:
            raise UnsupportedModelError(
                f"architecture {architecture!r} is not supported: use a GGUF file of architecture {' or '.join(_ARCHITECTURES)}"
            )

        def value(key: str, default: Any = None) -> Any:
            found = metadata.get(f"{architecture}.{key}", default)
            if found is None:
                raise UnsupportedModelError(
                    f"the file lacks the metadata key {architecture}.{key}: it is damaged or incomplete"
                )
            return found

        def count(key: str, default: Any = None) -> int:
            found = value(key, default)
            if not isinstance(found, int) or not 1 <= found <= _MOST:
                raise _damaged(f"{architecture}.{key}", found)
            return found

        def number(key: str, default: Any = None) -> float:
            found = value(key, default)
            if not isinstance(found, int | float) or not 0 < found < math.inf:
                raise _damaged(f"{architecture}.{key}", found)
            return float(found)

        num_heads, model_width = count("attention.head_count"), count("embedding_length")
        num_kv_heads = count("attention.head_count_kv", num_heads)
        if num_heads % num_kv_heads:
            raise _damaged(f"{architecture}.attention.head_count_kv", num_kv_heads)
        head_width = count("attention.key_length", model_width // num_heads)
        if head_width % 2:
            raise _damaged(f"{architecture}.attention.key_length", head_width)
        if count("rope.dimension_count", head_width) != head_width:
            raise UnsupportedModelError(
                "partial rotary embeddings are not supported: use a plain llama or qwen2 file"
            )
        scaling = str(metadata.get(f"{architecture}.rope.scaling.type", "none"))
        if scaling != "none":
            raise UnsupportedModelError(f"rope scaling {scaling!r} is not supported: use a file without it")
        if int(metadata.get(f"{architecture}.expert_count", 0)) > 0:
            raise UnsupportedModelError("mixture-of-experts files are not supported: use a dense model")
        return cls(
            architecture=architecture,
            name=str(metadata.get("general.name", architecture)),
            num_layers=count("block_count"),
            num_heads=num_heads,
            num_kv_heads=num_kv_heads,
            head_width=head_width,
            model_width=model_width,
            hidden_width=count("feed_forward_length"),
            vocabulary_size=vocabulary_size,
            context_length=count("context_length"),
            rope_base=number("rope.freq_base", 10000.0),
            norm_epsilon=number("attention.layer_norm_rms_epsilon"),
        )

    def shape_of(self, name: str) -> tuple[int, ...]:
        """Return the logical shape, rows first, that a tensor of this name has in a sound file."""
        part, kind = name.split(".")[-2:]
        C, F, V = self.model_width, self.hidden_width, self.vocabulary_size
        queries, keys = self.num_heads * self.head_width, self.num_kv_heads * self.head_width
        shapes: dict[str, tuple[int, ...]] = {
            "token_embd": (V, C),
            "output": (V, C),
            "attn_q": (queries, C),
            "attn_k": (keys, C),
            "attn_v": (keys, C),
            "attn_output": (C, queries),
            "ffn_gate": (F, C),
            "ffn_up": (F, C),
            "ffn_down": (C, F),
            "rope_freqs": (self.head_width // 2,),
        }
        shape = shapes.get(part, (C,))  # what is left are norms
        return shape[:1] if kind == "bias" else shape


def _damaged(key: str, found: Any) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"the file's metadata key {key} is {found!r}, which describes no model: it is damaged, fetch it again"
    )
