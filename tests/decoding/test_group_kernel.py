"""The product of a few rows with weights of four bits."""

from __future__ import annotations

import pytest
import torch
from llvmlite import binding

from agentcore.decoding.quantization import GroupCodes, LinearWeights, quantise_groups
from agentcore.decoding.quantization._group_kernel import GroupKernel, group_kernel
from agentcore.decoding.quantization._groups import can_pack_groups, pack_groups

pytestmark = pytest.mark.skipif(group_kernel() is None, reason="this processor lacks the instructions")

N, K = 80, 160
NEEDS = {"avx512vnni": "avx512vnni", "avxvnni": "avxvnni", "avx2": "avx2"}


@pytest.fixture(params=list(NEEDS), scope="module")
def kernel(request: pytest.FixtureRequest) -> GroupKernel:
    """Compile a kernel for each set of instructions that this processor has."""
    if not binding.get_host_cpu_features().get(NEEDS[request.param]):
        pytest.skip(f"this processor has no {request.param}")
    return GroupKernel(request.param)


def weights(rows: int = N, columns: int = K, seed: int = 0) -> GroupCodes:
    """Return weights whose scales and minima float16 holds exactly."""
    codes = quantise_groups(torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed)), 4)
    return GroupCodes(codes.codes, codes.scale.half().float(), codes.minimum.half().float(), 4)


def activations(rows: int, columns: int = K, seed: int = 1) -> torch.Tensor:
    """Return rows of very different size."""
    x = torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    return (x * torch.logspace(-2, 2, rows)[:, None]).to(torch.bfloat16)


@pytest.mark.parametrize("magnitude", [1e-20, 1.0, 1e20])
@pytest.mark.parametrize("rows", [1, 3, 15, 21])
def test_only_the_result_is_rounded(kernel: GroupKernel, rows: int, magnitude: float) -> None:
    """What comes out is the exact product to within a bfloat16, one large activation among small ones notwithstanding."""
    source = weights()
    x = activations(rows) * magnitude
    x[:, 3] *= 50
    expected = x.double() @ source.dequantise(torch.float64).T
    found = pack_groups(source, kernel)[0](x).double()
    error = (found - expected).abs() - expected.abs() * 2**-8
    assert (error <= 2e-4 * expected.norm(dim=-1, keepdim=True)).all()


def test_a_row_does_not_depend_on_its_company(kernel: GroupKernel) -> None:
    """Bit for bit, whatever the number of rows and however large the others are."""
    linear, _ = pack_groups(weights(), kernel)
    x = activations(33)
    alone = torch.cat([linear(row[None]) for row in x])
    for rows in (0, 2, 3, 7, 8, 13, 16, 33):
        assert torch.equal(linear(x[:rows]), alone[:rows])


def test_instruction_sets_agree_bit_for_bit() -> None:
    """Sums of integers are the same whatever adds them."""
    linears = [
        pack_groups(weights(), GroupKernel(name))[0]
        for name in NEEDS
        if binding.get_host_cpu_features().get(NEEDS[name])
    ]
    results = [linear(activations(5)) for linear in linears]
    assert all(torch.equal(result, results[0]) for result in results)


def test_threads_share_the_work_without_changing_it(kernel: GroupKernel) -> None:
    """Several threads give the same bits as one."""
    linear, _ = pack_groups(weights(rows=1000), kernel)
    x, before = activations(5), torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = linear(x)
        for threads in (2, 3, 8):
            torch.set_num_threads(threads)
            assert all(torch.equal(linear(x), alone) for _ in range(20))
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("rows", [1, 15, 17, 100])
def test_any_number_of_outputs_is_taken(kernel: GroupKernel, rows: int) -> None:
    """Outputs are computed by sixteen; the surplus does not show."""
    source, x = weights(rows=rows), activations(2)
    found = pack_groups(source, kernel)[0](x)
    assert found.shape == (2, rows)
    expected = x.double() @ source.dequantise(torch.float64).T
    assert torch.allclose(found.double(), expected, rtol=2**-7, atol=2e-3 * float(expected.abs().max()))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_stays_none(kernel: GroupKernel, value: float) -> None:
    """A row with it comes out as no number, and rows beside it as they are."""
    linear, _ = pack_groups(weights(), kernel)
    x = activations(3)
    clean = linear(x)
    x[1, 7] = value
    found = linear(x)
    assert not found[1].isfinite().any()
    assert torch.equal(found[::2], clean[::2])


def test_a_row_of_zeros_stays_zero(kernel: GroupKernel) -> None:
    """It has a scale, too."""
    linear, _ = pack_groups(weights(), kernel)
    assert not linear(torch.zeros(2, K, dtype=torch.bfloat16)).any()


def test_rows_of_another_type_or_order_in_memory_are_taken(kernel: GroupKernel) -> None:
    """They are brought into bfloat16, row by row, first."""
    linear, _ = pack_groups(weights(), kernel)
    x = activations(4)
    assert torch.equal(linear(x.float()), linear(x))
    assert torch.equal(linear(x.T.contiguous().T), linear(x))


def test_weights_that_float16_cannot_hold_go_another_way() -> None:
    """A scale beyond its range is left to the kernel that has bfloat16 scales."""
    source = weights()
    large = GroupCodes(source.codes, source.scale * 1e6, source.minimum * 1e6, 4)
    assert can_pack_groups(source)
    assert not can_pack_groups(large)
    x = activations(2)
    found = LinearWeights(large, layout="int4").few()(x).double()
    expected = x.double() @ large.dequantise(torch.float64).T
    assert (found - expected).norm() / expected.norm() < 0.01
