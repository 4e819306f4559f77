"""Linear layers multiplied in integers."""

from __future__ import annotations

import time

import pytest
import torch

from agentcore.decoding.quantization import _integer
from agentcore.decoding.quantization._integer import can_multiply_bytes, pack_integer, round_rows

pytestmark = pytest.mark.skipif(
    not can_multiply_bytes(), reason="this machine's torch does not multiply bytes"
)

N, K = 48, 160


def layer(seed: int = 0) -> tuple:
    """Return a layer's function and the weights that it multiplies by, float64."""
    weight = torch.randn(N, K, generator=torch.Generator().manual_seed(seed))
    codes, scale = round_rows(weight)
    return pack_integer(codes, scale)[0], codes.double() * scale.double()[:, None]


@pytest.mark.parametrize("magnitude", [1e-20, 1.0, 1e20])
def test_only_the_weights_are_rounded_to_eight_bits(magnitude: float) -> None:
    """Activations keep sixteen bits, one large value among small ones notwithstanding."""
    linear, weight = layer()
    x = torch.randn(5, K, generator=torch.Generator().manual_seed(1)) * magnitude
    x[:, 3] *= 50
    expected = x.double() @ weight.T
    assert (linear(x).double() - expected).norm() / expected.norm() < 2e-4


def test_weights_are_rounded_to_half_a_step_of_their_row() -> None:
    """A row's scale comes from its own largest weight, and no weight is off by more than half of it."""
    weight = torch.randn(N, K, generator=torch.Generator().manual_seed(2)) * torch.logspace(-3, 3, N)[:, None]
    codes, scale = round_rows(weight)
    assert ((codes * scale[:, None] - weight).abs() <= scale[:, None] * 0.5001).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_a_row_does_not_depend_on_its_company(dtype: torch.dtype) -> None:
    """Bit for bit, whatever the number of rows and however large the others are."""
    linear, _ = layer()
    x = torch.randn(33, K, generator=torch.Generator().manual_seed(3))
    x = (x * torch.logspace(-2, 2, 33)[:, None]).to(dtype)
    alone = torch.cat([linear(row[None]) for row in x])
    for rows in (2, 3, 7, 8, 16, 17, 32, 33):
        assert torch.equal(linear(x[:rows]), alone[:rows])


def test_a_row_of_zeros_stays_zero() -> None:
    """The smallest scale is not zero."""
    linear, _ = layer()
    assert not linear(torch.zeros(2, K)).any()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_does_not_become_one(value: float) -> None:
    """A damaged row is seen in its scores, and its neighbours are not."""
    linear, _ = layer()
    x = torch.ones(2, K)
    x[0, 5] = value
    y = linear(x)
    assert not torch.isfinite(y[0]).any()
    assert torch.isfinite(y[1]).all()


def test_a_product_that_saturates_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processors without such instructions may cut large sums; the probe's are the largest."""
    monkeypatch.setattr(
        _integer, "pack_integer", lambda codes, scale: (lambda x: x @ codes.T.float() * 0.5, ())
    )
    assert not can_multiply_bytes.__wrapped__()


def test_a_fallback_that_takes_ages_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Right is not enough: a reference kernel is tens of times slower than floats."""

    def slowly(codes: torch.Tensor, scale: torch.Tensor) -> tuple:
        def linear(x: torch.Tensor) -> torch.Tensor:
            time.sleep(0.02)
            return x.float() @ codes.T.float()

        return linear, ()

    monkeypatch.setattr(_integer, "pack_integer", slowly)
    assert not can_multiply_bytes.__wrapped__()
