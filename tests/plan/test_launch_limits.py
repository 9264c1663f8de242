"""CUDA is asked about a kernel and a GPU once, not at every launch. On fakes, which count."""

from collections.abc import Callable

import fakes
import pytest
from fakes import FLOAT32, INT32, Node, Tensor

X, SUM, SCALE, Y = (0x10000000 * i for i in range(1, 5))
QUESTIONS_OF_A_SHAPE = 1  # how many of its blocks run at once


@pytest.fixture(autouse=True)
def counters() -> None:
    fakes.use_runtime(24)
    fakes.calls()


def softmax() -> Node:
    attributes: dict[str, list[int] | float] = {
        "channels": [1000],
        "x_scale": 0.1,
        "y_scale": 1 / 256,
        "y_zero_point": [-128],
        "dtype": [3],
    }
    return Node("QSoftmax", attributes, [None])


def entry() -> Node:
    attributes: dict[str, list[int] | float] = {"perm": [0, 1], "pads": [0] * 4}
    sums, scales = Tensor(SUM, [64], INT32), Tensor(SCALE, [64], FLOAT32)
    return Node("DynamicQuantizeToIsland", attributes, [None, sums, scales])


def inputs(node: Node, rows: int) -> list[Tensor]:
    if node.op == "QSoftmax":
        return [Tensor(X, [rows, 1000])]
    return [Tensor(X, [rows, 1024], FLOAT32), *(each for each in node.constants if each)]


@pytest.mark.parametrize(("make", "kernel"), [(softmax, "softmax_tiles"), (entry, "dynamic_dense")])
def test_a_launch_asks_once(make: Callable[[], Node], kernel: str) -> None:
    node = make()
    node.run(inputs(node, 32), Y)
    node.run(inputs(node, 4096), Y)
    fakes.calls()
    for rows in (32, 4096, 32):
        node.run(inputs(node, rows), Y)
        calls = fakes.calls()
        assert kernel in calls.launches[-1].kernel
        assert calls.questions == 0
    node.run(inputs(node, 2048), Y)
    assert fakes.calls().questions <= QUESTIONS_OF_A_SHAPE
