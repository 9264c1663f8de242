"""Squeeze-and-excitation where its own kernel declines: the steps, one after the other.

On fakes, which count: see csrc/testing/fakes/.
"""

from typing import Any

import fakes
import pytest
from fakes import FLOAT32, INT32, Node, Tensor

X, Y = 0x10000000, 0x20000000
ATTRIBUTES: dict[str, Any] = {
    "x_scale": 0.03,
    "x_zero_point": -128,
    "mean_scale": 0.02,
    "mean_zero_point": -128,
    **{f"{step}_zero_point": -128 for step in ("squeezed", "excited")},
    **{f"{step}_min": -128 for step in ("squeezed", "excited")},
    **{f"{step}_max": 127 for step in ("squeezed", "excited")},
    **{f"{name}_scale": 0.02 for name in "aby"},
    **{f"{name}_zero_point": 3 for name in "aby"},
    "dtype": 3,
}


@pytest.fixture(autouse=True)
def counters() -> None:
    fakes.use_runtime(24)
    fakes.calls()


def layer(address: int, k: int, c: int) -> list[Tensor]:
    return [
        Tensor(address, [k, 1, 1, c]),
        Tensor(address + 0x1000000, [k], INT32),
        Tensor(address + 0x2000000, [k], FLOAT32),
        Tensor(address + 0x3000000, [256]),
    ]


def test_each_product_looks_up_by_itself() -> None:
    """20 channels are none that the kernel takes."""
    inputs = [*layer(0x30000000, 8, 20), *layer(0x40000000, 20, 8)]
    node = Node("QSqueezeExcitation", ATTRIBUTES, [None, *inputs], "native_matmul")
    x = Tensor(X, [2, 7, 7, 20])
    assert node.run([x, *inputs], Y) == [2, 7, 7, 20]
    fakes.calls()
    assert node.run([x, *inputs], Y) == [2, 7, 7, 20]
    kernels = [launch.kernel for launch in fakes.calls().launches]
    assert len(kernels) == 4, kernels
    assert "pool" in kernels[0]
    assert "TableEpilogue" in kernels[1] and "TableEpilogue" in kernels[2]
    assert "Mul" in kernels[3]
