"""The numbers that describe a decoder: read once from a file's metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentcore.decoding.errors import UnsupportedModelError

__all__ = ["ModelSpec"]

_ARCHITECTURES = ("llama", "qwen2")


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
            (rope scaling, partial rotation, experts).
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

        num_heads = int(value("attention.head_count"))
        model_width = int(value("embedding_length"))
        head_width = int(value("attention.key_length", model_width // num_heads))
        if int(value("rope.dimension_count", head_width)) != head_width:
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
            num_layers=int(value("block_count")),
            num_heads=num_heads,
            num_kv_heads=int(value("attention.head_count_kv", num_heads)),
            head_width=head_width,
            model_width=model_width,
            hidden_width=int(value("feed_forward_length")),
            vocabulary_size=vocabulary_size,
            context_length=int(value("context_length")),
            rope_base=float(value("rope.freq_base", 10000.0)),
            norm_epsilon=float(value("attention.layer_norm_rms_epsilon")),
        )
