"""A BERT encoder written down as an ONNX graph, straight from its weights.

No tracing and therefore no torch: the graph is assembled from the `onnx` helpers. Attention, skip-and-normalise
and bias-and-GELU use onnxruntime's fused operators (domain `com.microsoft`), which are what its own optimiser would
make of the textbook graph. Both results come out of one pass: every token's vector and their mean.

Shapes: B texts, T positions, C model width, V vocabulary, P positions the model was trained on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from agentcore.memory.embedding._protocol import Float32

__all__ = ["BertShape", "bert_graph"]

_FUSED = "com.microsoft"
_OPSET = 17
_SMALLEST_NORM = 1e-12


@dataclass(frozen=True, slots=True)
class BertShape:
    """What the weights alone do not tell.

    Attributes
    ----------
    layers, heads : int
        Depth, and attention heads a layer.
    epsilon : float
        Of the layer normalisations.
    """

    layers: int
    heads: int
    epsilon: float


def bert_graph(weights: Mapping[str, Float32], shape: BertShape) -> onnx.ModelProto:
    """Assemble the encoder.

    Parameters
    ----------
    weights : mapping
        Tensors under the names of the `BertModel` checkpoint, linear layers as (out, in).
    shape : BertShape
        Depth, heads and epsilon.

    Returns
    -------
    onnx.ModelProto
        Inputs `input_ids`, `attention_mask`, (B, T) int64. Outputs `tokens` (B, T, C) and `pooled` (B, C), float32,
        L2-normalised; `pooled` is the mean over the positions whose mask is 1.

    Raises
    ------
    KeyError
        A tensor is not among the weights.
    """
    return _Builder(weights, shape).build()


class _Builder:
    """Collects nodes and initialisers; one method a block."""

    def __init__(self, weights: Mapping[str, Float32], shape: BertShape) -> None:
        self._weights = weights
        self._shape = shape
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.ModelProto:
        hidden = self._embeddings()
        self._node("Cast", ["attention_mask"], "mask_int32", to=TensorProto.INT32)
        for layer in range(self._shape.layers):
            hidden = self._layer(hidden, layer)
        self._outputs(hidden)
        width = self._weights["embeddings.word_embeddings.weight"].shape[1]
        graph = helper.make_graph(
            self._nodes,
            "bert",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, ["B", "T"])
                for name in ("input_ids", "attention_mask")
            ],
            [
                helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["B", "T", width]),
                helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["B", width]),
            ],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="agentcore")

    def _embeddings(self) -> str:
        """Sum of word, position and (first) segment vectors, normalised; the segment is folded into the positions."""
        self._constant("words", self._weights["embeddings.word_embeddings.weight"])
        segment = self._weights["embeddings.token_type_embeddings.weight"][0]
        positions = self._weights["embeddings.position_embeddings.weight"] + segment
        self._constant("positions", positions.astype(np.float32))
        self._node("Gather", ["words", "input_ids"], "word_vectors", axis=0)
        self._node("Shape", ["input_ids"], "length", start=1, end=2)
        self._constant("zero", np.array([0], dtype=np.int64))
        self._node("Slice", ["positions", "zero", "length", "zero"], "position_vectors")
        self._node("Add", ["word_vectors", "position_vectors"], "embedded")
        return self._normalise("embedded", "embeddings.LayerNorm")

    def _layer(self, hidden: str, layer: int) -> str:
        prefix = f"encoder.layer.{layer}."
        roles = ("query", "key", "value")
        kernels = [self._weights[f"{prefix}attention.self.{role}.weight"].T for role in roles]
        biases = [self._weights[f"{prefix}attention.self.{role}.bias"] for role in roles]
        self._constant(f"{prefix}qkv", np.concatenate(kernels, axis=1))
        self._constant(f"{prefix}qkv_bias", np.concatenate(biases))
        mixed = self._node(
            "Attention",
            [hidden, f"{prefix}qkv", f"{prefix}qkv_bias", "mask_int32"],
            f"{prefix}mixed",
            domain=_FUSED,
            num_heads=self._shape.heads,
        )
        attended = self._linear(mixed, f"{prefix}attention.output.dense")
        hidden = self._skip_normalise(attended, hidden, f"{prefix}attention.output")
        inner = self._linear(hidden, f"{prefix}intermediate.dense")
        bias = self._constant(f"{prefix}intermediate.bias", self._weights[f"{prefix}intermediate.dense.bias"])
        active = self._node("BiasGelu", [inner, bias], f"{prefix}active", domain=_FUSED)
        outer = self._linear(active, f"{prefix}output.dense")
        return self._skip_normalise(outer, hidden, f"{prefix}output")

    def _outputs(self, hidden: str) -> None:
        """Normalised token vectors; masked mean, normalised."""
        self._constant("last_axis", np.array([-1], dtype=np.int64))
        self._constant("time_axis", np.array([1], dtype=np.int64))
        self._unit(hidden, "tokens")
        self._node("Cast", ["attention_mask"], "mask_float", to=TensorProto.FLOAT)
        self._node("Unsqueeze", ["mask_float", "last_axis"], "mask_column")
        self._node("Mul", [hidden, "mask_column"], "kept")
        # The mean's divisor cancels in the normalisation that follows, so the sum is enough.
        self._node("ReduceSum", ["kept", "time_axis"], "summed", keepdims=0)
        self._unit("summed", "pooled")

    def _unit(self, name: str, output: str) -> None:
        self._node("ReduceL2", [name], f"{output}_norm", axes=[-1], keepdims=1)
        self._constant("smallest_norm", np.array(_SMALLEST_NORM, dtype=np.float32))
        self._node("Max", [f"{output}_norm", "smallest_norm"], f"{output}_norm_safe")
        self._node("Div", [name, f"{output}_norm_safe"], output)

    def _linear(self, name: str, layer: str) -> str:
        kernel = self._constant(f"{layer}.kernel", self._weights[f"{layer}.weight"].T)
        return self._node("MatMul", [name, kernel], f"{layer}.product")

    def _skip_normalise(self, name: str, skip: str, block: str) -> str:
        inputs = [
            name,
            skip,
            self._constant(f"{block}.scale", self._weights[f"{block}.LayerNorm.weight"]),
            self._constant(f"{block}.shift", self._weights[f"{block}.LayerNorm.bias"]),
            self._constant(f"{block}.bias", self._weights[f"{block}.dense.bias"]),
        ]
        return self._node(
            "SkipLayerNormalization",
            inputs,
            f"{block}.normalised",
            domain=_FUSED,
            epsilon=self._shape.epsilon,
        )

    def _normalise(self, name: str, layer: str) -> str:
        scale = self._constant(f"{layer}.scale", self._weights[f"{layer}.weight"])
        shift = self._constant(f"{layer}.shift", self._weights[f"{layer}.bias"])
        return self._node(
            "LayerNormalization",
            [name, scale, shift],
            f"{layer}.normalised",
            axis=-1,
            epsilon=self._shape.epsilon,
        )

    def _constant(self, name: str, value: Any) -> str:
        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def _node(
        self, operator: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any
    ) -> str:
        node = helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes)
        self._nodes.append(node)
        return output
