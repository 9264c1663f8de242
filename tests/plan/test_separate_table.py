"""Tables behind what looks up none: which kernels run, in which order.

On fakes, which count: see csrc/testing/fakes/.
"""

from typing import Any

import fakes
import pytest
from fakes import FLOAT32, INT32, Node, Tensor

X, W, BIAS, MULTIPLIER, TABLE, Y = (0x10000000 * i for i in range(1, 7))
CLAMP: dict[str, Any] = {"y_zero_point": 5, "y_min": -128, "y_max": 127}
STEM: dict[str, Any] = {
    "strides": [2, 2],
    "dilations": [1, 1],
    "pads": [3] * 4,
    "group": 1,
    "x_zero_point": 9,
}


@pytest.fixture(autouse=True)
def counters() -> None:
    fakes.use_runtime(24)
    fakes.calls()


def constants(*filter: int) -> list[Tensor]:
    k = filter[0]
    return [
        Tensor(W, list(filter)),
        Tensor(BIAS, [k], INT32),
        Tensor(MULTIPLIER, [k], FLOAT32),
        Tensor(TABLE, [256]),
    ]


def launched(
    op: str, attributes: dict[str, Any], x: list[int], inputs: list[Tensor], engine: str = "separate_table"
) -> tuple[list[str], list[int]]:
    """The kernels of a run whose plan is known, and the shape of y."""
    node = Node(op, attributes, [None, *inputs], engine)
    shape = node.run([Tensor(X, x), *inputs], Y)
    fakes.calls()
    assert node.run([Tensor(X, x), *inputs], Y) == shape
    return [launch.kernel for launch in fakes.calls().launches], shape


def test_of_a_matmul() -> None:
    kernels, shape = launched("QMatMulTable", CLAMP, [2, 16, 64], constants(64, 64))
    assert shape == [2, 16, 64]
    assert len(kernels) == 2
    assert "mma_matmul" in kernels[0]
    assert "table_vectors" in kernels[1] and "padded" not in kernels[1]


def test_within_padding() -> None:
    """The convolution writes dense results: padding is of another value than any that is looked up."""
    given = {**STEM, **CLAMP, "strides": [1, 1], "pads": [1] * 4, "group": 64}
    padding = {"y_pads": [0, 1, 1, 0, 0, 1, 2, 0], "table_zero_point": -128}
    kernels, shape = launched("QConvTable", {**given, **padding}, [2, 16, 16, 64], constants(64, 3, 3, 1))
    assert shape == [2, 18, 19, 64]
    assert len(kernels) == 2
    assert "depthwise" in kernels[0]
    assert "padded_table" in kernels[1]


@pytest.mark.parametrize("op", ["QConvTable", "QMatMulTable"])
def test_kernels_look_up_themselves(op: str) -> None:
    of_matmul: tuple[dict[str, Any], list[int], list[int]] = ({}, [2, 16, 64], [64, 64])
    given, x, filter = of_matmul if op == "QMatMulTable" else (STEM, [2, 32, 32, 4], [64, 7, 7, 4])
    engine = "native_stem" if op == "QConvTable" else "native_pointwise"
    (kernel,) = launched(op, {**given, **CLAMP}, x, constants(*filter), engine)[0]
    assert engine.removeprefix("native_") in kernel


@pytest.mark.parametrize("op", ["QConvTable", "QMatMulTable"])
def test_the_plain_kernels_look_up_themselves(op: str) -> None:
    """The others are compared with them."""
    of_matmul: tuple[dict[str, Any], list[int], list[int]] = ({}, [3, 5, 10], [7, 10])
    given, x, filter = of_matmul if op == "QMatMulTable" else (STEM, [2, 32, 32, 4], [64, 7, 7, 4])
    plain = "native_conv" if op == "QConvTable" else "native_matmul"
    (kernel,) = launched(op, {**given, **CLAMP}, x, constants(*filter), plain)[0]
    assert "TableEpilogue" in kernel


@pytest.mark.parametrize("shape", [[255], [1, 256], [16, 256]])
def test_another_table_is_refused(shape: list[int]) -> None:
    inputs = [*constants(64, 10)[:3], Tensor(TABLE, shape)]
    with pytest.raises(RuntimeError, match=r"table has to be of shape \[256\]"):
        launched("QMatMulTable", CLAMP, [5, 10], inputs)
