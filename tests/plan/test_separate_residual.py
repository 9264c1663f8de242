"""Constants behind what adds none: which kernels run, in which order.

On fakes, which count: see csrc/testing/fakes/.
"""

from typing import Any

import fakes
import pytest
from fakes import FLOAT32, INT32, Node, Tensor

X, W, BIAS, MULTIPLIER, CONSTANT, TABLE, Y = (0x10000000 * i for i in range(1, 8))
SUM: dict[str, Any] = {
    "y_zero_point": 5,
    "y_min": -128,
    "y_max": 127,
    "a_scale": 0.5,
    "a_zero_point": 3,
    "b_scale": 0.375,
    "b_zero_point": -7,
    "sum_scale": 0.5,
    "sum_zero_point": 2,
    "dtype": 3,
    "result_first": 1,
}
HUGE = {**SUM, "a_scale": 1e8, "sum_scale": 1e-3}


@pytest.fixture(autouse=True)
def counters() -> None:
    fakes.use_runtime(24)
    fakes.calls()


def launched(
    op: str,
    engine: str,
    *,
    attributes: dict[str, Any] = SUM,
    rows: int = 40,
    c: int = 64,
    k: int = 96,
    constant: list[int] | None = None,
) -> list[str]:
    """The kernels of a run whose plan is known."""
    inputs = [
        Tensor(CONSTANT, constant or [k]),
        Tensor(W, [k, c]),
        Tensor(BIAS, [k], INT32),
        Tensor(MULTIPLIER, [k], FLOAT32),
        *([Tensor(TABLE, [256])] if op == "QMatMulAddTable" else []),
    ]
    node = Node(op, attributes, [None, *inputs], engine)
    for _ in range(2):
        fakes.calls()
        assert node.run([Tensor(X, [2, rows, c]), *inputs], Y) == [2, rows, k]
    return [launch.kernel for launch in fakes.calls().launches]


def test_the_sum_is_a_second_kernel() -> None:
    kernels = launched("QMatMulAdd", "separate_residual")
    assert len(kernels) == 2
    assert "pointwise_kernel" in kernels[0]
    assert "elementwise_vectors" in kernels[1] and "Add" in kernels[1]


def test_it_looks_up_as_well() -> None:
    kernels = launched("QMatMulAddTable", "separate_residual")
    assert len(kernels) == 2
    assert "pointwise_kernel" in kernels[0]
    assert "elementwise_vectors" in kernels[1] and "SumTable" in kernels[1]


@pytest.mark.parametrize("op", ["QMatMulAdd", "QMatMulAddTable"])
@pytest.mark.parametrize("result_first", [0, 1])
def test_the_plain_kernel_adds_and_looks_up_itself(op: str, result_first: int) -> None:
    """The others are compared with it."""
    attributes = {**SUM, "result_first": result_first}
    (kernel,) = launched(op, "native_matmul", attributes=attributes, c=10, k=7)
    assert "ConstantEpilogue" in kernel


@pytest.mark.parametrize("op", ["QMatMulAdd", "QMatMulAddTable"])
def test_sums_that_may_be_huge_are_added_by_themselves(op: str) -> None:
    """Without vectors, whose rounding has no room for them; no plan is asked to add them."""
    kernels = launched(op, "native_matmul", attributes=HUGE)
    assert len(kernels) == 2
    assert "ConstantEpilogue" not in kernels[0]
    assert "elementwise_elements" in kernels[1]


@pytest.mark.parametrize("shape", [[1, 96], [95], [1]])
def test_a_constant_of_other_channels_is_refused(shape: list[int]) -> None:
    with pytest.raises(RuntimeError, match="constant does not have one value per output channel"):
        launched("QMatMulAdd", "native_matmul", constant=shape)
