"""A residual block where one kernel does all of it: nothing else runs, and nothing is asked again.

On fakes of a Hopper GPU, which count: see csrc/testing/fakes/. All plans take as long there, and the first of
the fastest wins: the kernel.
"""

from collections import Counter
from collections.abc import Iterator

import fakes
import pytest
import testing
from fakes import Node, Tensor, node_of

from cases.bottleneck_op import (
    DEPTHWISE,
    FLOAT_LEFT,
    FLOAT_RESNET50,
    FLOAT_TAKEN,
    LEFT,
    MOBILENET_V2,
    RESNET50,
    STRIDED,
    TAKEN,
    bottleneck,
)
from cases.builder import by_id
from cases.op import OpCase

DENSE_KERNEL, DEPTHWISE_KERNEL = (
    "17bottleneck_kernel",
    "24inverted_residual_kernel",
)  # as the compiler has them
ENGINES = "native_bottleneck", "native_inverted_residual"
Y, ELSEWHERE = 0x90000000000, 0x100000
MOST_VARIANTS = 8
BOTH = pytest.mark.parametrize(
    "case", [RESNET50[2], STRIDED[1], FLOAT_RESNET50[1], MOBILENET_V2[3], MOBILENET_V2[4]], ids=by_id
)


@pytest.fixture(autouse=True)
def counters() -> Iterator[None]:
    fakes.use_runtime(24)
    fakes.clear_plans()
    fakes.calls()
    yield
    fakes.set_capturing(False)


def kernel_of(case: OpCase) -> str:
    return DEPTHWISE_KERNEL if case.attributes["group"] > 1 else DENSE_KERNEL


def engine_of(case: OpCase) -> str:
    return ENGINES[case.attributes["group"] > 1]


def warm(case: OpCase, batch: int = 1, engine: str = "") -> tuple[Node, list[Tensor]]:
    """A node whose plans are known, and its inputs."""
    node, inputs = node_of(case, batch, engine)
    for _ in range(2):
        node.run(inputs, Y)
    fakes.calls()
    return node, inputs


def kernels_of(case: OpCase, batch: int = 1) -> list[str]:
    """Those of a run whose plans are known."""
    node, inputs = warm(case, batch)
    node.run(inputs, Y)
    return [launch.kernel for launch in fakes.calls().launches]


def the_block() -> tuple[testing.BlockProblem, str, bool]:
    """The one residual block that has a plan, its plan and whether it was tuned."""
    (found,) = [
        (problem, *chosen)
        for text, chosen in fakes.plans().items()
        if isinstance(problem := testing.parse(text), testing.BlockProblem)
    ]
    return found


@pytest.mark.parametrize("case", [*TAKEN, *DEPTHWISE, *FLOAT_TAKEN], ids=by_id)
def test_one_kernel(case: OpCase) -> None:
    node, inputs = warm(case)
    for _ in range(3):
        node.run(inputs, Y)
        calls = fakes.calls()
        (launch,) = calls.launches
        assert kernel_of(case) in launch.kernel
        assert (calls.scratch, calls.lookups, calls.synchronizations) == (0, 0, 0)
        assert calls.tensor_maps == calls.questions == 0


@BOTH
@pytest.mark.parametrize("tune", ["full", "background", "heuristic"])
def test_all_ways_are_raced(case: OpCase, tune: str) -> None:
    """Each variant, and the three convolutions, whose plans are found as the session asks for them."""
    node, inputs = node_of(case, 1, tune=tune)
    node.run(inputs, Y)
    launched = Counter(launch.kernel for launch in fakes.calls().launches)
    assert fakes.wait_for_tuning(60_000)
    node.run(inputs, Y)
    problem, plan, _ = the_block()
    assert plan.startswith(f"{engine_of(case)} lines=")
    known = fakes.plans()
    assert known.keys() - {str(problem)} == {str(step) for step in testing.steps_of(problem)}
    assert {tuned for _, tuned in known.values()} == {tune != "heuristic"}
    runs = [count for kernel, count in launched.items() if kernel_of(case) in kernel]
    assert sum(runs) > 2 * MOST_VARIANTS
    assert sum(launched.values()) - sum(runs) > 30


@BOTH
def test_who_tunes_aside_tunes_the_steps(case: OpCase) -> None:
    """Where a guess was known, nobody has asked for its convolutions before."""
    node, inputs = node_of(case, 1)
    node.run(inputs, Y)
    guesses = fakes.plans()
    assert len(guesses) == 4 and not any(tuned for _, tuned in guesses.values())
    node, inputs = node_of(case, 1, tune="background")
    allocated = fakes.calls().allocations
    node.run(inputs, Y)
    assert fakes.wait_for_tuning(60_000)
    assert fakes.calls().allocations == allocated
    assert sorted(problem for problem, _, tuned in fakes.all_plans() if tuned) == sorted(guesses)


@BOTH
def test_another_size_is_raced_anew(case: OpCase) -> None:
    """Though the plan of the nearest is known."""
    warm(case, engine="separate_steps")
    node, inputs = node_of(case, 2)
    fakes.calls()
    node.run(inputs, Y)
    launches = [launch for launch in fakes.calls().launches if kernel_of(case) in launch.kernel]
    assert len(launches) > 2 * MOST_VARIANTS
    (plan,) = [plan for text, plan, _ in fakes.all_plans() if text.startswith("block n=2 ")]
    assert plan.startswith(f"{engine_of(case)} lines=")


@BOTH
def test_not_all_variants_are_candidates(case: OpCase) -> None:
    """Their kernels estimate which are likely: a race is to take milliseconds."""
    node, inputs = node_of(case, 1, engine_of(case))
    node.run(inputs, Y)
    launches = [launch for launch in fakes.calls().launches if kernel_of(case) in launch.kernel]
    compared, rounds, runs = 1, 5, 5
    variants, rest = divmod(len(launches) - 1, compared + rounds * runs)
    assert rest == 0
    assert variants == MOST_VARIANTS


@BOTH
def test_steps_that_are_asked_for(case: OpCase) -> None:
    """By name; their convolutions may have any plans."""
    node, inputs = warm(case, engine="separate_steps")
    node.run(inputs, Y)
    calls = fakes.calls()
    assert len(calls.launches) >= 3
    assert not any(kernel_of(case) in launch.kernel for launch in calls.launches)
    assert not any("conv_kernel" in launch.kernel for launch in calls.launches)  # the plain native one
    assert (calls.lookups, calls.synchronizations) == (0, 0)


@BOTH
def test_a_name_of_another_engine_is_for_the_convolutions(case: OpCase) -> None:
    warm(case, engine="native_conv")
    problem, plan, _ = the_block()
    assert plan == "separate_steps"
    assert {fakes.plans()[str(step)][0] for step in testing.steps_of(problem)} == {"native_conv"}


@BOTH
def test_what_is_better_replaces_it(case: OpCase) -> None:
    node, inputs = warm(case)
    fakes.replace_plans()
    node.run(inputs, Y)
    calls = fakes.calls()
    assert len(calls.launches) == (4 if case.op == "QBottleneckAdd" else 3)
    assert not any(kernel_of(case) in launch.kernel for launch in calls.launches)
    fakes.clear_plans()
    for _ in range(2):
        node.run(inputs, Y)
    fakes.calls()
    node.run(inputs, Y)
    (launch,) = fakes.calls().launches
    assert kernel_of(case) in launch.kernel


@pytest.mark.parametrize("case", [*LEFT, *FLOAT_LEFT], ids=by_id)
def test_none_of_them_for_other_blocks(case: OpCase) -> None:
    """Nor is the block a problem: there is nothing to choose."""
    kernels = kernels_of(case)
    assert len(kernels) >= 3
    assert not any(kernel in each for kernel in (DENSE_KERNEL, DEPTHWISE_KERNEL) for each in kernels)
    assert len(fakes.plans()) in (2, 3)  # two of the convolutions may be one problem
    assert not any(text.startswith("block ") for text in fakes.plans())


def test_batches() -> None:
    """That for windows over each channel is for any number of images."""
    for case in MOBILENET_V2:
        for batch in (2, 64):
            (kernel,) = kernels_of(case, batch)
            assert DEPTHWISE_KERNEL in kernel


@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(
    "case", [RESNET50[2], FLOAT_RESNET50[4], MOBILENET_V2[4], MOBILENET_V2[5]], ids=by_id
)
def test_runs_on_other_tensors(case: OpCase, batch: int) -> None:
    """Only the map of what moved is made again; a kernel without maps makes none."""
    node, inputs = warm(case, batch)
    moved = [Tensor(inputs[0].address + ELSEWHERE, inputs[0].shape), *inputs[1:]]
    for tensors, maps in ((moved, 1), (inputs, 0), (moved, 0)):
        node.run(tensors, Y)
        calls = fakes.calls()
        assert len(calls.launches) == 1
        assert calls.tensor_maps == (maps if case.attributes["group"] == 1 else 0)
        assert calls.questions == 0


def test_a_pointer_that_is_not_aligned() -> None:
    for case in (bottleneck((7, 7), 64, 64, 256), MOBILENET_V2[9], FLOAT_RESNET50[3]):
        node, inputs = node_of(case, 1)
        for index in range(len(case.tensors)):  # constants stay where they were
            tensors = list(inputs)
            tensors[index] = Tensor(inputs[index].address + 4, inputs[index].shape, inputs[index].type)
            for _ in range(2):
                fakes.calls()
                node.run(tensors, Y)
            launches = fakes.calls().launches
            assert len(launches) >= 3
            assert not any(kernel_of(case) in launch.kernel for launch in launches)


@BOTH
def test_a_graph_captures_it(case: OpCase) -> None:
    node, inputs = warm(case)
    fakes.set_capturing(True)
    node.run(inputs, Y)
    calls = fakes.calls()
    assert (len(calls.launches), calls.synchronizations) == (1, 0)


@BOTH
def test_a_graph_captures_no_race(case: OpCase) -> None:
    node, inputs = node_of(case, 1)
    fakes.set_capturing(True)
    with pytest.raises(RuntimeError, match="no plan yet for this problem, and none can be made while"):
        node.run(inputs, Y)
    assert fakes.calls().launches == []


@BOTH
def test_known_plans_only(case: OpCase) -> None:
    """Those of a session that may make plans are known to one that may not."""
    node, inputs = node_of(case, 1, tune="cached")
    with pytest.raises(RuntimeError, match="no plan is known for this problem"):
        node.run(inputs, Y)
    warm(case)
    fakes.calls()
    node.run(inputs, Y)
    (launch,) = fakes.calls().launches
    assert kernel_of(case) in launch.kernel
