"""GGUF block encodings, unpacked without loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gguf import GGMLQuantizationType
from gguf.quants import dequantize, quantize

from agentcore.decoding.quantization import (
    GroupCodes,
    LinearWeights,
    _linear,
    can_run,
    group_codes,
    quantise_groups,
)

ROWS, COLUMNS = 24, 512


def random_blocks(encoding: str) -> np.ndarray:
    """Return encoded rows: by the library where it can encode, else random bytes with sane scales."""
    kind = GGMLQuantizationType[encoding]
    random = np.random.default_rng(3)
    try:
        return quantize(random.standard_normal((ROWS, COLUMNS)).astype(np.float32), kind)
    except NotImplementedError:
        size = {"Q4_K": 144, "Q5_K": 176}[encoding]
        blocks = random.integers(0, 256, (ROWS * COLUMNS // 256, size), dtype=np.uint8)
        blocks[:, :4] = random.uniform(0.01, 0.1, (len(blocks), 2)).astype(np.float16).view(np.uint8)
        return blocks.reshape(ROWS, -1)


@pytest.mark.parametrize("encoding", ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K"])
def test_unpacked_codes_give_the_librarys_values(encoding: str) -> None:
    """Codes, scales and minima reproduce what the GGUF library dequantises, for every encoding we unpack."""
    data = random_blocks(encoding)
    codes = group_codes(encoding, data, (ROWS, COLUMNS))
    assert codes is not None
    expected = dequantize(data, GGMLQuantizationType[encoding])
    np.testing.assert_allclose(codes.dequantise().numpy(), expected, rtol=1e-5, atol=1e-5)
    assert int(codes.codes.max()) < 2**codes.bits


def test_an_encoding_without_groups_of_32_is_left_alone() -> None:
    """Floats and coarser groupings are not forced into codes."""
    assert group_codes("F16", np.zeros((2, 128), np.uint8), (2, 64)) is None
    assert group_codes("Q6_K", np.zeros((2, 210), np.uint8), (2, 256)) is None


@pytest.mark.parametrize("bits", [4, 8])
def test_rounding_to_groups_is_as_fine_as_its_bits(bits: int) -> None:
    """Quantising dense weights errs by at most half a step of its group."""
    weight = torch.randn(16, 128, generator=torch.Generator().manual_seed(1))
    codes = quantise_groups(weight, bits)
    step = codes.scale.repeat_interleave(32, 1)
    assert ((codes.dequantise() - weight).abs() <= step / 2 + 1e-6).all()


@pytest.mark.parametrize(
    ("layout", "bits", "tolerance"),
    [("int4", 4, 0.01), ("int4", 8, 0.01), ("int8", 8, 0.02), ("bf16", 8, 0.01)],
)
def test_every_layout_computes_the_same_product(layout: str, bits: int, tolerance: float) -> None:
    """Packed kernels agree with the dequantised weights, for few rows and for many."""
    if not can_run(layout):
        pytest.skip(f"this machine's torch does not run {layout}")
    generator = torch.Generator().manual_seed(0)
    codes = quantise_groups(torch.randn(96, 128, generator=generator), bits)
    bias = torch.randn(96, generator=generator)
    linear = LinearWeights(codes, layout=layout, bias=bias)
    for rows in (1, 3, 40):
        x = torch.randn(rows, 128, generator=generator).to(linear.dtype)
        expected = x.float() @ codes.dequantise().T + bias
        error = (linear(x).float() - expected).norm() / expected.norm()
        assert error < tolerance


@pytest.mark.parametrize(
    "encodings", [("Q4_1", "Q8_0"), ("Q4_0", "Q5_1"), ("Q5_0", "Q8_0"), ("Q4_1", "Q4_0")]
)
def test_fused_layers_of_different_encodings_lose_next_to_nothing(encodings: tuple[str, str]) -> None:
    """Rows of several encodings in one packed layer are each as exact as eight bits a row allow."""
    parts = [group_codes(name, random_blocks(name), (ROWS, COLUMNS)) for name in encodings]
    fused = GroupCodes.concatenate(parts)
    x = torch.randn(2, COLUMNS, generator=torch.Generator().manual_seed(2)).to(torch.bfloat16)
    found = LinearWeights(fused, layout="int4").few()(x).float()
    for part, rows in zip(parts, found.split(ROWS, dim=1), strict=True):
        expected = x.float() @ part.dequantise().T
        assert (found_error := (rows - expected).norm() / expected.norm()) < 0.008, found_error


def test_the_probe_refuses_a_kernel_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torch without the private operator makes the layout unavailable instead of crashing later."""
    monkeypatch.setattr(_linear, "group_kernel", lambda: None)
    monkeypatch.delattr(torch, "_weight_int4pack_mm_for_cpu")
    assert not can_run.__wrapped__("int4")


def test_the_probe_refuses_a_kernel_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel whose result is off by more than rounding is not used."""
    kernel = torch._weight_int8pack_mm
    monkeypatch.setattr(_linear, "can_multiply_bytes", lambda: False)
    monkeypatch.setattr(torch, "_weight_int8pack_mm", lambda x, w, s: kernel(x, w, s) * 1.1)
    assert not can_run.__wrapped__("int8")


@pytest.mark.parametrize(("layout", "bits", "tolerance"), [("int4", 8, 0.01), ("int8", 8, 0.02)])
def test_a_machine_that_cannot_multiply_bytes_gets_the_same_product(
    monkeypatch: pytest.MonkeyPatch, layout: str, bits: int, tolerance: float
) -> None:
    """Long codes then go through float kernels, with fewer rows at a time."""
    monkeypatch.setattr(_linear, "can_multiply_bytes", lambda: False)
    codes = quantise_groups(torch.randn(96, 128, generator=torch.Generator().manual_seed(0)), bits)
    linear = LinearWeights(codes, layout=layout)
    x = torch.randn(3, 128, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    expected = x.float() @ codes.dequantise().T
    assert (linear.few()(x).float() - expected).norm() / expected.norm() < tolerance
    assert linear.rows_crossover < 32


def test_a_processor_without_the_instructions_gets_the_same_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of four bits then go through torch's kernel, with fewer rows at a time."""
    codes = quantise_groups(torch.randn(100, 128, generator=torch.Generator().manual_seed(0)), 4)
    x = torch.randn(3, 128, generator=torch.Generator().manual_seed(1)).to(torch.bfloat16)
    monkeypatch.setattr(_linear, "group_kernel", lambda: None)
    linear = LinearWeights(codes, layout="int4")
    expected = x.float() @ codes.dequantise().T
    assert (linear.few()(x).float() - expected).norm() / expected.norm() < 0.01
    assert linear.rows_crossover == 14
