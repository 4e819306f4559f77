"""Make the ONNX files of the packaged sentence encoder out of its safetensors, once."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Literal

import numpy as np

from agentcore.memory.embedding.errors import ModelDamagedError, ModelMissingError

__all__ = ["build_onnx"]

Precision = Literal["fp32", "int8"]

_WEIGHTS = "model.safetensors"
_COPIED = ("config.json", "tokenizer.json")
_FILES: dict[Precision, str] = {"fp32": "model.onnx", "int8": "model.int8.onnx"}


def build_onnx(weights_dir: str | Path, out_dir: str | Path, *, int8: bool = True) -> Path:
    """Build the files `MiniLMEmbedder` runs on.

    Parameters
    ----------
    weights_dir : path
        Holds `config.json`, `tokenizer.json` and `model.safetensors` of a BERT sentence encoder.
    out_dir : path
        Receives `config.json`, `tokenizer.json`, `model.onnx` and, with `int8`, `model.int8.onnx`
        (weights as 8-bit integers a column, activations quantised as they come). Each file appears whole or not at all.
    int8 : bool, default True
        Build the quantised variant too.

    Returns
    -------
    Path
        `out_dir`.

    Raises
    ------
    ModelMissingError
        A file is not in `weights_dir`.
    ModelDamagedError
        The files are no BERT encoder.
    """
    source, target = Path(weights_dir), Path(out_dir)
    for name in (*_COPIED, _WEIGHTS):
        if not (source / name).is_file():
            raise ModelMissingError(str(source), missing=name)
    model = _graph(source)
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=target) as scratch:
        work = Path(scratch)
        for name in _COPIED:
            shutil.copyfile(source / name, work / name)
        (work / _FILES["fp32"]).write_bytes(model)
        if int8:
            _quantise(work / _FILES["fp32"], work / _FILES["int8"])
        built = [*_COPIED, _FILES["fp32"], *([_FILES["int8"]] if int8 else [])]
        for name in built:
            (work / name).replace(target / name)
    return target


def _graph(source: Path) -> bytes:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    from agentcore.memory.embedding._bert_graph import BertShape, bert_graph

    try:
        config = json.loads((source / "config.json").read_text(encoding="utf-8"))
        shape = BertShape(
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            epsilon=float(config["layer_norm_eps"]),
        )
        weights = load_file(source / _WEIGHTS)
        tensors = {name: value.astype(np.float32, copy=False) for name, value in weights.items()}
        return bytes(bert_graph(tensors, shape).SerializeToString())
    except (KeyError, TypeError, ValueError, SafetensorError) as exc:
        raise ModelDamagedError(str(source), reason=f"not a BERT encoder: {exc!r}") from exc


def _quantise(source: Path, target: Path) -> None:
    """Quantise the linear layers' weights; embeddings and normalisations stay as they are."""
    import logging

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # the quantiser advises a shape inference pass that this graph does not need
    try:
        quantize_dynamic(
            source,
            target,
            op_types_to_quantize=["MatMul", "Attention"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    finally:
        root.setLevel(level)
