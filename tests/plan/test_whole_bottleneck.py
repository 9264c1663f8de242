"""A residual block where one kernel does all of it: nothing else runs, and nothing is asked again.

On fakes of a Hopper GPU, which count: see csrc/testing/fakes/.
"""

import fakes
import pytest
from fakes import Tensor, node_of

from cases.bottleneck_op import DEPTHWISE, LEFT, MOBILENET_V2, RESNET50, STRIDED, TAKEN, bottleneck
from cases.builder import by_id
from cases.op import OpCase

DENSE_KERNEL, DEPTHWISE_KERNEL = (
    "17bottleneck_kernel",
    "24inverted_residual_kernel",
)  # as the compiler has them
Y, ELSEWHERE = 0x90000000000, 0x100000


@pytest.fixture(autouse=True)
def counters() -> None:
    fakes.use_runtime(24)
    fakes.calls()


def kernel_of(case: OpCase) -> str:
    return DEPTHWISE_KERNEL if case.attributes["group"] > 1 else DENSE_KERNEL


def kernels_of(case: OpCase, batch: int = 1) -> list[str]:
    """Those of a first run."""
    node, inputs = node_of(case, batch)
    node.run(inputs, Y)
    return [launch.kernel for launch in fakes.calls().launches]


@pytest.mark.parametrize("case", [*TAKEN, *DEPTHWISE], ids=by_id)
def test_one_kernel(case: OpCase) -> None:
    node, inputs = node_of(case, 1)
    for run in range(3):
        node.run(inputs, Y)
        calls = fakes.calls()
        (launch,) = calls.launches
        assert kernel_of(case) in launch.kernel
        assert (calls.scratch, calls.lookups, calls.synchronizations) == (0, 0, 0)
        assert run == 0 or calls.tensor_maps == calls.questions == 0


@pytest.mark.parametrize("case", LEFT, ids=by_id)
def test_none_of_them_for_other_blocks(case: OpCase) -> None:
    kernels = kernels_of(case)
    assert len(kernels) >= 3
    assert not any(kernel in each for kernel in (DENSE_KERNEL, DEPTHWISE_KERNEL) for each in kernels)


def test_batches() -> None:
    """That for windows over all channels is for few images, the other for any number."""
    for case in (RESNET50[1], STRIDED[0]):
        assert [DENSE_KERNEL in kernels_of(case, batch)[0] for batch in (1, 64)] == [True, False]
        assert len(kernels_of(case, 64)) >= 3
    for case in MOBILENET_V2:
        for batch in (2, 64):
            (kernel,) = kernels_of(case, batch)
            assert DEPTHWISE_KERNEL in kernel


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize("case", [RESNET50[2], STRIDED[1], MOBILENET_V2[4], MOBILENET_V2[5]], ids=by_id)
def test_runs_on_other_tensors(case: OpCase, batch: int) -> None:
    """Only the map of what moved is made again; a kernel without maps makes none."""
    node, inputs = node_of(case, batch)
    node.run(inputs, Y)
    fakes.calls()
    moved = [Tensor(inputs[0].address + ELSEWHERE, inputs[0].shape), *inputs[1:]]
    for tensors, maps in ((moved, 1), (inputs, 0), (moved, 0)):
        node.run(tensors, Y)
        calls = fakes.calls()
        assert len(calls.launches) == 1
        assert calls.tensor_maps == (maps if case.attributes["group"] == 1 else 0)
        assert calls.questions == 0


def test_a_pointer_that_is_not_aligned() -> None:
    for case in (bottleneck((7, 7), 64, 64, 256), MOBILENET_V2[9]):
        node, inputs = node_of(case, 1)
        for index in range(len(case.tensors)):  # constants stay where they were
            tensors = list(inputs)
            tensors[index] = Tensor(inputs[index].address + 4, inputs[index].shape, inputs[index].type)
            fakes.calls()
            node.run(tensors, Y)
            assert len(fakes.calls().launches) >= 3


def test_a_graph_captures_it() -> None:
    for case in (RESNET50[3], MOBILENET_V2[3]):
        node, inputs = node_of(case, 1)
        node.run(inputs, Y)
        fakes.calls()
        fakes.set_capturing(True)
        try:
            node.run(inputs, Y)
        finally:
            fakes.set_capturing(False)
        calls = fakes.calls()
        assert (len(calls.launches), calls.synchronizations) == (1, 0)
