"""What the runs of a node keep for later ones: tensor maps, tables of constants, what constants are.

On fakes, which count: see csrc/testing/fakes/.
"""

import gc
from collections.abc import Iterator
from typing import Any

import fakes
import pytest
from fakes import FLOAT32, INT8, INT32, Node, Tensor

X, R, W, BIAS, MULTIPLIER, Y = (0x10000000 * i for i in range(1, 7))
ELSEWHERE = 0x100000
NEW_RUNTIME, OLD_RUNTIME = 24, 18


@pytest.fixture(autouse=True)
def counters() -> Iterator[None]:
    fakes.use_runtime(NEW_RUNTIME)
    fakes.calls()
    yield
    fakes.set_capturing(False)


def constants(k: int, c: int, kernel: int, at: int = 0) -> list[Tensor]:
    return [
        Tensor(W + at, [k, kernel, kernel, c]),
        Tensor(BIAS + at, [k], INT32),
        Tensor(MULTIPLIER + at, [k], FLOAT32),
    ]


class Conv:
    """A node QConv, or QConvAdd, whose tensors are somewhere."""

    def __init__(
        self,
        *,
        c: int = 64,
        k: int = 64,
        kernel: int = 1,
        stride: int = 1,
        x_zero_point: int = -128,
        adds: bool = False,
        constant: bool = True,
        at: int = 0,
    ) -> None:
        pad = kernel // 2
        self.c, self.stride, self.adds = c, stride, adds
        self.constants = constants(k, c, kernel, at)
        attributes: dict[str, list[int] | float] = {
            "strides": [stride] * 2,
            "dilations": [1, 1],
            "group": [1],
            "pads": [pad] * 4,
            "x_zero_point": [x_zero_point],
            "y_zero_point": [-128],
            "y_min": [-128],
            "y_max": [127],
        }
        if adds:
            attributes |= {"a_scale": 0.1, "b_scale": 0.2, "sum_scale": 0.1, "dtype": [INT8]}
            attributes |= {name: [3] for name in ("a_zero_point", "b_zero_point", "sum_zero_point")}
            attributes["result_first"] = [1]
        known = [*([None] * (2 if adds else 1)), *(self.constants if constant else [None] * 3)]
        self.node = Node("QConvAdd" if adds else "QConv", attributes, known)

    def inputs(self, x: int = X, *, batch: int = 1, size: int = 14, r: int = R) -> list[Tensor]:
        of_x = Tensor(x, [batch, size, size, self.c])
        result = [batch, size // self.stride, size // self.stride, self.constants[1].shape[0]]
        return [of_x, *([Tensor(r, result)] if self.adds else []), *self.constants]

    def run(
        self, x: int = X, y: int = Y, *, batch: int = 1, size: int = 14, r: int = R
    ) -> tuple[fakes.Calls, fakes.Launch]:
        """What it called, and its last launch, which has to be that of the convolution."""
        self.node.run(self.inputs(x, batch=batch, size=size, r=r), y)
        calls = fakes.calls()
        last = calls.launches[-1]
        assert "window_kernel" in last.kernel
        return calls, last


@pytest.mark.parametrize(("options", "maps_of_x", "maps_of_y"), [
    ({}, 1, 2),
    ({"kernel": 3}, 1, 0),
    ({"kernel": 3, "stride": 2}, 4, 0),
    ({"kernel": 3, "x_zero_point": 0}, 1, 0),
])  # fmt: skip
def test_maps_are_made_of_tensors_that_moved(options: dict[str, Any], maps_of_x: int, maps_of_y: int) -> None:
    conv = Conv(**options)
    conv.run()
    again, launch = conv.run()
    assert again.tensor_maps == 0 and len(again.launches) == 1
    assert (launch.x, launch.weights, launch.y) == (X, W, Y)
    assert again.descriptions == again.scratch == again.synchronizations == again.questions == 0

    moved, launch = conv.run(X + ELSEWHERE)
    assert launch.x == X + ELSEWHERE
    if "stride" in options:  # how many depends on whether pixels are gathered
        assert moved.tensor_maps in (1, maps_of_x)
    else:
        assert moved.tensor_maps == maps_of_x
    moved, launch = conv.run(X + ELSEWHERE, Y + ELSEWHERE)
    assert launch.y == Y + ELSEWHERE
    # Without a residual the map of it is one of y, too; both are there if results leave through maps.
    assert moved.tensor_maps in (0, maps_of_y)
    assert set(launch.residual_and_y) <= {0, Y + ELSEWHERE}


def test_tensors_that_alternate_are_kept() -> None:
    conv = Conv()
    places = [X + i * ELSEWHERE for i in range(4)]
    for x in places:
        conv.run(x)
    for x in places * 3:
        calls, launch = conv.run(x)
        assert calls.tensor_maps == 0
        assert launch.x == x
    fifth, launch = conv.run(X + 4 * ELSEWHERE)
    assert fifth.tensor_maps == 1
    assert launch.x == X + 4 * ELSEWHERE


def test_batches_have_maps_of_their_own() -> None:
    conv = Conv()
    for batch in (1, 2, 3):
        calls, launch = conv.run(batch=batch)
        assert calls.tensor_maps > 0  # of the same addresses, of other extents
        assert launch.x == X
    for batch in (1, 2, 3):  # trials of plans had maps, too
        conv.run(batch=batch)
    for batch in (1, 2, 3, 1):
        calls, _ = conv.run(batch=batch)
        assert calls.tensor_maps == 0


def test_nodes_that_share_a_plan_keep_their_own() -> None:
    one, other = Conv(), Conv(at=ELSEWHERE)
    one.run()
    calls, launch = other.run()
    assert calls.tensor_maps > 0 and launch.weights == W + ELSEWHERE
    for _ in range(2):
        for conv, weights in ((one, W), (other, W + ELSEWHERE)):
            calls, launch = conv.run()
            assert calls.tensor_maps == 0
            assert launch.weights == weights
            assert launch.biases == weights - W + BIAS


def test_a_residual_has_a_map() -> None:
    conv = Conv(adds=True, k=256)
    conv.run()
    calls, launch = conv.run()
    assert calls.tensor_maps == 0
    through_maps = any(launch.residual_and_y)
    calls, launch = conv.run(r=R + ELSEWHERE)
    assert calls.tensor_maps == (1 if through_maps else 0)
    assert launch.residual_and_y == ([R + ELSEWHERE, Y] if through_maps else [0, 0])


@pytest.mark.parametrize("period", [1, 3, 50])
@pytest.mark.parametrize("kernel", [1, 3])
def test_threads_get_the_maps_of_their_tensors(kernel: int, period: int) -> None:
    """period: after how many runs a thread uses the same tensors again."""
    conv = Conv(kernel=kernel)
    conv.run()
    assert conv.node.wrong_launches(conv.inputs(), threads=4, runs=3000, period=period) == 0


def test_a_table_of_constants_is_made_once() -> None:
    conv = Conv(kernel=3)
    first, launch = conv.run()
    assert [each.kernel for each in first.launches if "biases_kernel" in each.kernel]
    table = launch.biases
    assert table not in (0, BIAS)
    again, launch = conv.run(X + ELSEWHERE)
    assert [each.kernel for each in again.launches] == [launch.kernel]
    assert launch.biases == table
    assert again.scratch == 0

    batch, launch = conv.run(batch=2)  # a plan of its own, of the same table
    assert not [each for each in batch.launches if "biases_kernel" in each.kernel]
    assert launch.biases == table
    _, launch = conv.run(size=10)
    assert launch.biases not in (0, BIAS, table)
    _, launch = conv.run()
    assert launch.biases == table


def test_tables_are_those_of_a_node() -> None:
    one, other = Conv(kernel=3), Conv(kernel=3, at=ELSEWHERE)
    tables = {conv.run()[1].biases for conv in (one, other)}
    assert len(tables) == 2
    calls, launch = one.run()
    assert len(calls.launches) == 1 and launch.biases in tables


def test_tables_go_with_their_node() -> None:
    conv = Conv(kernel=3, c=32)
    before, _ = conv.run()
    del conv
    gc.collect()
    assert fakes.calls().allocations == before.allocations - 1


@pytest.mark.parametrize("why", ["weights are computed", "many sizes"])
def test_a_table_that_cannot_be_kept_is_made_by_each_run(why: str) -> None:
    conv = Conv(kernel=3, constant=why == "many sizes")
    if why == "many sizes":
        for size in range(10, 18):
            conv.run(size=size)
    conv.run(size=20)
    again, launch = conv.run(size=20)
    assert ["biases_kernel" in each.kernel for each in again.launches] == [True, False]
    assert launch.biases not in (0, BIAS)
    assert again.scratch == 1


def test_no_table_is_kept_while_a_graph_is_captured() -> None:
    conv = Conv(kernel=3)
    conv.run()
    other = Conv(kernel=3, at=ELSEWHERE)  # has a plan already, and no table
    fakes.set_capturing(True)
    for _ in range(2):
        calls, _ = other.run()
        assert ["biases_kernel" in each.kernel for each in calls.launches] == [True, False]
        assert calls.synchronizations == 0 and calls.scratch == 1
    captured, _ = conv.run()
    assert len(captured.launches) == 1
    fakes.set_capturing(False)
    calls, _ = other.run()
    assert calls.synchronizations == 1 and calls.scratch == 1
    calls, _ = other.run()
    assert len(calls.launches) == 1 and calls.scratch == 0


def test_a_table_depends_on_the_zero_point() -> None:
    """Nodes of one model may share weights."""
    tables = {Conv(kernel=3, x_zero_point=zero_point).run()[1].biases for zero_point in (-128, 5)}
    assert BIAS not in tables
    _, launch = Conv(kernel=3, x_zero_point=0).run()
    assert launch.biases == BIAS


def test_constants_are_described_once() -> None:
    conv, unknown = Conv(), Conv(constant=False)
    fakes.use_runtime(OLD_RUNTIME)  # without the function that allocates nothing
    calls, _ = conv.run()
    assert calls.descriptions == 1  # of x
    calls, _ = unknown.run()
    assert calls.descriptions == 4


@pytest.mark.parametrize("adds", [False, True])
def test_a_run_asks_onnxruntime_for_little(adds: bool) -> None:
    conv = Conv(adds=adds, k=256)
    conv.run()
    calls, _ = conv.run()
    of_run = 3  # the GPU, the stream, cuDNN's handle
    of_tensors = 3 * (2 if adds else 1)  # each input's value, memory and description
    of_y = 2
    assert calls.runtime_questions == of_run + of_tensors + of_y


def test_a_constant_is_not_asked_for_again() -> None:
    conv = Conv()
    inputs = conv.inputs()
    moved = [inputs[0], *(Tensor(each.address + ELSEWHERE, [1]) for each in inputs[1:])]
    conv.node.run(moved, Y)
    launch = fakes.calls().launches[-1]
    assert (launch.x, launch.weights, launch.biases) == (X, W, BIAS)


@pytest.mark.parametrize("options", [{}, {"kernel": 3}, {"adds": True, "k": 256}], ids=str)
def test_a_run_allocates_nothing_on_the_host(options: dict[str, Any]) -> None:
    conv = Conv(**options)
    conv.run()
    first = conv.node.heap_allocations()
    assert first > 0  # its plan was made
    for _ in range(3):
        conv.run()
    assert conv.node.heap_allocations() == first
