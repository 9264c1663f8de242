"""What a run has found a node keeps: later ones look for no plan, until it is replaced or forgotten.

On fakes, which count: see csrc/testing/fakes/.
"""

from collections.abc import Callable, Iterator
from threading import Event, Thread

import fakes
import pytest
from fakes import FLOAT32, INT32, Node, Tensor

X, W, BIAS, MULTIPLIER, Y = (0x10000000 * i for i in range(1, 6))
C = 64
MOST = 16  # problems of which a node keeps what was chosen
WINDOW, PLAIN = "window_kernel", "conv_kernel"


@pytest.fixture(autouse=True)
def counters() -> Iterator[None]:
    fakes.use_runtime(24)
    fakes.clear_plans()
    fakes.calls()
    yield
    fakes.set_capturing(False)
    fakes.clear_plans()


def conv() -> Node:
    attributes: dict[str, list[int]] = {
        "strides": [1, 1],
        "dilations": [1, 1],
        "group": [1],
        "pads": [0] * 4,
        "x_zero_point": [-128],
        "y_zero_point": [-128],
        "y_min": [-128],
        "y_max": [127],
    }
    weights = Tensor(W, [C, 1, 1, C]), Tensor(BIAS, [C], INT32), Tensor(MULTIPLIER, [C], FLOAT32)
    return Node("QConv", attributes, [None, *weights])


def inputs(node: Node, size: int = 14, at: int = X) -> list[Tensor]:
    return [Tensor(at, [1, size, size, C]), *(each for each in node.constants if each)]


def run(node: Node, size: int = 14, at: int = X) -> tuple[fakes.Calls, str]:
    """What it called, and the last kernel that it launched."""
    node.run(inputs(node, size, at), Y)
    calls = fakes.calls()
    return calls, calls.launches[-1].kernel


def test_a_node_looks_once() -> None:
    node = conv()
    first, kernel = run(node)
    assert first.lookups == 1 and WINDOW in kernel
    for _ in range(3):
        again, kernel = run(node)
        assert again.lookups == 0 and WINDOW in kernel
        assert len(again.launches) == 1


def test_runs_that_look_for_nothing_are_hits() -> None:
    node = conv()
    for _ in range(5):
        run(node)
    assert fakes.hits() == 4


def test_nodes_look_for_themselves() -> None:
    run(conv())
    calls, _ = run(conv())
    assert calls.lookups == 1  # found: it launches nothing but the kernel
    assert len(calls.launches) == 1


def test_each_shape_is_looked_for_once() -> None:
    node = conv()
    sizes = range(8, 8 + MOST)
    assert [run(node, size)[0].lookups for size in sizes] == [1] * MOST
    assert [run(node, size)[0].lookups for size in reversed(sizes)] == [0] * MOST


def test_an_alignment_is_a_problem_of_its_own() -> None:
    node = conv()
    run(node)
    elsewhere, kernel = run(node, at=X + 1)
    assert elsewhere.lookups == 1 and PLAIN in kernel
    for at, expected in ((X, WINDOW), (X + 1, PLAIN), (X + 16, WINDOW)):
        calls, kernel = run(node, at=at)
        assert calls.lookups == 0 and expected in kernel


def test_shapes_beyond_those_are_looked_for_by_each_run() -> None:
    node = conv()
    for size in range(8, 8 + MOST):
        run(node, size)
    run(node, 50)
    before = node.heap_allocations()
    for _ in range(3):
        calls, kernel = run(node, 50)
        assert calls.lookups == 1 and WINDOW in kernel
        assert len(calls.launches) == 1
    assert node.heap_allocations() == before


def test_a_replaced_plan_runs_at_once() -> None:
    nodes = [conv(), conv()]
    for node in nodes:
        assert WINDOW in run(node)[1]
    fakes.replace_plans()
    for node in nodes:
        calls, kernel = run(node)
        assert PLAIN in kernel and calls.lookups == 0
    calls, kernel = run(conv())
    assert PLAIN in kernel and calls.lookups == 1


def test_a_plan_that_was_made_in_need_is_chosen_again() -> None:
    node = conv()
    run(node)
    fakes.replace_plans(in_need=True)
    fakes.set_capturing(True)
    calls, kernel = run(node)
    assert PLAIN in kernel and len(calls.launches) == 1
    fakes.set_capturing(False)
    calls, kernel = run(node)
    assert WINDOW in kernel and len(calls.launches) > 1  # trials
    calls, kernel = run(node)
    assert WINDOW in kernel and len(calls.launches) == 1 and calls.lookups == 0


def test_a_plan_that_was_cleared_is_made_anew() -> None:
    node = conv()
    run(node)
    fakes.replace_plans()
    fakes.clear_plans()
    calls, kernel = run(node)
    assert WINDOW in kernel and calls.lookups == 1
    assert len(calls.launches) > 1  # trials
    calls, _ = run(node)
    assert calls.lookups == 0 and len(calls.launches) == 1


def test_a_node_outlasts_more_clearings_than_it_keeps_plans() -> None:
    node = conv()
    for _ in range(MOST + 2):
        fakes.clear_plans()
        assert WINDOW in run(node)[1]
    for _ in range(2):
        calls, kernel = run(node)
        assert WINDOW in kernel and calls.lookups == 1


def test_a_graph_captures_what_is_known() -> None:
    node = conv()
    run(node)
    fakes.set_capturing(True)
    calls, kernel = run(node)
    assert WINDOW in kernel and calls.lookups == 0 and len(calls.launches) == 1
    with pytest.raises(RuntimeError, match="run these shapes once before capturing"):
        run(node, 20)
    fakes.clear_plans()
    with pytest.raises(RuntimeError, match="run these shapes once before capturing"):
        run(node)


def test_sizes_are_checked_before_a_plan_is_looked_for() -> None:
    node = conv()
    for _ in range(2):
        with pytest.raises(RuntimeError, match="too large to have an address"):
            node.run([Tensor(X, [1 << 30, 1 << 10, 1 << 10, C]), *inputs(node)[1:]], Y)
        assert fakes.calls().lookups == 0
    assert WINDOW in run(node)[1]


@pytest.mark.parametrize("changes", [
    [fakes.clear_plans],
    [fakes.replace_plans],
    [fakes.clear_plans, fakes.replace_plans],
])  # fmt: skip
def test_threads_run_while_plans_change(changes: list[Callable[[], None]]) -> None:
    node, ended = conv(), Event()
    run(node)

    def work() -> None:
        while not ended.is_set():
            for change in changes:
                change()

    other = Thread(target=work)
    other.start()
    try:
        assert node.wrong_launches(inputs(node), threads=3, runs=1000, period=3) == 0
    finally:
        ended.set()
        other.join()
    fakes.clear_plans()
    assert WINDOW in run(node)[1]
